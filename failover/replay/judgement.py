"""Did the performance meet what the scenario expects?  Pure: a record in, findings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from failover.contracts import format_duration
from failover.incidents import HOLDING_KINDS
from failover.model import Statement
from failover.replay.run import Record
from failover.replay.scenario import Expectation, Window
from failover.replay.stage import Post, classes_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation: does it hold, and what was found.  `holds` None: it does not apply to this configuration."""

    holds: bool | None
    expected: str
    found: str


def findings(record: Record) -> list[Finding]:
    """One for each thing that is expected, and the one that always is: nothing is said twice."""
    found = [one for expectation in record.scenario.expect for one in _of(expectation, record)]
    return [*found, _once(record)]


def from_onset(seconds: float) -> str:
    """`+7m40s`; `-10m`."""
    sign = "-" if seconds <= -1 else "+"
    return f"{sign}{format_duration(abs(seconds))}"


def _of(expected: Expectation, record: Record) -> Iterator[Finding]:
    about = [name for name in expected.about or record.scenario.platforms if name in record.watched]
    who = ", ".join(expected.about or record.scenario.platforms)
    missing = _missing(expected, record, about)
    if missing:
        yield Finding(None, f"what is expected of {who}", missing)
        return
    posts = [post for post in record.posts if set(post.platforms) & set(about)]
    if expected.silent:
        yield Finding(not posts, f"nothing is said about {who}", _first(posts, record) or "nothing was said")
    if expected.holding is not None:
        holding = [post for post in posts if post.statement in HOLDING_KINDS]
        yield _timely("the first holding statement", expected.holding, holding[:1], record)
    if expected.welcome_back is not None:
        welcome = [post for post in posts if post.statement is Statement.WELCOME_BACK]
        yield _timely("the last welcome back", expected.welcome_back, welcome[-1:], record)
    yield from _pairs(expected, posts, record)
    if expected.never_on:
        yield _elsewhere(expected.never_on, posts, record)
    yield from _journal(expected, about, record)


def _missing(expected: Expectation, record: Record, about: Sequence[str]) -> str:
    """Why this cannot be expected of this configuration; "" if it can."""
    if not about:
        return "none of these is watched"
    for source in expected.when_watched_by or ():
        if not any(source in names for names in _sources(record, about)):
            return f"nothing of the kind '{source}' watches here"
    return ""


def _sources(record: Record, about: Iterable[str]) -> Iterator[set[str]]:
    for name in about:
        for probe in record.settings.platforms[name].probes:
            evidence = record.evidence.get((name, probe.name))
            yield {probe.name, probe.kind, *(classes_of(evidence) if evidence else ())}


def _timely(what: str, window: Window, posts: Sequence[Post], record: Record) -> Finding:
    parts = [f"not before {from_onset(window.from_)}" if window.from_ is not None else ""]
    parts += [f"by {from_onset(window.to)}" if window.to is not None else ""]
    expected = f"{what} {' and '.join(part for part in parts if part) or 'is said'}"
    if not posts:
        return Finding(False, expected, "it was not said")  # noqa: FBT003
    at = posts[0].at - record.scenario.onset
    early = window.from_ is not None and at < window.from_
    late = window.to is not None and at > window.to
    return Finding(not early and not late, expected, f"{from_onset(at)} on {posts[0].channel}")


def _pairs(expected: Expectation, posts: Sequence[Post], record: Record) -> Iterator[Finding]:
    """Incidents that were told, each to its end where the scenario has one."""
    told = {post.incident for post in posts if post.statement in HOLDING_KINDS}
    ended = {post.incident for post in posts if post.statement is Statement.WELCOME_BACK}
    unended = f", {len(told - ended)} of them without a welcome back" if told - ended else ""
    found = f"{len(told)}{unended}"
    whole = record.scenario.over is None or not told - ended
    if expected.pairs is not None:
        yield Finding(len(told) == expected.pairs and whole, f"incidents told: {expected.pairs}", found)
    if expected.pairs_at_most is not None:
        most = expected.pairs_at_most
        yield Finding(len(told) <= most and whole, f"incidents told: at most {most}", found)


def _elsewhere(never: Iterable[str], posts: Iterable[Post], record: Record) -> Finding:
    channels = {one.name for one in record.settings.channels.values() if one.platform in {*never}}
    wrong = [post for post in posts if post.statement in HOLDING_KINDS and post.channel in channels]
    return Finding(not wrong, f"no holding statement on {', '.join(never)}", _first(wrong, record) or "none there")


def _journal(expected: Expectation, about: Sequence[str], record: Record) -> Iterator[Finding]:
    for names, wanted in ((expected.journal, True), (expected.journal_never, False)):
        for name in names:
            lines = [line for line in record.journal if line.event == name]
            lines = [line for line in lines if line.fields.get("platform", about[0]) in about]
            said = (
                f"{from_onset(lines[0].at - record.scenario.onset)}: {lines[0].message}" if lines else "it does not"
            )
            verb = "tells of" if wanted else "never tells of"
            yield Finding(bool(lines) is wanted, f"the journal {verb} {name}", said)


def _once(record: Record) -> Finding:
    twice = [
        f"{_kind(post)} of incident {post.incident} on {post.channel}"
        for place, post in enumerate(record.posts)
        if _repeats(post, [one for one in record.posts[:place] if _beside(one) == _beside(post)])
    ]
    return Finding(not twice, "nothing is said twice", "; ".join(dict.fromkeys(twice)) or "nothing was")


def _repeats(post: Post, before: Sequence[Post]) -> bool:
    """The same statement again; a second holding statement; a welcome back where nothing was said since the last.

    Each update is a statement of its own, and where one has told of a relapse, that has an end of its own too.
    """
    if any(one.reference == post.reference for one in before):
        return True
    if post.statement in HOLDING_KINDS:
        return any(one.statement in HOLDING_KINDS for one in before)
    ended = bool(before) and before[-1].statement is Statement.WELCOME_BACK
    return ended and post.statement is Statement.WELCOME_BACK


def _beside(post: Post) -> tuple[str, str]:
    return post.incident, post.channel


def _kind(post: Post) -> str:
    return "holding" if post.statement in HOLDING_KINDS else post.statement.value


def _first(posts: Sequence[Post], record: Record) -> str:
    if not posts:
        return ""
    post = posts[0]
    return f"{from_onset(post.at - record.scenario.onset)} on {post.channel}: {post.text}"
