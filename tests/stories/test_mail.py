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
