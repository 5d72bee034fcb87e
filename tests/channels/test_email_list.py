"""The recipients file and the letters: tables of values."""

from __future__ import annotations

import email
import email.policy
import time
from email.message import EmailMessage

import pytest

from channels._headline import headline
from channels._mail_ledger import LEFT, opening, tally
from channels._mail_letter import Sender, message_id, token, write
from channels._mail_list import BadAddressError, Recipient, clean_address, decode, is_unsubscribe_link, parse
from channels._mail_replies import Reply
from failover.model import Receipt
from tests.channels._house import HOLDING, wording

SENDER = Sender("Example Council", "news@example.org")

GOOD = {
    "header": (b"email\nann@example.net\nbob@example.net\n", ["ann", "bob"]),
    "no-header": (b"ann@example.net\nbob@example.net", ["ann", "bob"]),
    "bom-and-crlf": (b"\xef\xbb\xbfemail\r\nann@example.net\r\n\r\nbob@example.net\r\n", ["ann", "bob"]),
    "old-mac-line-ends": (b"email\rann@example.net\rbob@example.net", ["ann", "bob"]),
    "utf-16-from-a-spreadsheet": ("email\tname\nann@example.net\tÄnn".encode("utf-16"), ["ann"]),
    "semicolons": (b'name;email\n"Smith; Ann";ann@example.net\n', ["ann"]),
    "tabs": (b"name\te-mail\nAnn\tann@example.net\n", ["ann"]),
    "other-names-for-the-column": (b"Name,Address\nAnn,ann@example.net\n", ["ann"]),
    "upper-case-header": (b"E-Mail , NAME\nann@example.net,Ann\n", ["ann"]),
    "comments-and-blanks": (b"# our list\n\nemail\n  \n,,\n# gone: x@example.net\nann@example.net\n", ["ann"]),
    "further-columns": (b"id,email,town\n7,ann@example.net,Leeds\n", ["ann"]),
    "spaces": (b"email\n  ann@example.net  \n", ["ann"]),
    "windows-1252": ("email,name\nann@example.net,Jörg\n".encode("cp1252"), ["ann"]),
    "a-quote-never-closed": (b'email,name\nann@example.net,"Ann\nbob@example.net,Bob\n', ["ann", "bob"]),
}


@pytest.mark.parametrize(("raw", "names"), GOOD.values(), ids=GOOD.keys())
def test_good_files(raw: bytes, names: list[str]) -> None:
    listed = parse(decode(raw))
    assert list(listed.recipients) == [f"{name}@example.net" for name in names]
    assert listed.complaints == ()


BAD = {
    "a-typing-error": (b"email\nann@example.net\nbob.example.net\n", 1, ["line 3: not an e-mail address"]),
    "no-such-column": (
        b"Who,Where\nann@example.net,x\n",
        1,
        ["line 1: neither an e-mail address nor a header with `email` in it"],
    ),
    "empty": (b"", 0, []),
    "header-only": (b"email,name\n", 0, []),
    "many": (
        b"email\n" + b"x\n" * 9 + b"ann@example.net\n",
        1,
        ["lines 2, 3, 4, 5, 6 and 4 more: not an e-mail address"],
    ),
    "a-control-character-in-the-name": (
        b"email,name\nann@example.net,A\x0bnn\n",
        1,
        ["line 2: the name has a line break or control character in it and is left out"],
    ),
    "a-bad-link": (
        b"email,unsubscribe\nann@example.net,http://example.org/x\n",
        1,
        ["line 2: the unsubscribe link is neither https:// nor mailto: and is left out"],
    ),
    "a-spreadsheet-file": (b"PK\x03\x04\x14\x00" + bytes(range(256)) * 4, 0, None),
    "one-endless-line": (b"email\n" + b"x" * 300_000 + b"\nann@example.net\n", 1, ["line 2: not an e-mail address"]),
}


@pytest.mark.parametrize(("raw", "count", "complaints"), BAD.values(), ids=BAD.keys())
def test_bad_lines_cost_only_themselves_and_are_named(raw: bytes, count: int, complaints: list[str] | None) -> None:
    listed = parse(decode(raw))
    assert len(listed.recipients) == count
    assert complaints is None or list(listed.complaints) == complaints


def test_complaints_never_name_a_person() -> None:
    listed = parse("email,name\nsecret.person@,Secret Person\nann@example.net,\x01Secret\n")
    assert "ecret" not in repr(listed.complaints)


