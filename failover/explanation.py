"""Why a platform's state is what it is, and what would change it: in sentences, one per fact (rule R10).  Pure.

Nothing is decided here.  What `verdict` judged by is put into words: who voted, what did not count and why, which
timer runs until when.  It costs something, so it is made at a transition and when somebody asks, never per look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from failover.credit import DISPUTED, counting, due, is_disputed, looks_of_ours, needed, was_alone
from failover.evidence import Line, Tally
from failover.model import Evidence, Observation, Signal, State
from failover.moments import clock_time, length
from failover.standing import Declaration, Rules, Standing
from failover.unsteady import is_unsteady
from failover.verdict import SILENCE_FACTOR, has_stopped

_ORDINALS = {2: "a second", 3: "a third", 4: "a fourth", 5: "a fifth"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Trouble of the platform is no news until then (seconds since the epoch): `why` says who or what wants it so."""

    why: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What is to be explained, at the time `now`; times are told in `zone`.

    `unasked` are the probes that have given no answer yet, with their class of evidence; `quiet` is what keeps
    trouble from being news at present.
    """

    title: str
    standing: Standing
    seen: Tally
    rules: Rules
    now: float
    line: Line = field(default_factory=Line)
    declared: Declaration | None = None
    zone: tzinfo = UTC
    unasked: Mapping[str, Evidence] = field(default_factory=dict)
    quiet: tuple[Quiet, ...] = ()

    def clock(self, at: float) -> str:
        return clock_time(at, self.now, self.zone)


def explain(matter: Matter) -> tuple[str, ...]:
    """What it is and since when, what speaks for and against it, what does not count, and what would change it."""
    said = (
        *_stands(matter),
        *_declared(matter),
        *_quiet(matter),
        *_offline(matter),
        *evidence(matter.seen, matter.now, matter.zone),
        *_caveats(matter),
        *_outlook(matter),
    )
    return tuple(map(sentence, said))


def sentence(text: str) -> str:
    """With a capital and a full stop, whatever a foreign reason ends with; on one line."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split()).rstrip(" .;,")
    return f"{line[:1].upper()}{line[1:]}" + ("" if line.endswith(("!", "?", "…")) else ".")


def _stands(matter: Matter) -> Iterator[str]:
    standing = matter.standing
    lasted = matter.now - standing.since
    span = f", for {length(lasted)}" if lasted >= 1 else ""
    yield f"{matter.title} is {standing.state.name} since {matter.clock(standing.since)}{span}"
    yield f"the reason given then: {standing.reason}"


def _declared(matter: Matter) -> Iterator[str]:
    """A person's word counts alone until it is withdrawn, or is true by itself (`verdict.come_true`)."""
    word, standing, rules = matter.declared, matter.standing, matter.rules
    if word is None:
        return
    because = f" ({word.because})" if word.because else ""
    yield f"{word.by} declared it {word.signal.value} at {matter.clock(word.at)}{because}"
    down = word.signal is Signal.DOWN
    since = standing.quorum_since if down else standing.calm_since
    lasts = needed(standing, rules) if down else rules.recover_for
    so_far = "" if since is None else f", as they do since {matter.clock(since)}"
    yield "while that word holds, the sources decide nothing about it"
    yield (
        f"the word ends with `failover declare {word.platform} auto`, or by itself when the sources have said the "
        f"same for {length(lasts)}{so_far}"
    )


def _quiet(matter: Matter) -> Iterator[str]:
    """Maintenance, or a person's wish: what speaks against the platform does not count until then."""
    for one in matter.quiet:
        yield f"trouble of it is no news until {matter.clock(one.until)}: {one.why}"
    if matter.quiet and matter.declared is None:
        until = matter.clock(max(one.until for one in matter.quiet))
        yield f"nothing that speaks against it counts before {until}, unless a person declares how it is"


def _offline(matter: Matter) -> Iterator[str]:
    if matter.line.offline:
        yield (
            f"our own line is dead ({matter.line.reason}), so the sources decide nothing, and every timer starts "
            "anew when it works again"
        )


def evidence(seen: Tally, now: float, zone: tzinfo, *, looks: bool = True) -> Iterator[str]:
    """What was said, by what it counts as; `looks` also tells how often a vote was repeated."""
    for kind in sorted(seen.votes):
        yield f"votes against it: {_list(_vote(one, looks=looks) for one in seen.votes[kind])}"
    if seen.pending:
        yield f"waits until our own line has been checked: {_quotes(seen.pending)}"
    if seen.doubts:
        yield f"doubts it, which is no vote: {_quotes(seen.doubts)}"
    if seen.works:
        yield f"says that it works: {_quotes(seen.works)}"
    if seen.silent:
        yield f"could not tell: {_list(f'{_who(one)}, {one.sighting.reason}' for one in seen.silent)}"
    if seen.account:
        yield f"does not count, because the trouble is our own account's: {_quotes(seen.account)}"
    for reason in dict.fromkeys(reason for _one, reason in seen.void):
        void = (one for one, why in seen.void if why == reason)
        yield f"does not count ({reason}): {_list(_said_at(one, now, zone) for one in void)}"


