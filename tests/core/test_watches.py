"""How far what is believed may be told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.credit import LONELY
from failover.evidence import Around, Line, Tally
from failover.model import Evidence, Sighting, State
from failover.standing import Rules, Standing
from failover.watches import A_MOMENT, Seen, View, Watch, around, gathering, groups_that_fail, is_borne_out
from tests.core.stories import CROWD, ELSEWHERE, HERE, NOON, SPOKEN, down, seen, unknown, up

DOWN, UP, UNKNOWN, RECOVERING = State.DOWN, State.UP, State.UNKNOWN, State.RECOVERING
NOW = 1_000_000.0


def votes(*classes: Evidence, pending: bool = False) -> Tally:
    waiting = (seen(down(HERE)),) if pending else ()
    return Tally(votes={kind: (seen(down(kind)),) for kind in classes}, pending=waiting)


@pytest.mark.parametrize(
    ("state", "upheld", "evidence", "declared", "told"),
    [
        (DOWN, True, votes(SPOKEN, CROWD), False, True),
        (DOWN, True, votes(SPOKEN, pending=True), False, True),
        (DOWN, True, votes(SPOKEN), False, False),
        (DOWN, True, votes(), False, False),
        (DOWN, False, votes(SPOKEN, CROWD), False, False),
        (DOWN, True, votes(), True, True),
        (DOWN, False, votes(SPOKEN, CROWD), True, False),
        (UP, True, votes(), False, True),
        (UP, True, votes(SPOKEN), False, False),
        (UP, False, votes(), False, False),
        (UP, True, votes(SPOKEN, CROWD), True, True),
        (UNKNOWN, True, votes(SPOKEN), False, False),
        (RECOVERING, True, votes(CROWD), False, False),
        (RECOVERING, True, votes(), False, True),
    ],
    ids=[
        "two classes say down",
        "the second waits for the anchors",
        "one class alone",
        "down, and nothing says so",
        "down, in an earlier run only",
        "a person says so",
        "a person said so before our line died",
        "up, and nothing speaks against it",
        "up, and one class votes against it",
        "up, in an earlier run only",
        "a person says that it is up",
        "unknown, and one class votes against it",
        "recovering, and one class votes against it",
        "recovering, and nothing speaks against it",
    ],
)
def test_what_is_told_is_borne_out_at_this_moment(
    state: State,
    upheld: bool,
    evidence: Tally,
    declared: bool,
    told: bool,
) -> None:
    standing = Standing(platform="facebook", state=state, upheld=upheld)
    assert is_borne_out(standing, evidence, Rules(), declared=declared) is told


def suspected(agreed_for: float | None) -> tuple[Standing, Rules]:
    """Suspected, and its classes have agreed for so long; confirmed after two minutes (`confirm_for`)."""
    since = None if agreed_for is None else NOW - agreed_for
    standing = Standing(platform="instagram", state=State.SUSPECT, quorum_since=since, undisputed_since=since)
    return standing, Rules(confirm_for=120.0)


@pytest.mark.parametrize(
    ("agreed_for", "waits"),
    [
        ((), 0.0),
        ((None,), 0.0),
        ((0.0,), 0.0),
        ((89.0,), 0.0),
        ((90.0,), 30.0 + A_MOMENT),
        ((115.0,), 5.0 + A_MOMENT),
        ((150.0,), A_MOMENT),
        ((115.0, 100.0, 10.0, None), 20.0 + A_MOMENT),
    ],
    ids=[
        "nobody else is suspected",
        "one class alone",
        "agreed just now",
        "a little too late",
        "just in time",
        "very soon",
        "a fresh look is all that lacks",
        "several: for the last that can join",
    ],
)
def test_a_statement_waits_for_those_of_the_group_that_are_confirmed_soon(
    agreed_for: tuple[float | None, ...], waits: float
) -> None:
    assert gathering(map(suspected, agreed_for), NOW, most=30.0) == pytest.approx(waits)


# -- what else fails -------------------------------------------------------------------------------------------

TOWN = {
    name: Watch(name=name, title=name, group=group, rules=Rules(lookups=frozenset({"dns"})))
    for name, group in {"facebook": "meta", "instagram": "meta", "x": "x", "telegram": "telegram"}.items()
}
WELL = Line()
FAILS, GRUMBLE, REACHED = {"web": down(HERE)}, {"crowd": down(CROWD)}, {"globalping": up(ELSEWHERE)}


def looks(**platforms: dict[str, Sighting]) -> Seen:
    """What each platform's probes said at noon."""
    return {
        name: {
            probe: seen(says, probe=probe, platform=name, at=NOON) for probe, says in platforms.get(name, {}).items()
        }
        for name in TOWN
    }


