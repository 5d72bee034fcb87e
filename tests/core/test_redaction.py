"""No secret and no address survives in what is logged, in whatever form it travels."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.redaction import MASK, Redactor, forms

SECRET = "s3cr/et+pa ss&wörd"
BOT = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_"
KEY = (
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(f"token {SECRET} refused", id="plain"),
        pytest.param(f"https://example.org/?t={quote(SECRET, safe='')}", id="percent-encoded"),
        pytest.param(f"https://example.org/?t={quote(SECRET, safe='').lower()}", id="percent-encoded in lower case"),
        pytest.param(f"https://example.org/{quote(SECRET)}", id="percent-encoded in a path"),
        pytest.param(f"t={quote_plus(SECRET)}", id="in a form"),
        pytest.param(json.dumps({"t": SECRET}), id="in ASCII JSON"),
        pytest.param(json.dumps({"t": SECRET}, ensure_ascii=False), id="in JSON"),
        pytest.param(repr([SECRET]), id="in a repr"),
    ],
)
def test_secret_is_hidden_in_every_form(told: str) -> None:
    shown = Redactor([SECRET])(told)

    assert MASK in shown
    assert "s3cr" not in shown
    assert "rd" not in shown.replace("word", "")


@pytest.mark.parametrize("user", ["a", "ab", "abc", "abcd", ""])
def test_secret_is_hidden_in_basic_authorisation_at_any_offset(user: str) -> None:
    """Base64 of `user:secret` shares no letters with base64 of the secret unless the offset is thought of."""
    header = base64.b64encode(f"{user}:{SECRET}:x".encode()).decode()
    kept = Redactor([SECRET])(f"header={header}").replace(MASK, "")

    assert b"cr/et" not in base64.b64decode(kept.removeprefix("header=") + "===", validate=False)
    assert len(kept) < 20 < len(header)


@given(st.text(st.characters(codec="utf-8"), min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_survives_whatever_surrounds_it(secret: str, before: str, after: str) -> None:
    shown = Redactor([secret])(f"{before}{secret}{after}")

    assert MASK in shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        pytest.param(
            f"https://api.telegram.org/bot{BOT}/sendMessage", "https://api.telegram.org/bot***/sendMessage", id="bot"
        ),
        pytest.param("Authorization: Bearer abcDEF123-_=", "Authorization: Bearer ***", id="bearer"),
        pytest.param("GET /me?access_token=EAAB123&fields=id", "GET /me?access_token=***&fields=id", id="query"),
        pytest.param("https://joe:pw@example.org/x", "https://***@example.org/x", id="user in a URL"),
        pytest.param("550 ann.b+c@example.co.uk unknown", "550 ***@*** unknown", id="e-mail address"),
        pytest.param("<ann@example.org>, bob@example.org", "<***@***>, ***@***", id="several addresses"),
        pytest.param("to +441632960961 failed", "to *** failed", id="telephone"),
        pytest.param(
            "posted as @council@social.example.org", "posted as @council@social.example.org", id="handle stays"
        ),
        pytest.param(
            "https://social.example.org/@council/1", "https://social.example.org/@council/1", id="post stays"
        ),
        pytest.param("at 2026-11-20T14:00:00+00:00", "at 2026-11-20T14:00:00+00:00", id="time stays"),
        pytest.param("HTTP 503 from the Graph API", "HTTP 503 from the Graph API", id="plain reason stays"),
    ],
)
def test_what_looks_like_a_credential_or_an_address_is_hidden_unasked(told: str, shown: str) -> None:
    assert Redactor()(told) == shown


def test_each_line_of_a_private_key_is_hidden() -> None:
    shown = Redactor([KEY])("cannot parse MIIEvQIBADANBgkqhkiG9w0BAQEFAASC here, nor " + repr(KEY))

    assert shown == "cannot parse *** here, nor '***'"


def test_longer_secret_goes_before_the_one_it_contains() -> None:
    """Else the rest of the longer one would stay readable."""
    assert Redactor(["abcd", "abcdef123"])("x abcdef123 y") == "x *** y"


def test_secret_that_was_replaced_stays_hidden() -> None:
    redactor = Redactor(["old-token"])
    redactor.add(["new-token"])

    assert redactor("old-token new-token") == "*** ***"


def test_what_is_too_short_to_be_a_secret_does_not_garble_the_log() -> None:
    assert forms("up") == set()
    assert Redactor(["", "up"])("up and running") == "up and running"
