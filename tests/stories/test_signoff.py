"""The real daemon asks people by Telegram and by mail, and acts on what they press (rule S5)."""

from __future__ import annotations

import os
import pwd

from failover.practice._telegram_chat import Chat, Post
from tests.stories.town import Town

ANN, BOB, EVE = 111, 222, 666


def asks(town: Town, *approvers: int, **rules: object) -> dict[int, Chat]:
    """Holding statements need approval; each approver has a chat with the bot."""
    names = {ANN: "Ann", BOB: "Bob"}
    people = [{"name": names[number], "telegram": number} for number in approvers]
    town.config["sign_off"] = {"holding": "required", "approvers": people, **rules}
    return {
        number: town.internet.telegram.add_chat(number, kind="private", title=names[number]) for number in approvers
    }


def questions(chat: Chat) -> list[Post]:
    """What the bot wrote to this person."""
    return [post for post in chat.posts.values() if not post.service]


async def asked(town: Town, chat: Chat) -> Post:
    await town.wait("somebody is asked", lambda: bool(questions(chat)))
    return questions(chat)[-1]


async def down(town: Town) -> None:
    await town.start()
    await town.all_up()
    await town.declare("down")


async def test_a_button_releases_the_statement_and_only_a_listed_person_may_press_it(town: Town) -> None:
    """Asked with the very texts; a stranger is told no and changes nothing; then it is said at once, and once."""
    town.channels("facebook-page", "telegram", "blog")
    chats = asks(town, ANN, BOB)
    await down(town)
    question = await asked(town, chats[ANN])
    await asked(town, chats[BOB])
    waiting = (await town.hears("statement_waiting", statement_id="1H"))["code"]
    assert f"Statement 1H, code {waiting}." in question.text
    assert "[blog]" in question.text
    assert question.buttons == {"Approve": f"approve 1H {waiting}", "Object": f"veto 1H {waiting}"}
    town.internet.telegram.press(EVE, question, "Approve")
    await town.hears("approval_refused", statement_id="1H")
    await town.wait("the stranger is answered", lambda: bool(town.internet.telegram.answered))
    assert town.internet.telegram.answered[0]["text"].startswith("You are not listed as an approver")
    await town.looks(2)
    assert town.silent
    town.internet.telegram.press(ANN, question, "Approve")
    await town.phases("holding", telegram="sent", blog="sent")
    for chat in chats.values():
        await town.wait(
            "it says who decided",
            lambda chat=chat: questions(chat)[-1].text.startswith("Ann (Telegram) approved it."),
        )
        assert questions(chat)[-1].buttons == {}
        assert len(questions(chat)) == 1
    assert town.journal("statement_approved")[0]["by"] == "Ann (Telegram)"


async def test_a_restart_between_question_and_answer_neither_asks_nor_answers_twice(town: Town) -> None:
    """kill -9 after the question, pressed while nobody runs: after the next start it counts; nobody is asked anew."""
    town.channels("facebook-page", "blog", "telegram")
    town.config["routes"][0]["backups"] = ["blog"]
    chats = asks(town, ANN)
    await down(town)
    question = await asked(town, chats[ANN])
    await town.hears("approver_asked")
    await town.kill()
    town.internet.telegram.press(ANN, question, "Approve")
    await town.start()
    await town.phases("holding", blog="sent")
    await town.wait("it says who decided", lambda: "approved it" in questions(chats[ANN])[0].text)
    assert len(questions(chats[ANN])) == 1
    await town.kill()
    await town.start()
    await town.looks(2)
    assert len(town.journal("statement_approved")) == 1
    assert len(town.journal("approver_asked")) == 1


async def test_an_approval_at_the_command_line_shows_in_telegram_also_after_a_crash(town: Town) -> None:
    """Whichever way it was decided, every question says so."""
    town.channels("facebook-page", "blog", "telegram")
    town.config["routes"][0]["backups"] = ["blog"]
    chats = asks(town, ANN)
    town.config["sign_off"]["approvers"][0]["user"] = pwd.getpwuid(os.getuid()).pw_name
    await down(town)
    await asked(town, chats[ANN])
    await town.hears("approver_asked")
    town.internet.telegram.shut()
    code = town.journal("statement_waiting")[0]["code"]
    wrong = await town.command("approve", "1H", "0" * 8)
    assert wrong.code == 1
    assert f"then: failover approve 1H {code}" in wrong.err
    assert (await town.command("approve", "1H", code)).out == "1H is approved and goes out now.\n"
    await town.phases("holding", blog="sent")
    await town.kill()
    await town.internet.telegram.start()
    await town.start()
    await town.wait("it says who decided", lambda: "approved it." in questions(chats[ANN])[0].text)
    assert "(command line" in questions(chats[ANN])[0].text
    assert questions(chats[ANN])[0].buttons == {}