def _caveats(matter: Matter) -> Iterator[str]:
    seen, standing = matter.seen, matter.standing
    if not any((seen.votes, seen.pending, seen.doubts, seen.works, seen.silent, seen.account, seen.void)):
        yield "no source has answered yet"
    if seen.votes and not seen.repeated:
        yield "no vote has been repeated yet, and a first look alone decides nothing"
    if {Evidence.HERE, Evidence.CROWD} <= seen.votes.keys():
        if seen.around.is_regional:
            yield "unrelated platforms fail at once, so the crowd counts as one with what is seen from here"
        elif seen.around.kin_answers:
            yield (
                "another platform of its owner fails from here as well and answers elsewhere, so the crowd counts as "
                "one with what is seen from here"
            )
        elif seen.reached:
            yield "the platform answers elsewhere, so the crowd counts as one with what is seen from here"
    if seen.votes and standing.state is State.SUSPECT:
        yield from _credit(matter)
    if seen.votes and standing.state is not State.DOWN and is_disputed(seen, matter.rules, weak=standing.weak):
        _failing, working = looks_of_ours(seen, matter.rules)
        yield (
            f"our own looks at it are answered as they should be ({', '.join(one.probe for one in working)}): until "
            f"they fail as well, classes of evidence must agree for {length(_disputed(matter))}"
        )
    if standing.state is State.DOWN and not standing.upheld and matter.declared is None:
        yield "nothing as strong as a verdict bears it out at present, so nothing is said in public because of it"


def _credit(matter: Matter) -> Iterator[str]:
    """Why more is needed than usual."""
    standing, seen = matter.standing, matter.seen
    if counting(standing, seen, matter.now) is not seen:
        since = matter.clock(standing.first_since or matter.now)
        yield f"what fails from here has failed since {since}: that is our own way there, and no class of evidence"
    elif standing.weak:
        lasts = length(needed(standing, matter.rules))
        yield f"{_why_weak(matter)}, so what is said has lost credit: classes of evidence must agree for {lasts}"


def _why_weak(matter: Matter) -> str:
    standing = matter.standing
    lasted = (standing.quorum_since or matter.now) - (standing.first_since or matter.now)
    if standing.first is None or not was_alone(standing.first, lasted, matter.seen):
        return "unrelated platforms fail at the same time"
    return f"{standing.first.value} was the first to speak against it, and alone for {length(lasted)}"


# -- what would change it --------------------------------------------------------------------------------------


def _outlook(matter: Matter) -> Iterator[str]:
    if matter.declared is not None:
        return
    if matter.line.offline:
        yield "nothing changes before our own line works again, unless a person declares how it is"
        return
    match matter.standing.state:
        case State.UNKNOWN:
            yield "it becomes UP as soon as a source says that it works and none speaks against it"
            yield from _to_down(matter)
        case State.UP:
            yield from _to_down(matter)
            yield "it becomes UNKNOWN when no source can tell any more"
        case State.SUSPECT:
            yield from _to_down(matter)
            yield "it becomes UP as soon as none votes against it or doubts it and a source says that it works"
        case State.DOWN | State.RECOVERING:
            yield _to_recovery(matter)
            if matter.standing.state is State.RECOVERING:
                yield "it becomes DOWN again as soon as a class of evidence votes against it"


def _to_down(matter: Matter) -> Iterator[str]:
    rules, seen, since = matter.rules, matter.seen, matter.standing.quorum_since
    lasting = f"for {length(_lasting(matter))}"
    missing = rules.classes - counting(matter.standing, seen, matter.now).independent
    if since is not None:
        end = due(matter.standing, rules) or since
        then = f"it becomes DOWN at {matter.clock(end)} if they still do"
        waits = then if end > matter.now else "the verdict waits for a fresh look"
        yield f"enough classes of evidence agree since {matter.clock(since)}: {waits}"
    elif missing <= 0:
        yield f"it becomes DOWN if the votes are repeated and last {lasting}"
    elif seen.votes:
        more = f"{_ORDINALS[rules.classes]} class of evidence agrees" if missing == 1 else (
            f"{missing} more classes of evidence agree"
        )  # fmt: skip
        yield f"it becomes DOWN if {more} {lasting}{_others(matter)}"
    else:
        if matter.standing.state is not State.SUSPECT:
            yield "it becomes SUSPECT as soon as a class of evidence votes against it or doubts it"
        yield f"it becomes DOWN if {rules.classes} independent classes of evidence agree {lasting}"


