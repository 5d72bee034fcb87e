"""`failover incidents`, `failover report` and `failover forget`: asked of the daemon, and of the file it left."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from failover.practice.http import Fault
from failover.practice.internet import SUBSCRIBERS
from failover.practice.smtp import SmtpFault
from tests.stories.town import Town

ADA, GRACE, LINUS = SUBSCRIBERS


class Page(HTMLParser):
    """Everything a reader meets, every link, and everything that would be fetched."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.links += [found["href"]] if tag == "a" else []
        self.fetched += [found[name] for name in ("src", "srcset", "data", "action") if name in found]
        self.fetched += [found.get("href", "")] if tag in ("link", "base") else []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


async def asked(town: Town, *words: str) -> dict[str, Any]:
    told = await town.command(*words, "--json")
    assert told.code == 0, told.err
    found: dict[str, Any] = json.loads(told.out)
    return found


def bytes_of(town: Town) -> bytes:
    """Everything that lies beside the database, too."""
    return b"".join(one.read_bytes() for one in town.database.parent.glob(f"{town.database.name}*"))


async def test_an_outage_is_told_afterwards_to_whoever_asks(town: Town) -> None:
    """As a list, as text, as data and as a page: with its words, its links, its times, and what is left to do."""
    town.channels("facebook-page", "telegram", "email", "blog", "statuspage")
    town.config["channels"]["telegram"]["pin"] = True
    town.config["channels"]["email"]["sender"] = "Council <news@council.example>"  # so that any other is a reader
    town.config["sign_off"] = {"holding": "required"}
    town.config["organisation"]["timezone"] = "Europe/Berlin"
    await town.start()
    await town.all_up()
    assert (await asked(town, "incidents"))["incidents"] == []
    none = await town.command("report")
    assert (none.code, none.err) == (1, "failover report: there has been no incident yet\n")
    town.internet.smtp.fail(SmtpFault.RCPT_550, recipient=LINUS)
    await town.command("declare", "facebook", "down", "--because", "our page shows nothing")
    await town.hears("statement_waiting", statement_id="1H")
    [waiting] = (await asked(town, "incidents"))["incidents"]
    assert (waiting["waiting"], waiting["told"], waiting["closed_at"]) == (["1H"], [], None)
    await town.command("approve", "1H")
    await town.phases("holding", telegram="sent", email="sent", blog="sent")
    open_report = await asked(town, "report")
    assert open_report["summary"].endswith("It is not over.")
    town.internet.telegram.fail(Fault.ERROR_BEFORE, path="/unpinChatMessage")
    await town.declare("up")
    await town.over()
    told = await town.hears("catch_up", incident="1")
    assert told["count"] == "1"
    assert "may still be pinned on telegram" in told["reason"]

    running = await asked(town, "report", "1")
    text = (await town.command("report", "1")).out
    page = await town.command("report", "--html", "report.html")
    assert page.code == 0, page.err
    shown = Page((town.folder / "report.html").read_text(encoding="utf-8"))
    listed = await asked(town, "incidents", "--since", "1h")
    await town.stop()
    unknown = await town.command("report", "9")
    assert (unknown.code, unknown.err) == (1, "failover report: there is no incident 9; see `failover incidents`\n")
    stopped = await asked(town, "report")
    assert stopped["running"] is False
    assert {name: stopped[name] for name in ("incident", "statements", "states", "catch_up")} == {
        name: running[name] for name in ("incident", "statements", "states", "catch_up")
    }
    assert (await asked(town, "incidents"))["incidents"] == listed["incidents"]

    for table in ("audit", "delivery", "observation", "transition", "statement", "meta"):
        assert "@example.org" not in str(town.query(f"SELECT * FROM {table}")), "only the ledger knows the readers"

    [one] = listed["incidents"]
    assert (one["id"], one["platforms"], one["held"]) == ("1", ["facebook"], [])
    assert set(one["told"]) == {"telegram", "email", "blog", "statuspage"}
    assert set(one["welcomed"]) == {"telegram", "email", "blog", "statuspage", "facebook-page"}
    opened, closed = (datetime.fromisoformat(one[name]) for name in ("opened_at", "closed_at"))
    assert opened <= closed, (
        "told to the second: an outage of the practice internet may begin and end in the same one"
    )
    assert opened.utcoffset() is not None
    assert running["incident"]["opened_at"] == one["opened_at"]

    holding, welcome = running["statements"]
    assert holding["decided_by"].startswith(tuple("abcdefghijklmnopqrstuvwxyz"))
    assert holding["decision"] == "approved"
    mail = next(row for row in holding["deliveries"] if row["channel"] == "email")
    assert mail["recipients"] == {"sent": 2, "refused": 1}
    blog = next(row for row in holding["deliveries"] if row["channel"] == "blog")
    assert blog["url"].startswith("http")
    for words in (" ".join(text.split()), shown.text):
        assert "our page shows nothing" in words
        assert "approved" in words
        assert blog["url"] in words
        assert holding["reference"] in words
        assert welcome["reference"] in words
        assert "2 sent, 1 refused" in words
        assert "may still be pinned on telegram" in words
        assert "One thing is left for a person to see to" in words
    assert blog["url"] in shown.links
    assert shown.fetched == []
    assert "script" not in shown.tags
    assert {"svg", "rect", "circle"} <= set(shown.tags)
    assert (town.folder / "report.html").read_text(encoding="utf-8").count("@example.org") == 0


