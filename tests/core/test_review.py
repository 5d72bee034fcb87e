"""What a reader with fresh eyes found: each test failed before its rule was held."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from channels._http import Answer, exchange, trouble
from failover.checkup import Checkup
from failover.cli import parser
from failover.courier import Outlet
from failover.delivery import Phase, Policy, after_send
from failover.desk import RequestError
from failover.handlers import handlers
from failover.incidents import Turn
from failover.model import (
    Fault,
    Health,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Signal,
    State,
    Statement,
    Unreachable,
)
from failover.plans import Known
from failover.retraction import Retraction
from failover.threads import Helpers
from failover.turns import after_turn
from tests.core.stories import GREEN, GREY, HOUR, MINUTE, NOON, RED, World, account, delivery, house, incident, up

MAILING = Policy(deadline=600.0)


async def a_world(**changes: Any) -> World:
    story = World(":memory:", **changes)
    await story.start()
    return story


# -- the welcome back names what was down ----------------------------------------------------------------------


def test_the_end_is_told_by_name_though_the_route_was_taken_out_meanwhile() -> None:
    """A reload may take the platform out of every route; who heard of the outage hears what is back."""
    heard = delivery(phase=Phase.SENT, receipt=Receipt(remote_id="1"))
    closed = incident(down=(), closed_at=NOON + HOUR)
    bare = house(routes=())
    plan = after_turn(Turn.CLOSED, closed, Known(deliveries=[heard]), {"facebook": State.UP}, bare, NOON + HOUR)
    assert [(row.channel, row.platforms) for row in plan.deliveries] == [("telegram", ("facebook",))]


# -- a long attempt is broken off as soon as it is no longer wanted --------------------------------------------


async def a_mailing_under_way(**changes: Any) -> World:
    """The e-mail goes to one recipient after the other, for minutes."""
    story = await a_world(policies={"email": MAILING}, **changes)
    await story.fall("facebook", deliver=False)
    story.answers["email"] += ["hang"]
    await story.courier.deliver()
    await asyncio.sleep(0)
    assert (await story.row("1H-email")).phase is Phase.SENDING
    return story


async def rounds(story: World, count: int = 3) -> None:
    for _ in range(count):
        await story.courier.deliver()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_an_objection_ends_a_mailing_that_is_under_way() -> None:
    story = await a_mailing_under_way()
    await story.desk.veto("1H", "a false alarm", "ann", story.now)
    await rounds(story)
    assert "email" not in story.courier.busy
    assert (await story.row("1H-email")).phase in (Phase.UNSURE, Phase.SENT), "it is looked for"


async def test_a_recovery_ends_a_mailing_that_is_under_way() -> None:
    story = await a_mailing_under_way()
    await story.live(16 * MINUTE, {"facebook": GREEN}, deliver=False)
    await rounds(story)
    assert "email" not in story.courier.busy


async def test_a_pause_ends_a_mailing_that_is_under_way() -> None:
    story = await a_mailing_under_way()
    await story.desk.pause("", "ann", story.now)
    await rounds(story)
    assert "email" not in story.courier.busy


async def test_a_mailing_that_is_wanted_goes_on() -> None:
    story = await a_mailing_under_way()
    await rounds(story)
    assert "email" in story.courier.busy
    await story.courier.stop()


async def test_a_short_attempt_is_not_broken_off_by_an_objection() -> None:
    """It ends by itself within its deadline, with an answer; broken off, a person might have to look."""
    story = await a_world()
    await story.fall("facebook", deliver=False)
    story.answers["telegram"] += ["hang"]
    await story.courier.deliver()
    await asyncio.sleep(0)
    await story.desk.veto("1H", "", "ann", story.now)
    await rounds(story)
    assert "telegram" in story.courier.busy
    await story.courier.stop()


# -- taking back (S9) ------------------------------------------------------------------------------------------


def taking_back(story: World) -> Retraction:
    outlets = {name: Outlet(name=name, channel=channel, policy=Policy()) for name, channel in story.channels.items()}
    return Retraction(story.engine, story.desk, outlets)


async def test_what_was_said_in_a_false_alarm_is_taken_back_and_nobody_is_welcomed_back() -> None:
    story = await a_world()
    await story.fall("facebook")
    answer = await taking_back(story).retract("1", "a false alarm", "ann", story.now)
    assert answer.text.splitlines() == [f"{name} (holding): taken back" for name in ("telegram", "email", "blog")]
    assert answer.public == ()
    assert set((await story.phases()).values()) == {"retracted"}
    assert len(story.journal.said("retracted")) == 3
    await story.rise("facebook")
    assert story.posts(Statement.WELCOME_BACK) == {}


async def test_what_cannot_be_taken_back_is_told_and_stays_sent() -> None:
    story = await a_world()
    await story.fall("facebook")

    async def never(_receipt: Receipt) -> Outcome:
        return Refused(reason="a mail cannot be taken back", refusal=Refusal.CONTENT)

    story.channels["email"].retract = never  # type: ignore[method-assign]
    answer = await taking_back(story).retract("1", "", "ann", story.now)
    still = "email (holding): still public (a mail cannot be taken back); delete it by hand: https://example.org/1"
    assert f"{still}; a correction goes out there" in answer.text.splitlines()
    assert answer.public == ("email",)
    assert (await story.row("1H-email")).phase is Phase.SENT
    assert [line["channel"] for line in story.journal.said("retract_failed")] == ["email"]


async def test_the_answer_names_what_may_be_public_and_could_not_be_taken_back_yet() -> None:
    """Nobody may go home with "nothing is public" while a delivery is in doubt."""
    story = await a_world()
    await story.fall("facebook", deliver=False)
    rows = {row.channel: row for row in await story.store.deliveries("1")}
    await story.put(rows["telegram"], phase=Phase.UNSURE)
    await story.put(rows["email"], phase=Phase.READY, receipt=Receipt(remote_id="m", note="3 sent, 2 waiting"))
    await story.put(rows["blog"], phase=Phase.HELD)
    answer = await taking_back(story).retract("1", "", "ann", story.now)
    assert [line.partition(" (holding): ")[0] for line in answer.text.splitlines()] == ["telegram", "email", "blog"]
    assert all("may be public" in line for line in answer.text.splitlines())
    assert answer.public == ("telegram", "email", "blog")
    assert "Nothing" not in answer.text
    assert {line["channel"] for line in story.journal.said("retract_failed")} == {"telegram", "email", "blog"}


async def test_an_unknown_incident_cannot_be_taken_back() -> None:
    story = await a_world()
    with pytest.raises(RequestError, match="no incident 9"):
        await taking_back(story).retract("9", "", "ann", story.now)


# -- approval --------------------------------------------------------------------------------------------------


async def test_an_approval_does_not_hurry_a_service_that_asked_us_to_wait() -> None:
    story = await a_world(house_=house(sign_off={Statement.HOLDING: "veto"}, veto_for=60.0))
    await story.fall("facebook", deliver=False)
    story.answers["telegram"] += ["wait:900"]
    await story.live(2 * MINUTE, {"facebook": RED})
    before = await story.row("1H-telegram")
    assert before.due > story.now + 600
    await story.desk.approve("1H", "ann", story.now)
    assert (await story.row("1H-telegram")).due == before.due


# -- a reload --------------------------------------------------------------------------------------------------


async def test_trouble_that_began_before_a_reload_is_said_to_be_over_after_it() -> None:
    story = await a_world()
    await story.live(3 * MINUTE, {"facebook": {"api": account()}})
    assert story.journal.said("account_trouble")
    before, paper = story.engine, story.journal
    await story.boot()
    story.engine.journal = paper
    story.engine.inherit(before, {"facebook": frozenset({"api"})})
    await story.live(MINUTE, {"facebook": GREEN})
    assert len(paper.said("account_well")) == 1


# -- threads that hang do not keep a process from ending --------------------------------------------------------


async def test_helpers_give_back_what_a_call_gave_and_what_it_raised() -> None:
    helpers, loop = Helpers(2), asyncio.get_running_loop()
    assert await loop.run_in_executor(helpers, sum, (1, 2)) == 3
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(helpers, divmod, 1, 0)
    helpers.shutdown()


async def test_helpers_are_never_more_than_allowed_and_work_side_by_side() -> None:
    helpers, loop = Helpers(3), asyncio.get_running_loop()
    meeting = threading.Barrier(3, timeout=5)
    names = await asyncio.gather(
        *(
            loop.run_in_executor(helpers, lambda: (meeting.wait(), threading.current_thread().name)[1])
            for _ in range(9)
        )
    )
    assert len(set(names)) == 3
    helpers.shutdown()


def test_a_call_that_hangs_does_not_keep_the_loop_from_ending() -> None:
    """A resolver that does not answer holds its thread for up to half a minute; a stop has five seconds."""
    gate = threading.Event()

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(Helpers(4))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.to_thread(gate.wait, 30)

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 5
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("helper"))
    gate.set()


# -- what people type, and what they are told -------------------------------------------------------------------


def test_taking_back_can_be_asked_for_on_the_command_line() -> None:
    given = parser().parse_args(["retract", "7", "--because", "a false alarm"])
    assert (given.incident, given.because) == ("7", "a false alarm")


@pytest.mark.parametrize("answer", ["yes", ["sent"], {}, None])
async def test_an_answer_that_makes_no_sense_is_refused_in_words(answer: object) -> None:
    class Daemon:
        at: Any = SimpleNamespace(desk=SimpleNamespace(resolve=None))

        def now(self) -> float:
            return NOON

        def kick(self) -> None: ...

        async def reload(self) -> str:
            return ""

        async def status(self) -> object:
            return {}

    with pytest.raises(RequestError, match="say `sent` or `not-sent`"):
        await handlers(Daemon())["resolve"]({"delivery": "1H-telegram", "answer": answer}, "ann")


class Mute:
    """A channel whose check never answers, after a first one that was well."""

    def __init__(self) -> None:
        self.asked = 0

    async def check(self) -> Health:
        self.asked += 1
        if self.asked == 2:
            raise TimeoutError
        if self.asked == 3:
            raise LookupError("a bug of the channel")
        return Health(sighting=up())


@pytest.mark.parametrize("times", [2, 3])
async def test_a_check_that_failed_does_not_leave_the_last_good_answer_standing(times: int) -> None:
    """`failover status` must not say "could post: yes" of a channel that could not even be asked."""
    story = await a_world()
    mute: Any = Mute()
    checkup = Checkup({"telegram": mute}, story.journal, lambda: NOON)
    for _ in range(times):
        await checkup.check("telegram")
    assert not checkup.healths["telegram"][1].able


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "hex", "klingon", "utf-16", "\x00"])
async def test_an_answer_in_any_encoding_is_an_answer(charset: str) -> None:
    """A channel that answers with anything at all is an outcome, never an exception."""

    def answered(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, headers=[(b"content-type", f"text/plain; charset={charset}".encode())], content=b"ok"
        )

    client = httpx.AsyncClient(transport=httpx.MockTransport(answered))
    async with client:
        assert isinstance(await exchange(client, "GET", "https://example.org/"), Answer)


# -- nobody is called down on old evidence ---------------------------------------------------------------------


async def test_after_a_restart_a_statement_names_only_what_is_seen_to_be_down_now() -> None:
    """R8 and S2 for each platform by itself: of the sibling nothing is known since the restart."""
    story = await a_world()
    await story.fall("facebook", "instagram", deliver=False)
    await story.restart()
    await story.live(3 * MINUTE, {"facebook": RED, "instagram": GREY})
    assert story.posts() == {"telegram": 1, "email": 1, "blog": 1}
    assert [post.text.partition(";")[0] for post in story.walls["telegram"].posts] == ["holding: facebook"]


@pytest.mark.parametrize("seconds", [float("inf"), 1e300, 10.0**12])
def test_no_service_makes_us_wait_for_ever(seconds: float) -> None:
    """A Retry-After of a thousand digits: the time of the next attempt stays one that can be stored and shown."""
    sending = delivery(phase=Phase.SENDING, attempts=1, began=NOON)
    after = after_send(sending, Unreachable(reason="wait", retry_after=seconds), NOON)
    assert after.due <= NOON + 24 * HOUR


@pytest.mark.parametrize(
    "cause",
    [socket.gaierror(socket.EAI_AGAIN, "later"), ssl.SSLCertVerificationError("self-signed")],
    ids=["our resolver", "a box on the line"],
)
def test_a_post_that_met_our_own_resolver_or_a_box_on_the_line_votes_against_nobody(cause: OSError) -> None:
    """As with the probes (R3): the name and the certificate are checked on our side of the line."""
    error = httpx.ConnectError("no")
    error.__cause__ = cause
    outcome = trouble(error)
    assert isinstance(outcome, Unreachable)
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.fault) == (Signal.UNKNOWN, Fault.NETWORK)