def _disputed(matter: Matter) -> float:
    """Seconds for which classes must agree while our own looks dispute it."""
    return max(DISPUTED, needed(matter.standing, matter.rules))


def _lasting(matter: Matter) -> float:
    """Seconds for which classes would have to agree if another one joined in now."""
    lasts = needed(matter.standing, matter.rules)
    disputed = matter.seen.votes and is_disputed(matter.seen, matter.rules, weak=matter.standing.weak)
    return max(DISPUTED, lasts) if disputed else lasts


def _others(matter: Matter) -> str:
    """What the classes say that do not vote yet."""
    seen = matter.seen
    void = [one for one, _why in seen.void]
    groups: Sequence[tuple[Iterable[Observation], str]] = (
        (seen.pending, "speaks against it and waits until our own line has been checked"),
        (seen.doubts, "says degraded"),
        (seen.works, "says up"),
        (seen.silent, "could not tell"),
        (seen.account, "has a trouble of its own"),
        (void, "does not count at present"),
    )
    said = [f"{_who(one)} {word}" for group, word in groups for one in group if _is_other(one, seen)]
    said += [
        f"{kind.value} ({probe}) has not been asked yet"
        for probe, kind in sorted(matter.unasked.items())
        if kind not in seen.votes
    ]
    if said:
        return f": of those, {', '.join(said)}"
    return "; no source here gives one, so that only a person can say it (`failover declare`)"


def _is_other(one: Observation, seen: Tally) -> bool:
    return one.sighting.evidence not in seen.votes


def _to_recovery(matter: Matter) -> str:
    rules, since = matter.rules, matter.standing.calm_since
    needed = length(rules.recover_for)
    head = f"it counts as recovered when {_must_be_well(matter)} for {needed}"
    if since is None:
        return f"{head}; still against it: {_list(_against(matter))}"
    due = since + rules.recover_for
    if due <= matter.now:
        return f"{head}: that time is over, and a fresh look is awaited"
    return f"{head}: {length(matter.now - since)} are over, so at {matter.clock(due)} at the earliest"


def _must_be_well(matter: Matter) -> str:
    who = [kind.value for kind in sorted(matter.standing.voted) if kind is not Evidence.OPERATOR]
    who += ["our own account"] if _watched(matter) else []
    if not who:
        return "a source has said that it works, and none has voted against it,"
    *first, last = who
    return f"{', '.join(first)} and {last} have been well" if first else f"{last} has been well"


def _watched(matter: Matter) -> frozenset[str]:
    """Accounts of ours that must work: those that are not in trouble of their own."""
    return matter.rules.accounts - {one.probe for one in matter.seen.account}


def _against(matter: Matter) -> Iterator[str]:
    """Everything that keeps the calm from beginning, as `verdict` sees it."""
    seen, standing = matter.seen, matter.standing
    speaking = [one for votes in seen.votes.values() for one in votes] + list(seen.pending)
    speaking += [one for one in seen.doubts if one.sighting.evidence in standing.voted]
    yield from map(_quote, speaking)
    yield from () if speaking or seen.works else ("no source says that it works",)
    accounts, working = _watched(matter), {one.probe for one in seen.works}
    if accounts and not accounts & working:
        yield f"our own account ({', '.join(sorted(accounts))}) has not worked again"
    heard = {one.sighting.evidence for one in speaking}
    for kind, last in sorted(standing.voted.items()):
        silence = last + SILENCE_FACTOR * matter.rules.recover_for
        if kind not in heard and not has_stopped(kind, standing, seen, matter.now, matter.rules):
            until = f"its silence counts as an end at {matter.clock(silence)}"
            yield f"{kind.value} has not said that it works again ({until})"


# -- words -----------------------------------------------------------------------------------------------------


def _who(one: Observation) -> str:
    return f"{one.sighting.evidence.value} ({one.probe})"


def _quote(one: Observation) -> str:
    return f"{_who(one)} says {one.sighting.reason}"


def _quotes(observations: Iterable[Observation]) -> str:
    return _list(map(_quote, observations))


def _vote(one: Observation, *, looks: bool) -> str:
    if is_unsteady(one):
        return _quote(one)
    often = f"in {one.looks} looks running" if one.looks > 1 else "in one look only"
    return f"{_quote(one)}, {often}" if looks else _quote(one)


def _said_at(one: Observation, now: float, zone: tzinfo) -> str:
    return f"{_who(one)} said {one.sighting.reason} at {clock_time(one.at, now, zone)}"


def _list(parts: Iterable[str]) -> str:
    return "; ".join(part.rstrip(" .") for part in parts) or "nothing that is known"