def view(latest: Seen, at: float = NOON, line: Line = WELL, quiet: str = "", **standings: Standing) -> View:
    """The town at this moment; `quiet` is a platform in maintenance."""
    return View(
        seen=latest,
        watches=TOWN,
        standings=standings,
        line=line,
        now=at,
        quiet=lambda name: "maintenance" if name == quiet else "",
    )


def beside_facebook(found: View) -> Around:
    return around("facebook", groups_that_fail(found), found)


@pytest.mark.parametrize(
    ("platforms", "expected"),
    [
        pytest.param({}, Around(), id="nothing fails"),
        pytest.param({"facebook": FAILS | GRUMBLE}, Around(blamed=1, unreached=1), id="this one"),
        pytest.param(
            {"facebook": FAILS, "instagram": FAILS | GRUMBLE},
            Around(blamed=1, unreached=1),
            id="one owner is one group",
        ),
        pytest.param(
            {"facebook": FAILS, "x": FAILS, "telegram": FAILS | GRUMBLE},
            Around(blamed=1, unreached=3),
            id="three",
        ),
        pytest.param(
            {"facebook": FAILS, "instagram": FAILS | REACHED},
            Around(unreached=1, kin_answers=True),
            id="kin",
        ),
        pytest.param({"facebook": FAILS, "instagram": REACHED}, Around(unreached=1), id="its kin is well"),
        pytest.param(
            {"facebook": FAILS, "instagram": FAILS | {"dns": up(ELSEWHERE)}},
            Around(unreached=1),
            id="its name",
        ),
        pytest.param({"facebook": FAILS, "x": FAILS | REACHED}, Around(unreached=2), id="a stranger answers"),
        pytest.param({"x": {"web": unknown(HERE)}, "telegram": {"web": up(HERE)}}, Around(), id="no votes"),
    ],
)
def test_what_else_fails_at_the_same_time(platforms: dict[str, dict[str, Sighting]], expected: Around) -> None:
    latest = looks(**platforms)

    assert beside_facebook(view(latest)) == expected
    assert beside_facebook(view(latest, at=NOON + 301)) == Around()  # all of it is stale by then
    assert beside_facebook(view(latest, line=Line(since=NOON + 1))) == Around()  # seen while our line was dead


def known(state: State, *voted: Evidence) -> Standing:
    return Standing(platform="", state=state, voted=dict.fromkeys(voted, NOON))


BLOCKED = Standing(platform="", state=State.SUSPECT, first=HERE, first_since=NOON - LONELY)


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        pytest.param(known(State.SUSPECT), True, id="suspected"),
        pytest.param(known(State.DOWN, HERE, CROWD), True, id="down, perhaps for the same reason"),
        pytest.param(known(State.DOWN, HERE, CROWD, Evidence.OFFICIAL), False, id="down, and its page says so"),
        pytest.param(known(State.RECOVERING, SPOKEN), False, id="coming back"),
        pytest.param(BLOCKED, False, id="our own way there"),
    ],
)
def test_what_fails_for_reasons_known_already_is_no_sign_of_another(other: Standing, counts: bool) -> None:
    latest = looks(facebook=FAILS, x=FAILS, instagram=FAILS | REACHED)

    assert beside_facebook(view(latest, x=other)).unreached == 1 + counts
    assert beside_facebook(view(latest, instagram=other)).kin_answers is (other is not BLOCKED)
    assert beside_facebook(view(latest, quiet="x")).unreached == 1


def test_what_fails_by_turns_counts_as_what_it_failed_with() -> None:
    """Its last look was answered over a good connection; before, the platform refused most of them."""
    lately = tuple((NOON + number, down(SPOKEN) if number % 4 else up(HERE)) for number in range(9))
    one = replace(seen(up(HERE), probe="web", platform="x", at=NOON + 8), lately=lately)

    assert groups_that_fail(view({**looks(), "x": {"web": one}}, at=NOON + 8)) == {SPOKEN: {"x"}}