async def test_two_persons_must_be_two(town: Town) -> None:
    """The second press of the same person is refused; another person's releases it."""
    town.channels("facebook-page", "blog", "telegram")
    town.config["routes"][0]["backups"] = ["blog"]
    chats = asks(town, ANN, BOB, two_persons=True)
    await down(town)
    telegram = town.internet.telegram
    question = await asked(town, chats[ANN])
    await asked(town, chats[BOB])
    for _ in range(2):
        telegram.press(ANN, question, "Approve")
    await town.wait("both presses are answered", lambda: len(telegram.answered) == 2)
    texts = [one["text"] for one in telegram.answered]
    assert texts[0].startswith("Your approval of 1H is recorded; a second person must say: failover approve 1H")
    assert texts[1] == "Ann (Telegram) is the one who has approved 1H already; a second person must approve it"
    await town.wait("the other is told", lambda: "a second person must" in questions(chats[BOB])[0].text)
    await town.looks(2)
    assert town.silent
    telegram.press(BOB, questions(chats[BOB])[0], "Approve")
    await town.phases("holding", blog="sent")
    assert town.journal("statement_approved")[0]["by"] == "Ann (Telegram) and Bob (Telegram)"


async def test_who_must_approve_one_channel_keeps_no_other_waiting(town: Town) -> None:
    """X needs approval, the blog none: the blog is told at once, X when somebody objects or approves."""
    town.channels("facebook-page", "blog", "x")
    town.config["sign_off"] = {"channels": {"x": "required"}}
    await down(town)
    await town.phases("holding", blog="sent", x="ready")
    assert town.heard("1H") == {"blog"}
    shown = (await town.command("status")).out
    assert "1H2 waits for sign-off (required): failover approve 1H2" in shown
    assert "on x: " in shown
    assert (await town.command("approve", "1H2")).code == 0
    await town.phases("holding", x="sent")
    assert town.heard("1H2") == {"x"}


async def test_after_a_reload_one_listener_goes_on_and_nobody_is_asked_again(town: Town) -> None:
    """A bot has one listener: the new configuration's takes over when the old one's has ended."""
    town.channels("facebook-page", "blog", "telegram")
    town.config["routes"][0]["backups"] = ["blog"]
    chats = asks(town, ANN)
    await down(town)
    question = await asked(town, chats[ANN])
    await town.hears("approver_asked")
    for _ in range(2):
        assert (await town.command("reload")).code == 0
    await town.looks(1)
    town.internet.telegram.press(ANN, question, "Approve")
    await town.phases("holding", blog="sent")
    assert len(questions(chats[ANN])) == 1
    assert town.journal("answers_unheard") == []


async def test_a_question_comes_by_mail_and_says_how_to_answer(town: Town) -> None:
    """Mail asks and does not decide; the address is told nowhere."""
    town.channels("facebook-page", "blog", "email")
    town.config["routes"][0]["backups"] = ["blog"]
    town.config["sign_off"] = {
        "holding": "required",
        "approvers": [{"name": "Ann", "email": "ann@press.example.org"}],
    }
    await down(town)
    await town.hears("approver_asked", approver="Ann", way="e-mail")
    [(to, mail)] = town.internet.smtp.messages
    assert to == "ann@press.example.org"
    code = town.journal("statement_waiting")[0]["code"]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"failover approve 1H {code}" in text
    assert "Answers to this mail are not read" in text
    assert "[blog]" in text
    assert not any("ann@press" in line for line in town.lines)
    town.internet.smtp.messages.clear()  # it holds the reference, and the public was not told


async def test_who_was_asked_by_mail_is_told_once_that_it_is_settled_also_after_a_crash(town: Town) -> None:
    """In the thread of the question; the next process does not tell it again."""
    town.channels("facebook-page", "blog", "email")
    town.config["routes"][0]["backups"] = ["blog"]
    town.config["sign_off"] = {
        "holding": "required",
        "approvers": [{"name": "Ann", "email": "ann@press.example.org"}],
    }
    await down(town)
    await town.hears("approver_asked", approver="Ann", way="e-mail")
    smtp = town.internet.smtp
    await town.command("approve", "1H", town.journal("statement_waiting")[0]["code"])
    await town.wait("Ann is told", lambda: len(smtp.messages) == 2)
    await town.kill()
    await town.start()
    await town.looks(3)
    (_to, question), (to, end) = smtp.messages
    assert to == "ann@press.example.org"
    assert end["In-Reply-To"] == question["Message-ID"]
    assert "Settled: " in end.get_content()
    assert "approved it" in end.get_content()
    assert not any("ann@press" in line for line in town.lines)
