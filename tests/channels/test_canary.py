"""The canaries of the channels against the practice services: written where nobody sees it, and nothing piles up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from channels import facebook, telegram, wordpress
from channels._canary import MOST, PAUSE, Flight, Patience, Seen, is_ours, words
from channels._telegram_options import TelegramOptions
from failover.contracts import Canary
from failover.model import Evidence, Sighting, Signal
from failover.model import Fault as Whose
from failover.practice import wordpress as wordpress_service
from failover.practice.graph import GraphService, graph_error
from failover.practice.http import Fault, HttpService, Request
from failover.practice.telegram import TelegramService
from failover.practice.wordpress import WordPressService
from probes import account
from tests.channels._house import HOLDING, NOW, Notes, deadline, surroundings, until

TOKEN = "123456789:practice-token-nobody-may-see"
CHAT = -1002222222222


@dataclass
class Clock:
    """A second passes between two canaries, as it does outside."""

    at: float = NOW

    def __call__(self) -> float:
        self.at += 1.0
        return self.at


@dataclass
class Place:
    """One channel over its practice service.

    `write` and `take` are method and path of those steps; `there` are the texts of what is there, seen or
    unseen; `refuse` makes the account lose its right to write.
    """

    service: Any
    open: Callable[[], Any]
    write: tuple[str, str]
    take: tuple[str, str]
    there: Callable[[], list[str]]
    refuse: Callable[[], None]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    channel: Any = None

    async def restart(self) -> None:
        """The daemon dies, and another one begins: nothing is remembered."""
        await self.stack.aclose()
        self.channel = await self.stack.enter_async_context(self.open())

    async def fly(self) -> Sighting:
        seen = await self.channel.canary()
        assert isinstance(seen, Sighting)
        assert TOKEN not in repr(seen)
        return seen

    def fail(self, fault: Fault, step: tuple[str, str], times: int = 1) -> None:
        self.service.fail(fault, method=step[0], path=step[1], times=times)

    def asked(self, step: tuple[str, str]) -> list[Request]:
        return [one for one in self.service.requests if one.method == step[0] and step[1] in one.path]


def page(graph: GraphService) -> Place:
    options = facebook.FacebookOptions(page=graph.page, token=SecretStr(graph.token), api_url=graph.url)

    def refuse() -> None:
        graph.scopes = ("pages_read_engagement",)

    return Place(
        service=graph,
        open=lambda: facebook.KIND.open(options, surroundings(Clock())),
        write=("POST", "/feed"),
        take=("DELETE", "/"),
        there=lambda: [post.message for post in graph.posts.values()],
        refuse=refuse,
    )


def blog(site: WordPressService) -> Place:
    options = wordpress.WordPressOptions(
        url=site.url, username=site.username, password=SecretStr(site.password), sticky=False
    )

    def refuse() -> None:
        site.password = "another one"

    return Place(
        service=site,
        open=lambda: wordpress.KIND.open(options, surroundings(Clock())),
        write=("POST", "/posts"),
        take=("DELETE", "/posts/"),
        there=lambda: [post.title for post in site.posts.values()],
        refuse=refuse,
    )


def group(bots: TelegramService) -> Place:
    chat = bots.add_chat(CHAT, kind="supergroup", title="Canary")
    options = TelegramOptions(chat="@examplecouncil", token=SecretStr(TOKEN), api_url=bots.url, canary_chat=CHAT)

    def refuse() -> None:
        bots.token = "123456789:another-one"

    return Place(
        service=bots,
        open=lambda: telegram.KIND.open(options, surroundings(Clock())),
        write=("POST", "/sendMessage"),
        take=("POST", "/deleteMessage"),
        there=lambda: [post.text for post in chat.posts.values() if not post.service],
        refuse=refuse,
    )


SERVICES: dict[str, tuple[Callable[[], HttpService], Callable[[Any], Place]]] = {
    "facebook": (lambda: GraphService(token=TOKEN, now=lambda: NOW), page),
    "wordpress": (lambda: WordPressService(password=TOKEN), blog),
    "telegram": (lambda: TelegramService(TOKEN, now=lambda: NOW), group),
}


@pytest.fixture(params=SERVICES)
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    service, made = SERVICES[request.param]
    async with service() as running:
        here = made(running)
        async with AsyncExitStack() as here.stack:
            await here.restart()
            yield here


# --- the rules that hold for all of them ---


async def test_a_working_place_is_written_to_unseen_and_left_as_it_was(place: Place) -> None:
    seen: list[list[str]] = []
    place.service.told = lambda _request, _fault: seen.append(place.service.visible())
    for _flight in range(3):
        sighting = await place.fly()
        assert (sighting.signal, sighting.evidence) == (Signal.UP, Evidence.SPOKEN)
    assert len(place.asked(place.write)) >= 3
    assert not any(seen)
    assert place.there() == []


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.GATEWAY_AFTER])
async def test_a_write_that_the_service_itself_fails_is_down(place: Place, fault: Fault) -> None:
    """Whether or not the write was processed; and what it may have left is gone when writing works again."""
    await place.fly()
    place.fail(fault, place.write, times=2)
    for _flight in range(2):
        sighting = await place.fly()
        assert (sighting.signal, sighting.evidence, sighting.fault) == (Signal.DOWN, Evidence.SPOKEN, Whose.PLATFORM)
        assert sighting.reason.startswith("a test post could not be made")
    assert (await place.fly()).signal is Signal.UP
    assert place.there() == []


async def test_a_write_that_our_account_may_not_do_never_votes(place: Place) -> None:
    place.refuse()
    sighting = await place.fly()
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)


async def test_a_throttled_write_is_our_account_s(place: Place) -> None:
    place.fail(Fault.THROTTLED, place.write)
    sighting = await place.fly()
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)


async def test_a_write_that_meets_a_foreign_page_says_nothing(place: Place) -> None:
    place.fail(Fault.HTML_BEFORE, place.write)
    assert (await place.fly()).signal is Signal.UNKNOWN


async def test_a_connection_that_breaks_is_only_seen_from_here(place: Place) -> None:
    place.fail(Fault.RESET_AFTER, place.write)
    sighting = await place.fly()
    assert (sighting.signal, sighting.evidence) == (Signal.DOWN, Evidence.HERE)
    assert (await place.fly()).signal is Signal.UP
    assert place.there() == []


async def test_what_was_accepted_and_is_not_there_is_degraded(place: Place) -> None:
    def swallow(request: Request, _fault: object) -> None:
        if (request.method, place.write[1] in request.path) == (place.write[0], True):
            _empty(place.service)

    place.service.told = swallow
    sighting = await place.fly()
    assert (sighting.signal, sighting.evidence) == (Signal.DEGRADED, Evidence.SPOKEN)
    assert "not there" in sighting.reason


def _empty(service: Any) -> None:
    if isinstance(service, TelegramService):
        service.chats[CHAT].posts.clear()
    else:
        service.posts.clear()


async def test_a_deletion_that_fails_is_degraded_and_made_up_for_at_the_next_flight(place: Place) -> None:
    place.fail(Fault.ERROR_BEFORE, place.take)
    sighting = await place.fly()
    assert (sighting.signal, sighting.evidence) == (Signal.DEGRADED, Evidence.SPOKEN)
    assert "could not be taken away" in sighting.reason
    assert len(place.there()) == 1
    assert (await place.fly()).signal is Signal.UP
    assert place.there() == []


async def test_where_nothing_can_be_deleted_nothing_piles_up(place: Place) -> None:
    place.service.fail_always(Fault.ERROR_BEFORE, method=place.take[0], path=place.take[1])
    for _flight in range(MOST + 3):
        assert (await place.fly()).signal is Signal.DEGRADED
    assert len(place.there()) == MOST
    place.service.heal()
    assert (await place.fly()).signal is Signal.UP
    assert place.there() == []


async def test_a_service_that_refuses_every_change_is_down_though_something_is_left_over(place: Place) -> None:
    place.fail(Fault.ERROR_BEFORE, place.take)
    await place.fly()
    place.fail(Fault.ERROR_BEFORE, place.take)
    place.fail(Fault.ERROR_BEFORE, place.write)
    assert (await place.fly()).signal is Signal.DOWN


@pytest.mark.parametrize("fault", [None, Fault.HANG_AFTER], ids=["after-it", "in-the-midst-of-it"])
async def test_what_a_death_leaves_behind_is_cleaned_up_by_the_next_process(
    place: Place, fault: Fault | None
) -> None:
    """Killed between the write and the deletion, or before the answer to the write arrived."""
    step = place.take if fault is None else place.write
    place.fail(fault or Fault.HANG_BEFORE, step)
    await _killed(place, step)
    assert [is_ours(text) for text in place.there()] == [True]
    await place.restart()
    assert (await place.fly()).signal is Signal.UP
    assert place.there() == []


async def test_what_a_deadline_cuts_off_is_cleaned_up_at_the_next_flight(place: Place) -> None:
    await place.fly()
    place.service.requests.clear()
    place.fail(Fault.HANG_AFTER, place.write)
    await _killed(place, place.write)
    assert (await place.fly()).signal is Signal.UP
    assert place.there() == []


async def _killed(place: Place, step: tuple[str, str]) -> None:
    flying = asyncio.ensure_future(place.channel.canary())
    hanging = deadline(place.service, Fault.HANG_AFTER, *step)
    assert hanging is not None
    await until(hanging)
    await asyncio.sleep(0.05)
    flying.cancel()
    await asyncio.wait({flying})
    assert flying.cancelled()


async def test_nothing_but_test_posts_is_ever_cleaned_up(place: Place) -> None:
    """Neither a statement that waits unpublished, nor what people write."""
    for text in (HOLDING.text, f"{words(NOW)} Not really."):
        _somebody_writes(place.service, text)
    await place.restart()
    await place.fly()
    await place.fly()
    assert place.there() == [HOLDING.text, f"{words(NOW)} Not really."]


def _somebody_writes(service: Any, text: str) -> None:
    match service:
        case TelegramService():
            service.chats[CHAT].add(text, NOW)
        case GraphService():
            service._add(text, service.page, is_published=False)
        case WordPressService():
            number = len(service.posts) + 2
            slug = "failover-canary" if number == 2 else "failover-canary-2"
            service.posts[number] = wordpress_service.Post(number, slug, text, text)


# --- what is special to one of them ---


@pytest.fixture
async def graph() -> AsyncIterator[tuple[GraphService, Place]]:
    async with GraphService(token=TOKEN, now=lambda: NOW) as service:
        here = page(service)
        async with AsyncExitStack() as here.stack:
            await here.restart()
            yield service, here


async def test_facebook_s_own_error_on_writing_is_down_while_reading_works(graph: tuple[GraphService, Place]) -> None:
    """March 2019: the Page can be read, and nothing can be posted."""
    service, here = graph
    service.write_trouble = graph_error(2, "Service temporarily unavailable", transient=True, status=500)
    assert (await here.channel.check()).sighting.signal is Signal.UP
    sighting = await here.fly()
    assert (sighting.signal, sighting.evidence, sighting.fault) == (Signal.DOWN, Evidence.SPOKEN, Whose.PLATFORM)
    assert "error 2" in sighting.reason


@pytest.mark.parametrize(
    ("code", "signal", "fault"),
    [
        (190, Signal.UNKNOWN, Whose.ACCOUNT),
        (200, Signal.UNKNOWN, Whose.ACCOUNT),
        (368, Signal.UNKNOWN, Whose.ACCOUNT),
        (506, Signal.UNKNOWN, Whose.ACCOUNT),
        (341, Signal.UNKNOWN, None),
        (1, Signal.DOWN, Whose.PLATFORM),
    ],
)
async def test_facebook_s_errors_mean_what_they_mean_when_a_statement_is_sent(
    graph: tuple[GraphService, Place], code: int, signal: Signal, fault: Whose | None
) -> None:
    service, here = graph
    service.write_trouble = graph_error(code, "No")
    sighting = await here.fly()
    assert (sighting.signal, sighting.fault) == (signal, fault)


async def test_a_test_post_that_turns_out_to_be_public_is_the_last_one(graph: tuple[GraphService, Place]) -> None:
    service, here = graph

    def publish(request: Request, _fault: object) -> None:
        if request.method == "POST" and request.path.endswith("/feed"):
            for post in [*service.posts.values()]:
                service.posts[post.id] = replace(post, is_published=True)

    service.told = publish
    sighting = await here.fly()
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)
    assert "public" in sighting.reason
    assert service.posts == {}
    assert await here.fly() == sighting
    assert len(here.asked(here.write)) == 1


async def test_a_canary_neither_disturbs_nor_is_taken_for_a_statement(graph: tuple[GraphService, Place]) -> None:
    service, here = graph
    await asyncio.gather(here.fly(), here.channel.send(HOLDING, Notes()))
    assert service.visible() == [HOLDING.text]
    assert here.there() == [HOLDING.text]


async def test_a_site_whose_posts_cannot_be_listed_is_not_written_to() -> None:
    """Each look would leave another draft there, unseen by us."""
    async with WordPressService() as site:
        here = blog(site)
        async with AsyncExitStack() as here.stack:
            await here.restart()
            site.fail(Fault.ERROR_BEFORE, method="GET", path="/posts")
            assert (await here.fly()).signal is Signal.DOWN
            assert not here.asked(here.write)


async def test_a_test_message_makes_no_sound_and_is_sent_to_the_canary_s_chat_alone() -> None:
    async with TelegramService(TOKEN, now=lambda: NOW) as bots:
        here = group(bots)
        async with AsyncExitStack() as here.stack:
            await here.restart()
            await here.fly()
        (sent,) = [request.form() for request in here.asked(here.write)]
        assert (sent["chat_id"], sent["disable_notification"]) == (str(CHAT), "true")
        assert bots.visible() == []


@pytest.mark.parametrize("how", ["public", "linked", "the channel itself"])
async def test_a_test_message_is_never_sent_where_somebody_reads_it(how: str) -> None:
    """The public channel may be configured by its name and, for the canary, by its number."""
    async with TelegramService(TOKEN, now=lambda: NOW) as bots:
        here = group(bots)
        chat = bots.chats[CHAT]
        chat.name = "examplegroup" if how == "public" else ""
        chat.linked = bots.channel.id if how == "linked" else 0
        if how == "the channel itself":
            options = TelegramOptions(
                chat="@examplecouncil", token=SecretStr(TOKEN), api_url=bots.url, canary_chat=bots.channel.id
            )
            here.open = lambda: telegram.KIND.open(options, surroundings(Clock()))
        async with AsyncExitStack() as here.stack:
            await here.restart()
            sighting = await here.fly()
            assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)
            assert "canary_chat" in sighting.reason
            chat.name, chat.linked = "", 0
            assert await here.fly() == sighting
        assert not here.asked(here.write)


async def test_a_chat_that_is_made_public_ends_the_flights() -> None:
    async with TelegramService(TOKEN, now=lambda: NOW) as bots:
        here = group(bots)
        async with AsyncExitStack() as here.stack:
            await here.restart()
            await here.fly()
            bots.chats[CHAT].name = "examplegroup"
            sighting = await here.fly()
            assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)
            assert await here.fly() == sighting
        assert len(here.asked(here.write)) == 2
        assert here.there() == []


async def test_a_chat_that_cannot_be_looked_at_is_not_written_to() -> None:
    async with TelegramService(TOKEN, now=lambda: NOW) as bots:
        here = group(bots)
        async with AsyncExitStack() as here.stack:
            await here.restart()
            here.fail(Fault.ERROR_BEFORE, ("POST", "/getChat"))
            assert (await here.fly()).signal is not Signal.UP
            assert not here.asked(here.write)
            assert (await here.fly()).signal is Signal.UP


@pytest.mark.parametrize("between", [0, 30], ids=["together", "with unused numbers between"])
async def test_more_leftovers_than_one_flight_can_look_at_are_all_cleaned_up(between: int) -> None:
    """The copies of one flight leave unused numbers, which do not hide what is older from the next one."""
    async with TelegramService(TOKEN, now=lambda: NOW) as bots:
        here = group(bots)
        chat = bots.chats[CHAT]
        for number in range(50):
            chat.add(words(NOW - 1000 + number), NOW)
        chat.last += between
        async with AsyncExitStack() as here.stack:
            await here.restart()
            for _flight in range(6):
                assert (await here.fly()).signal is Signal.UP
            assert here.there() == []
            here.service.requests.clear()
            await here.fly()
            assert not here.asked(("POST", "/forwardMessage"))


# --- the time that a flight takes, and what may pile up ---


@dataclass
class Slow:
    """A service that hangs in one step, or takes posts and never says so."""

    hangs: str = ""
    wrong: Sighting | None = None
    listed: bool = True
    there: dict[str, str] = field(default_factory=dict)
    written: int = 0

    async def _step(self, name: str) -> None:
        if self.hangs == name:
            await asyncio.sleep(60.0)

    async def leftovers(self) -> list[str] | None:
        await self._step("leftovers")
        return [*self.there] if self.listed else None

    async def write(self, text: str) -> str | Sighting:
        self.written += 1
        post = f"{self.written}"
        self.there[post] = text
        await self._step("write")
        return post if self.wrong is None else self.wrong

    async def read(self, post: str, text: str) -> Seen:
        await self._step("read")
        return Seen.HIDDEN if self.there.get(post) == text else Seen.MISSING

    async def remove(self, post: str) -> bool:
        await self._step("remove")
        return self.there.pop(post, None) is not None


QUICK = Patience(write=0.1, aside=0.1)


@pytest.mark.parametrize(
    ("hangs", "signal"),
    [
        ("leftovers", Signal.DOWN),
        ("write", Signal.DOWN),
        ("read", Signal.DEGRADED),
        ("remove", Signal.DEGRADED),
    ],
)
async def test_a_flight_ends_in_time_whatever_hangs(hangs: str, signal: Signal) -> None:
    """One that the deadline of the look cuts off would be no vote at all."""
    slow = Slow(hangs=hangs, there={"a": words(NOW), "b": words(NOW)} if hangs == "remove" else {})
    async with asyncio.timeout(1.0):
        sighting = await Flight(slow, Clock(), QUICK).fly()
    assert (sighting.signal, sighting.evidence) == (signal, Evidence.HERE)


def test_the_deadline_of_a_look_leaves_room_for_the_slowest_flight() -> None:
    """Before it the account itself is asked."""
    assert Patience().whole + 20.0 <= account.KIND.timeout


@pytest.mark.parametrize("how", ["never answered", "its own error"])
async def test_unclear_writes_that_cannot_be_looked_for_do_not_pile_up(how: str) -> None:
    wrong = Sighting.down(Evidence.SPOKEN, "HTTP 500") if how == "its own error" else None
    slow = Slow(hangs="" if wrong else "write", wrong=wrong, listed=False)
    clock = Clock()
    flight = Flight(slow, clock, QUICK)
    said = [await flight.fly() for _look in range(MOST + 5)]
    assert [one.signal for one in said] == [Signal.DOWN] * MOST + [Signal.UNKNOWN] * 5
    assert len(slow.there) == MOST
    clock.at += PAUSE
    assert (await flight.fly()).signal is Signal.DOWN
    assert (await flight.fly()).signal is Signal.UNKNOWN
    slow.hangs, slow.wrong = "", None
    clock.at += PAUSE
    assert [(await flight.fly()).signal for _look in range(2)] == [Signal.UP] * 2


async def test_a_write_that_is_cut_off_counts_as_unclear() -> None:
    slow = Slow(hangs="write", listed=False)
    flight = Flight(slow, Clock(), Patience(write=30.0))
    for _look in range(MOST):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await flight.fly()
    assert (await flight.fly()).signal is Signal.UNKNOWN
    assert slow.written == MOST


async def test_unclear_writes_that_are_found_and_taken_away_go_on() -> None:
    slow = Slow(wrong=Sighting.down(Evidence.SPOKEN, "HTTP 500"))
    flight = Flight(slow, Clock(), QUICK)
    assert {(await flight.fly()).signal for _look in range(MOST + 5)} == {Signal.DOWN}
    assert len(slow.there) == 1


async def test_a_certain_no_leaves_nothing_to_look_for() -> None:
    slow = Slow(wrong=Sighting.unknown(Evidence.SPOKEN, "blocked", fault=Whose.ACCOUNT), listed=False)
    flight = Flight(slow, Clock(), QUICK)
    assert {(await flight.fly()).reason for _look in range(MOST + 5)} == {"a test post could not be made: blocked"}


async def test_facebook_s_unclear_posts_do_not_pile_up_where_they_may_not_be_listed(
    graph: tuple[GraphService, Place],
) -> None:
    service, here = graph
    service.fail_always(Fault.ERROR_BEFORE, method="GET", path="/promotable_posts")
    here.fail(Fault.ERROR_AFTER, here.write, times=MOST + 5)
    for _look in range(MOST + 5):
        await here.fly()
    assert len(here.there()) == MOST


async def test_telegram_without_a_chat_for_it_has_no_canary() -> None:
    options = TelegramOptions(chat="@examplecouncil", token=SecretStr(TOKEN))
    async with telegram.KIND.open(options, surroundings()) as channel:
        assert isinstance(channel, Canary)
        sighting = await channel.canary()
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)


@pytest.mark.parametrize("chat", ["@examplecouncil", 12345, -12345, -1001234567890, -1009876543210], ids=str)
def test_the_canary_s_chat_is_a_private_one_of_its_own(chat: object) -> None:
    """Not a public one, nor a person's, nor one without numbers of its own, nor one with another use."""
    with pytest.raises(ValidationError, match="canary_chat"):
        TelegramOptions.model_validate(
            {"chat": -1001234567890, "token": TOKEN, "operators_chat": -1009876543210, "canary_chat": chat}
        )


def test_the_words_of_a_test_post_are_recognised() -> None:
    assert is_ours(words(NOW))
    assert words(NOW) != words(NOW + 1)
    assert not is_ours(HOLDING.text)
    assert not is_ours(None)
