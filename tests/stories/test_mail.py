"""The mailing list: everybody is written to once, and welcomed back only who heard of it (rules S1 and S7)."""

from __future__ import annotations

from failover.practice.internet import SUBSCRIBERS
from failover.practice.smtp import SmtpFault
from tests.stories.town import Town

ADA, GRACE, LINUS = SUBSCRIBERS


async def test_only_who_heard_is_welcomed_back_though_the_list_has_changed(town: Town) -> None:
    """Linus was refused, Mary joins later, Ada leaves: Grace alone hears both, also after a crash.

    And no letter, neither its envelope nor its text, names another reader.
    """
    town.channels("facebook-page", "email")
    await town.start()
    await town.all_up()
    town.internet.smtp.fail(SmtpFault.RCPT_550, recipient=LINUS)
    await town.declare("down")
    await town.phases("holding", email="sent")
    await town.kill()
    (town.folder / "subscribers.csv").write_text(f"email\nmary@example.org\n{LINUS}\n{GRACE}\n")
    await town.start()
    await town.declare("up")
    await town.over()
    assert town.heard("1H") == {f"email to {ADA}", f"email to {GRACE}"}
    assert town.heard("1W") == {f"email to {GRACE}", "facebook-page"}
    for recipient, raw in town.internet.smtp.accepted:
        assert recipient.encode() in raw
        assert not [other for other in SUBSCRIBERS if other != recipient and other.encode() in raw]


async def test_a_relapse_during_the_welcome_back_welcomes_nobody_twice_and_forgets_nobody(town: Town) -> None:
    """Found beside the crash sweep: whoever was written to before the relapse has heard it (rule S1)."""
    town.channels("facebook-page", "telegram", "email")
    town.config["channels"]["email"]["connections"] = 1
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", telegram="sent", email="sent")
    town.internet.smtp.fail(SmtpFault.DOT_HANG, recipient=GRACE)  # the list is long, or the server slow
    await town.declare("up")
    await town.phases("welcome_back", telegram="sent", email="sending")
    await town.declare("down")
    await town.hears("delivery_cancelled", channel="email", statement="welcome_back")
    await town.declare("up")
    await town.over()
    assert {name: [mark[:2] for mark in marks] for name, marks in town.told().items() if "email" in name} == {
        f"email to {one}": ["1H", "1W"] for one in (ADA, GRACE, LINUS)
    }
