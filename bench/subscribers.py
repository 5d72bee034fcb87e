"""Ten thousand letters, and the daemon is killed on the way: who got the letter twice, who never?

    .venv/bin/python -m bench.subscribers [recipients] [kills]

The real daemon writes to a practice mail server; `kill -9` strikes it again and again at random moments of the
mailing, and each time it is started anew.  At the end the server's books are compared with the ledger: nobody may
have two letters, and who has none must be in doubt (the daemon died between the final dot and the answer) and listed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.stories.town import Town, a_town, phases

Fields = dict[str, Any]


async def mailing(recipients: int, kills: int, seed: int, folder: Path) -> str:
    chance = random.Random(seed)
    async with a_town(folder) as town:
        town.platforms("facebook")
        town.channels("facebook-page", "email")
        people = "".join(f"person{number}@example.net,Person {number}\n" for number in range(recipients))
        (town.folder / "people.csv").write_text(f"email,name\n{people}", "utf-8")
        town.config["channels"]["email"].pop("recipients", None)
        town.config["channels"]["email"]["recipients_file"] = "people.csv"
        await town.start()
        await town.all_up()
        await town.declare("down")
        began = time.monotonic()
        died = [await _strike(town, chance, round_, recipients, kills) for round_ in range(kills)]
        await town.until("the mailing is done", lambda data: phases(data, "holding").get("email") == "sent", 600)
        took = time.monotonic() - began
        await town.stop()
        return _told(town, recipients, died, took)


async def _strike(town: Town, chance: random.Random, round_: int, recipients: int, kills: int) -> int:
    """Let a share of the letters go out, kill the daemon at a random moment, start it again."""
    share = recipients * (round_ + chance.uniform(0.4, 0.9)) / (kills + 1)
    await town.wait("letters are under way", lambda: len(town.internet.smtp.accepted) >= share, 300)
    await asyncio.sleep(chance.uniform(0, 0.05))
    await town.kill()
    sent = len(town.internet.smtp.accepted)
    await town.start()
    return sent


def _told(town: Town, recipients: int, died: list[int], took: float) -> str:
    letters = Counter(town.internet.smtp.by_recipient())
    ledger = {row["recipient"]: row["state"] for row in town.query("SELECT recipient, state FROM ledger")}
    doubtful = sorted(name for name, state in ledger.items() if state.partition(":")[0] in ("doubt", "sending"))
    twice = [to for to, count in letters.items() if count > 1]
    missed = [name for name in ledger if letters[name] == 0]
    unlisted = [name for name in missed if name not in doubtful]
    lines = [
        f"{recipients:,} recipients, killed after {', '.join(f'{sent:,}' for sent in died)} letters, {took:.0f} s",
        f"  two letters: {len(twice)}",
        f"  no letter and not in doubt: {len(unlisted) + recipients - len(ledger)}",
        f"  in doubt: {len(doubtful)}, of whom {sum(letters[name] > 0 for name in doubtful)} do have it"
        + (f" ({', '.join(doubtful)})" if doubtful else ""),
    ]
    assert not twice, twice[:5]
    assert not unlisted, unlisted[:5]
    assert len(ledger) == recipients
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="A long mailing through several deaths.")
    parser.add_argument("recipients", nargs="?", type=int, default=10_000)
    parser.add_argument("kills", nargs="?", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="failover-bench-") as folder:
        print(asyncio.run(mailing(given.recipients, given.kills, given.seed, Path(folder))))


if __name__ == "__main__":
    main()
