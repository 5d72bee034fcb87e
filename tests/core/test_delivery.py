"""What may become of the promise to say one statement on one channel: the table, and what each answer leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.delivery import (
    EDGES,
    OWED,
    Delivery,
    IllegalEdgeError,
    Phase,
    Policy,
    after_find,
    after_send,
    begin,
    cancelled,
    expired,
    found_in_flight,
    moved,
    owed_again,
    resolved,
    resumed,
)
from failover.model import (
    Absent,
    CannotTell,
    Delivered,
    Finding,
    Found,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Statement,
    Unconfirmed,
    Unreachable,
)
from tests.core.stories import HOUR, NOON, delivery

STANDBY, READY, SENDING, UNSURE, SENT = Phase.STANDBY, Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.SENT
REFUSED, HELD, LEFT = Phase.REFUSED, Phase.HELD, Phase.LEFT
CANCELLED, EXPIRED, RETRACTED = Phase.CANCELLED, Phase.EXPIRED, Phase.RETRACTED
ENDS = {SENT, REFUSED, LEFT, CANCELLED, EXPIRED, RETRACTED}

RECEIPT = Receipt(remote_id="42", url="https://example.org/42")
PARTLY = Receipt(remote_id="mail", note="3 of 9")
POLICY = Policy(settle=60.0)
LATE = NOON + 2 * HOUR


def sending(**changes: object) -> Delivery:
    return delivery(**{"phase": SENDING, "attempts": 1, "began": NOON, **changes})


def unsure(**changes: object) -> Delivery:
    return delivery(**{"phase": UNSURE, "attempts": 1, "began": NOON, "unsure_since": NOON, **changes})


def looked(finding: Finding, after: float, *, policy: Policy = POLICY, **changes: object) -> Delivery:
    return after_find(unsure(**changes), finding, NOON + after, policy)


# -- the table -------------------------------------------------------------------------------------------------

LEGAL = {
    STANDBY: {READY, CANCELLED, EXPIRED},
    READY: {SENDING, STANDBY, CANCELLED, EXPIRED},
    SENDING: {SENT, READY, UNSURE, REFUSED},
    UNSURE: {UNSURE, SENT, READY, HELD, LEFT, CANCELLED},
    HELD: {SENT, READY, CANCELLED},
    CANCELLED: {READY},
    SENT: {RETRACTED},
}


@pytest.mark.parametrize("now", Phase, ids=lambda one: one.value)
@pytest.mark.parametrize("was", Phase, ids=lambda one: one.value)
def test_every_edge_of_the_table_is_walked_and_every_other_one_refused(was: Phase, now: Phase) -> None:
    row = delivery(phase=was)

    if now in LEGAL.get(was, set()):
        assert moved(row, now, "because").phase is now
        assert EDGES[was][now]
    else:
        with pytest.raises(IllegalEdgeError, match=f"7H-telegram: {was.value} -> {now.value}"):
            moved(row, now, "because")


def test_nothing_leads_into_the_public_twice_or_back_out_of_an_end() -> None:
    assert all(EDGES.get(phase, {}).keys() <= {RETRACTED} for phase in ENDS - {CANCELLED})
    assert EDGES[CANCELLED].keys() == {READY}
    assert {phase for phase, edges in EDGES.items() if SENDING in edges} == {READY}
    assert set(Phase) == OWED | ENDS


def test_only_what_has_reached_a_part_of_its_audience_goes_on_after_it_was_cancelled() -> None:
    row = resumed(delivery(phase=CANCELLED, receipt=PARTLY, ended_at=NOON), "down again", NOON + 60, LATE)

    assert (row.phase, row.due, row.latest, row.ended_at, row.receipt) == (READY, NOON + 60, LATE, 0.0, PARTLY)
    with pytest.raises(IllegalEdgeError, match="nothing of it was ever said"):
        resumed(delivery(phase=CANCELLED), "down again", NOON + 60, LATE)


def test_only_a_post_that_was_never_attempted_is_owed_again_after_it_was_cancelled() -> None:
    """It keeps its time: what waited with it does not overtake it."""
    gone = delivery(phase=CANCELLED, statement=Statement.POST, ended_at=NOON)
    row = owed_again(gone, "nobody said it", NOON + 60)

    assert (row.phase, row.due, row.latest, row.ended_at) == (READY, gone.due, gone.latest, 0.0)
    for changes in ({"attempts": 1}, {"receipt": PARTLY}, {"statement": Statement.HOLDING}):
        with pytest.raises(IllegalEdgeError):
            owed_again(replace(gone, **changes), "nobody said it", NOON + 60)


def test_an_attempt_that_may_have_posted_never_ends_as_certainly_unsaid_without_a_look() -> None:
    assert not EDGES[SENDING].keys() & {CANCELLED, EXPIRED, STANDBY}
    assert not EDGES[UNSURE].keys() & {EXPIRED, STANDBY, REFUSED}


# -- sending ---------------------------------------------------------------------------------------------------


def test_the_intent_counts_the_attempt_and_names_its_beginning_and_its_writer() -> None:
    row = begin(delivery(looks=4), NOON + 9, 3)

    assert (row.phase, row.attempts, row.began, row.looks, row.epoch) == (SENDING, 1, NOON + 9, 0, 3)


OUTCOMES: list[tuple[str, Outcome, Phase, str]] = [
    ("delivered", Delivered(receipt=replace(RECEIPT, note="pinned")), SENT, "pinned"),
    ("refused", Refused(reason="no permission", refusal=Refusal.PERMISSION), REFUSED, "no permission"),
    ("unreachable", Unreachable(reason="connection refused"), READY, "connection refused"),
    ("unconfirmed", Unconfirmed(reason="no answer"), UNSURE, "no answer"),
]


@pytest.mark.parametrize(
    ("outcome", "phase", "reason"), [row[1:] for row in OUTCOMES], ids=[row[0] for row in OUTCOMES]
)
def test_what_an_attempt_leads_to(outcome: Outcome, phase: Phase, reason: str) -> None:
    row = after_send(sending(), outcome, NOON + 3)

    assert (row.phase, row.reason) == (phase, reason)


def test_a_receipt_is_kept() -> None:
    assert after_send(sending(), Delivered(receipt=RECEIPT), NOON).receipt == RECEIPT


@pytest.mark.parametrize(("attempts", "wait"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (7, 300), (99, 300)])
def test_each_repeat_waits_twice_as_long_up_to_five_minutes(attempts: int, wait: float) -> None:
    row = after_send(replace(sending(), attempts=attempts), Unreachable(reason="refused"), NOON)

    assert row.due == NOON + wait


def test_a_platform_that_names_a_longer_wait_is_obeyed_and_a_shorter_one_is_not_trusted() -> None:
    assert after_send(sending(), Unreachable(reason="429", retry_after=77), NOON).due == NOON + 77
    assert after_send(sending(), Unreachable(reason="429", retry_after=0), NOON).due == NOON + 5


def test_what_a_part_of_the_audience_has_heard_is_remembered_over_repeats() -> None:
    once = after_send(sending(), Unreachable(reason="451", partly=PARTLY), NOON)
    twice = after_send(begin(once, NOON, 0), Unreachable(reason="451"), NOON)

    assert once.heard
    assert twice.receipt == PARTLY


def test_what_was_in_flight_when_the_process_died_is_looked_for_at_once_and_settles_from_then_on() -> None:
    row = found_in_flight(sending(), NOON + HOUR)

    assert (row.phase, row.due, row.unsure_since) == (UNSURE, NOON + HOUR, NOON + HOUR)
    assert "looking whether it is public" in row.reason


# -- looking ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 61.0, 2 * HOUR])
def test_what_is_found_is_sent_however_late(seconds: float) -> None:
    row = looked(Found(receipt=RECEIPT), seconds)

    assert (row.phase, row.receipt, row.reason) == (SENT, RECEIPT, "found by looking")


def test_absence_is_not_believed_before_the_settling_time_is_over() -> None:
    early, late = looked(Absent(reason="not there"), 59.9), looked(Absent(reason="not there"), 60)

    assert (early.phase, early.looks) == (UNSURE, 1)
    assert "it may still appear" in early.reason
    assert late.phase is READY
    assert late.reason == "not there, 60 s after the attempt; sending it again"


def test_the_settling_time_counts_from_the_end_of_the_attempt_and_anew_for_each() -> None:
    row = after_send(sending(began=NOON - 30), Unconfirmed(reason="no answer"), NOON)
    assert after_find(row, Absent(reason="not there"), NOON + 59, POLICY).phase is UNSURE

    again = after_find(row, Absent(reason="not there"), NOON + 60, POLICY)
    once_more = after_send(begin(again, NOON + 61, 0), Unconfirmed(reason="no answer"), NOON + 62)
    assert after_find(once_more, Absent(reason="not there"), NOON + 121, POLICY).phase is UNSURE


def test_the_last_early_look_is_at_the_end_of_the_settling_time() -> None:
    row = looked(Absent(reason="not there"), 50, looks=6)

    assert row.due == NOON + 60


@pytest.mark.parametrize(("looks", "wait"), [(0, 2), (1, 4), (2, 8), (9, 120)])
def test_looks_slow_down(looks: int, wait: float) -> None:
    assert looked(CannotTell(reason="HTTP 500"), 100, looks=looks).due == NOON + 100 + wait


@pytest.mark.parametrize("seconds", [61.0, 599.0])
def test_a_channel_that_can_be_read_back_is_asked_again_for_a_while(seconds: float) -> None:
    assert looked(CannotTell(reason="HTTP 500"), seconds).phase is UNSURE


@pytest.mark.parametrize(
    ("when_unsure", "phase"), [("hold", HELD), ("next", LEFT), ("resend", READY)], ids=["hold", "next", "resend"]
)
@pytest.mark.parametrize("reads_back", [True, False], ids=["reads back", "blind"])
def test_when_nobody_can_tell_the_operators_choice_decides(when_unsure: str, phase: Phase, reads_back: bool) -> None:
    policy = Policy(when_unsure=when_unsure, settle=60, reads_back=reads_back)

    assert looked(CannotTell(reason="no way"), 700 if reads_back else 0, policy=policy).phase is phase


def test_the_default_holds_it_for_a_person() -> None:
    row = looked(CannotTell(reason="this channel cannot be read back"), 0, policy=Policy(reads_back=False))

    assert (row.phase, row.reason) == (HELD, "this channel cannot be read back; a person must look")


def test_a_channel_with_a_long_settling_time_has_longer_patience() -> None:
    policy = Policy(settle=600)

    assert looked(CannotTell(reason="HTTP 500"), 2399, policy=policy).phase is UNSURE
    assert looked(CannotTell(reason="HTTP 500"), 2400, policy=policy).phase is HELD


def test_resending_in_doubt_slows_down_like_every_repeat() -> None:
    """A channel that takes every post and loses every answer must not be flooded every two seconds."""
    policy = Policy(when_unsure="resend", reads_back=False)
    row, now, sent = delivery(), NOON, 0
    while now < row.latest and sent < 100:
        row = begin(row, now, 0)
        sent += 1
        row = after_send(row, Unconfirmed(reason="no answer"), now)
        row = after_find(row, CannotTell(reason="no way"), row.due, policy)
        now = max(row.due, now + 1)

    assert sent <= 12


def test_resending_in_doubt_waits_for_nothing_when_the_attempt_itself_took_long() -> None:
    policy = Policy(when_unsure="resend", reads_back=False)

    assert looked(CannotTell(reason="no way"), 32, policy=policy).due == NOON + 32


def test_what_is_in_doubt_and_no_longer_wanted_is_never_called_certainly_unsaid() -> None:
    """Its audience may have heard: it is owed the welcome back, and no second statement after a relapse."""
    policy = Policy(when_unsure="resend", reads_back=False)
    row = looked(CannotTell(reason="no way"), 30, policy=policy, latest=NOON + 10)

    assert row.phase is LEFT
    assert row.heard


def test_absent_with_a_ledger_keeps_who_has_heard() -> None:
    row = looked(Absent(reason="6 are missing", partly=PARTLY), 60)

    assert (row.phase, row.receipt) == (READY, PARTLY)


def test_who_has_heard_is_not_forgotten_when_a_look_does_not_tell() -> None:
    assert looked(Absent(reason="6 are missing"), 60, receipt=PARTLY).receipt == PARTLY


def test_absent_and_no_longer_wanted_is_cancelled() -> None:
    row = looked(Absent(reason="not there"), 60, latest=NOON + 10)

    assert row.phase is CANCELLED
    assert row.reason.endswith("it is no longer wanted")


# -- a person --------------------------------------------------------------------------------------------------


def test_a_person_saw_it() -> None:
    row = resolved(delivery(phase=HELD, draft="d1"), sent=True, by="ann", now=NOON)

    assert (row.phase, row.reason, row.receipt) == (SENT, "ann saw it", Receipt(remote_id="d1", note="seen by ann"))


def test_a_person_saw_that_it_is_not_there() -> None:
    wanted = resolved(delivery(phase=HELD, attempts=9, began=NOON), sent=False, by="ann", now=NOON + 1)
    late = resolved(delivery(phase=HELD), sent=False, by="ann", now=LATE)

    assert (wanted.phase, wanted.due) == (READY, NOON + 1)
    assert late.phase is CANCELLED


# -- the end of wanting it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [STANDBY, READY])
def test_what_is_certainly_unsaid_is_cancelled_at_once(phase: Phase) -> None:
    row = cancelled(delivery(phase=phase), "the platform has recovered", NOON + 5)

    assert (row.phase, row.ended_at, row.reason) == (CANCELLED, NOON + 5, "the platform has recovered")


@pytest.mark.parametrize("phase", [SENDING, UNSURE, HELD])
def test_what_may_be_public_is_still_looked_for_and_never_sent_again(phase: Phase) -> None:
    row = cancelled(delivery(phase=phase), "the platform has recovered", NOON + 5)

    assert (row.phase, row.latest) == (phase, NOON + 5)


def test_an_attempt_that_proves_unsent_after_it_was_cancelled_is_too_late() -> None:
    row = after_send(cancelled(sending(), "ann objected", NOON + 1), Unreachable(reason="refused"), NOON + 2)

    assert row.phase is READY
    assert row.latest < NOON + 2
    assert expired(row, NOON + 2).phase is EXPIRED


def test_cancelling_never_prolongs() -> None:
    assert cancelled(delivery(phase=UNSURE, latest=NOON - 9), "over", NOON).latest == NOON - 9


def test_what_expires_says_what_the_trouble_was() -> None:
    tried = delivery(attempts=3, reason="connection refused")

    assert expired(tried, LATE).reason == "too late to be said; the last trouble was: connection refused"
    assert expired(delivery(), LATE).reason == "too late to be said"


# -- who has heard ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", Phase, ids=lambda one: one.value)
def test_sent_and_left_have_heard_and_so_has_whoever_left_a_receipt(phase: Phase) -> None:
    assert delivery(phase=phase).heard is (phase in (SENT, LEFT))
    assert delivery(phase=phase, receipt=PARTLY).heard is (phase is not RETRACTED)


# -- the announcement ------------------------------------------------------------------------------------------


def test_the_channel_is_asked_for_the_same_bytes_at_every_attempt() -> None:
    first = begin(delivery(), NOON, 0)
    again = begin(after_send(first, Unreachable(reason="refused"), NOON), NOON + 5, 0)

    assert first.announcement() == again.announcement()


def test_a_key_is_unique_to_statement_and_channel_also_when_numbers_begin_anew() -> None:
    """A receiver may remember the keys of the database that was lost."""
    rows = [
        delivery(),
        delivery(channel="email"),
        delivery(statement_id="7W"),
        delivery(created_at=NOON + 40 * 86400.0),
    ]

    assert len({row.announcement().key for row in rows}) == len(rows)


def test_a_key_does_not_change_when_the_clock_is_set() -> None:
    row = delivery()

    assert replace(row, due=row.due - HOUR, latest=row.latest - HOUR).announcement().key == row.announcement().key