def test_two_spellings_are_one_recipient_and_the_first_counts() -> None:
    listed = parse("email,name\nAnn@Example.NET,Ann\nann@example.net,Other\n")
    assert listed.recipients == {"ann@example.net": Recipient("Ann@example.net", "Ann")}


def test_ten_thousand_rows_are_read_in_a_moment() -> None:
    text = "email,name\n" + "".join(f"person{n}@example{n % 50}.net,Person {n}\n" for n in range(10_000))
    began = time.perf_counter()
    assert len(parse(text).recipients) == 10_000
    assert time.perf_counter() - began < 2.0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ann@example.net", "ann@example.net"),
        ("Ann.O'Neil+news@Example.NET", "Ann.O'Neil+news@example.net"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_addresses_that_mail_can_be_sent_to(given: str, kept: str) -> None:
    assert clean_address(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ann",
        "@example.net",
        "ann@",
        "ann@example",
        "a nn@example.net",
        "ann@exa mple.net",
        ".ann@example.net",
        "an..n@example.net",
        "ann@-example.net",
        "ann@example..net",
        "ann@example.net.",
        "ann@[127.0.0.1]",
        '"a b"@example.net',
        "änn@example.net",
        "ann@example.net>\r\nRCPT TO:<eve@example.com",
        "Ann <ann@example.net>",
        "a" * 65 + "@example.net",
        "ann@" + "a" * 64 + ".net",
        "ann@" + "a." * 130 + "net",
    ],
)
def test_addresses_that_are_none(given: str) -> None:
    with pytest.raises(BadAddressError):
        clean_address(given)


@pytest.mark.parametrize(
    ("link", "good"),
    [
        ("https://example.org/leave?x=1", True),
        ("mailto:leave@example.org?subject=leave", True),
        ("http://example.org/leave", False),
        ("https://", False),
        ("mailto:", False),
        ("https://example.org/>, <https://evil.example", False),
        ("https://example.org/\r\nBcc: eve@example.com", False),
        ("javascript:alert(1)", False),
        ("https://bücher.example/", False),
    ],
)
def test_unsubscribe_links(link: str, good: bool) -> None:
    assert is_unsubscribe_link(link) is good


# -- letters -----------------------------------------------------------------------------------------------------


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_a_letter_is_the_same_at_every_attempt() -> None:
    first, second = (write(HOLDING, SENDER).to(Recipient("ann@example.net", "Ann")) for _ in range(2))
    assert first == second


def test_every_line_of_a_letter_is_short_enough_and_ends_with_crlf() -> None:
    """RFC 5321 4.5.3.1.6: 1,000 octets; RFC 5322 2.1.1 recommends 78 characters."""
    raw = write(wording(text="ü" * 5000 + " x" * 5000), SENDER).to(Recipient("ann@example.net", "Ü" * 100))
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert b"\n" not in b"".join(lines)


@pytest.mark.parametrize(
    "name", ["", "Ann", 'Ann "the press" O\'Neil, Dr.', "Jörg Müller", "名前", "Ü" * 90, "A" * 90]
)
def test_names_survive_and_the_address_stays_one(name: str) -> None:
    to = read(write(HOLDING, SENDER).to(Recipient("ann@example.net", name)))["To"]
    (only,) = to.addresses
    assert only.addr_spec == "ann@example.net"
    # Python before 3.13 reads a blank between encoded words that RFC 2047 6.2 says is none.
    assert only.display_name.replace(" ", "") == name.replace(" ", "")


def test_message_ids_differ_by_recipient_and_by_statement_and_show_no_address() -> None:
    one, other = (write(wording(key=key), SENDER).base for key in ("k1", "k2"))
    ids = {message_id(base, key) for base in (one, other) for key in ("ann@example.net", "bob@example.net")}
    assert len(ids) == 4
    assert all(each.endswith("@example.org>") and "ann" not in each for each in ids)


def test_a_follow_up_names_the_first_letter_to_the_same_person() -> None:
    first = write(HOLDING, SENDER)
    after = write(wording(key="k2", follows=Receipt(remote_id=first.base)), SENDER)
    ann = Recipient("ann@example.net")
    message = read(after.to(ann))
    assert message["In-Reply-To"] == message["References"] == read(first.to(ann))["Message-ID"]