async def test_what_an_incident_left_is_said_once_also_after_a_restart(town: Town) -> None:
    """An incident that left nothing says so, once; killed after that, it is not said again."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", blog="sent")
    await town.declare("up")
    await town.hears("incident_settled", incident="1")
    await town.kill()
    await town.start()
    await town.all_up()
    await town.looks(2)
    assert len(town.journal("incident_settled")) == 1
    assert town.journal("catch_up") == []
    told = await asked(town, "report")
    assert told["catch_up"] == []
    assert told["posts"] == []
    assert "Nothing is left to be done." in told["summary"]


async def test_whoever_asks_to_be_forgotten_is_gone_from_every_file_and_is_not_written_to_again(town: Town) -> None:
    """Ada heard of the outage; she is forgotten while it lasts, so the welcome back goes to Grace and Linus alone."""
    town.channels("facebook-page", "email")
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", email="sent")
    assert ADA.encode() in bytes_of(town)
    still = await town.command("forget", ADA.upper())
    assert still.code == 0, still.err
    assert "Forgotten: 1 line of the record" in still.out
    assert "It still stands in " in still.out
    assert "subscribers.csv (of email)" in still.out
    assert ADA.encode().lower() not in bytes_of(town).lower()
    (town.folder / "subscribers.csv").write_text(f"email\n{GRACE}\n{LINUS}\n")
    gone = await town.command("forget", ADA)
    assert "knows no such address" in gone.out
    assert "It is in no list" in gone.out
    await town.declare("up")
    await town.over()
    await town.hears("recipient_forgotten", times=2)
    await town.stop()
    assert ADA.encode().lower() not in bytes_of(town).lower()
    assert town.heard("1W") == {f"email to {GRACE}", f"email to {LINUS}", "facebook-page"}
    with closing(sqlite3.connect(town.database)) as database:
        marks = database.execute("SELECT count(*) FROM ledger WHERE recipient LIKE 'forgotten-%'").fetchone()
        facts = [json.loads(one) for (one,) in database.execute(
            "SELECT facts FROM audit WHERE event = 'recipient_forgotten' ORDER BY id"
        )]  # fmt: skip
    assert marks == (2,)
    assert [one["lines"] for one in facts] == [1, 0]
    assert all("(command line" in one["by"] for one in facts)
    wrong = await town.command("forget", "nobody at all")
    assert wrong.code == 3, "the daemon is off, and only it may write"