@pytest.mark.parametrize("remote_id", ["", "something else", "0123456789abcdef0123@x\r\nBcc: eve@example.com"])
def test_a_receipt_that_is_not_ours_threads_nothing(remote_id: str) -> None:
    letter = write(wording(follows=Receipt(remote_id=remote_id)), SENDER)
    assert read(letter.to(Recipient("ann@example.net")))["References"] is None


LINKS = {
    "none": (Sender("", "a@example.org"), "", None, None),
    "for-all": (
        Sender("", "a@example.org", unsubscribe="https://example.org/leave"),
        "",
        "<https://example.org/leave>",
        None,
    ),
    "personal-from-the-list": (
        Sender("", "a@example.org", unsubscribe="https://example.org/leave"),
        "https://example.org/leave/7",
        "<https://example.org/leave/7>",
        "List-Unsubscribe=One-Click",
    ),
    "personal-by-token": (
        Sender("", "a@example.org", unsubscribe="https://example.org/{token}", secret="s"),
        "",
        f"<https://example.org/{token('s', 'ann@example.net')}>",
        "List-Unsubscribe=One-Click",
    ),
    "personal-mailto": (
        Sender("", "a@example.org", unsubscribe="mailto:leave+{token}@example.org", secret="s"),
        "",
        f"<mailto:leave+{token('s', 'ann@example.net')}@example.org>",
        None,
    ),
    "mailto": (
        Sender("", "a@example.org", unsubscribe="mailto:leave@example.org"),
        "",
        "<mailto:leave@example.org>",
        None,
    ),
}


@pytest.mark.parametrize(("sender", "own", "link", "post"), LINKS.values(), ids=LINKS.keys())
def test_unsubscribe_headers(sender: Sender, own: str, link: str | None, post: str | None) -> None:
    """RFC 8058: one click only where the link belongs to one recipient."""
    message = read(write(HOLDING, sender).to(Recipient("ann@example.net", unsubscribe=own)))
    assert (message["List-Unsubscribe"], message["List-Unsubscribe-Post"]) == (link, post)


def test_a_token_cannot_be_guessed_from_the_address() -> None:
    assert token("one", "ann@example.net") != token("other", "ann@example.net")


@pytest.mark.parametrize(
    ("subject", "text", "shown"),
    [
        ("Given", "Text.", "Given"),
        ("", "Facebook is down. More here.", "Facebook is down."),
        ("", "  Facebook is down\nMore here.", "Facebook is down"),
        ("", "word " * 40, "word " * 14 + "word…"),
        ("", "x" * 100, "x" * 78 + "…"),
        ("", "", ""),
    ],
)
def test_the_first_sentence_stands_in_for_a_missing_subject(subject: str, text: str, shown: str) -> None:
    assert headline(subject, text) == shown


# -- ledger and replies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "exact", "lines"),
    [
        ({}, False, {"ann": "pending", "bob": "pending"}),
        ({"ann": "sent", "bob": "pending"}, False, {}),
        ({"ann": "sending"}, False, {"ann": "doubt: stopped while it was being sent"}),
        ({"ann": "sending"}, True, {}),
        ({"ann": "sent", "cid": "pending"}, False, {"cid": LEFT}),
        ({"cid": "retry: 450"}, False, {"cid": LEFT}),
        ({"cid": "sent"}, False, {}),
        ({"cid": LEFT}, False, {}),
        ({"ann": LEFT}, False, {"ann": "pending"}),
    ],
)
def test_what_is_written_before_an_attempt(states: dict[str, str], exact: bool, lines: dict[str, str]) -> None:
    """Ann and Bob are on the list, Cid is not (any more)."""
    assert opening(states, ["ann", "bob"], {"ann", "bob"}, exact=exact) == lines


def test_counts_read_well() -> None:
    lines = ["sent"] * 4998 + ["refused: 550 5.1.1", "doubt: x", LEFT, "retry: 450", "pending"]
    assert str(tally(lines)) == "4,998 sent, 1 refused, 1 in doubt, 1 no longer on the list, 2 waiting"


@pytest.mark.parametrize(
    ("code", "text", "shown"),
    [
        (550, "5.1.1 <ann@example.net> unknown", "550 5.1.1"),
        (550, "<ann@example.net> unknown", "550"),
        (450, "5.1.1 contradiction", "450"),
        (554, "5.7.26\nsecond line", "554 5.7.26"),
        (250, "", "250"),
    ],
)
def test_of_a_reply_only_its_codes_are_kept(code: int, text: str, shown: str) -> None:
    assert str(Reply.of(code, text)) == shown
