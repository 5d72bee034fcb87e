"""From a statement and its facts to words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.model import Organisation, Statement
from failover.templates import WordingError
from failover.wording import (
    BUILT_IN,
    LONGEST_REFERENCE,
    VARIABLES,
    Facts,
    Messages,
    Template,
    clock,
    faults,
    joined,
    lasting,
    variations,
    word,
    worst_case,
)

COUNCIL = Organisation(
    name="Example Borough Council",
    timezone="Europe/London",
    website="https://www.example.org",
    contact="news@example.org",
)
NOON = 1_790_766_000.0  # 2026-09-30 12:00 in London

FACTS = Facts(
    organisation=COUNCIL,
    platforms=("Facebook", "Instagram", "WhatsApp"),
    elsewhere=("Telegram", "our blog"),
    channel="X",
    reference="F7H-301100",
    incident="7",
    since=NOON,
    now=NOON + 6 * 3600 + 59 * 60,
)
ONE = replace(FACTS, platforms=("Facebook",), elsewhere=())


def say(template: str, facts: Facts = FACTS, statement: Statement = Statement.HOLDING) -> str:
    """The text of this template, without the reference at its end."""
    text = word(Messages({statement: {"default": Template(template)}}), statement, "x", facts).text
    return text.removesuffix(f"(Ref {facts.reference})").rstrip()


THREE = "Facebook, Instagram and WhatsApp"
HERE = "You can reach Example Borough Council here"
HERE_AND_ELSEWHERE = f"{HERE} and on Telegram and our blog"
STEADY = "We will tell you when {} steady again."


@pytest.mark.parametrize(
    ("statement", "many", "one"),
    [
        (
            Statement.HOLDING,
            f"{THREE} are not working at the moment. {HERE_AND_ELSEWHERE}. We will tell you when they are back.",
            f"Facebook is not working at the moment. {HERE}. We will tell you when it is back.",
        ),
        (
            Statement.AGAIN,
            f"{THREE} are not working again. {HERE_AND_ELSEWHERE}. We will tell you when they are back.",
            f"Facebook is not working again. {HERE}. We will tell you when it is back.",
        ),
        (
            Statement.INTERMITTENT,
            f"{THREE} have been failing on and off. {HERE_AND_ELSEWHERE}. {STEADY}".format("they are"),
            f"Facebook has been failing on and off. {HERE}. {STEADY}".format("it is"),
        ),
        (
            Statement.UPDATE,
            f"{THREE} are still not working (since 12:00). {HERE_AND_ELSEWHERE}.",
            f"Facebook is still not working (since 12:00). {HERE}.",
        ),
        (
            Statement.WELCOME_BACK,
            f"Welcome back! {THREE} are working again after 6 hours 59 minutes. Thank you for your patience.",
            "Welcome back! Facebook is working again after 6 hours 59 minutes. Thank you for your patience.",
        ),
        (
            Statement.CORRECTION,
            f"We said that {THREE} were not working. That was wrong, and we are sorry.",
            "We said that Facebook was not working. That was wrong, and we are sorry.",
        ),
        (
            Statement.DRILL,
            f"DRILL: this is an exercise of {COUNCIL.name}. Nothing is wrong with {THREE}; please do nothing.",
            f"DRILL: this is an exercise of {COUNCIL.name}. Nothing is wrong with Facebook; please do nothing.",
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Statement) else "",
)
def test_the_built_in_words_read_well_for_many_and_for_one(statement: Statement, many: str, one: str) -> None:
    assert word(Messages(), statement, "x", FACTS).text == f"{many} (Ref F7H-301100)"
    assert word(Messages(), statement, "x", ONE).text == f"{one} (Ref F7H-301100)"


@pytest.mark.parametrize("statement", BUILT_IN)
def test_every_statement_has_built_in_words_and_a_subject_of_one_line(statement: Statement) -> None:
    wording = word(Messages(), statement, "x", FACTS)

    assert wording.subject
    assert "\n" not in wording.subject
    assert not faults(BUILT_IN[statement].text) + faults(BUILT_IN[statement].subject)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("organisation", "Example Borough Council"),
        ("website", "https://www.example.org"),
        ("contact", "news@example.org"),
        ("platforms", "Facebook, Instagram and WhatsApp"),
        ("platform_names|join(' / ')", "Facebook / Instagram / WhatsApp"),
        ("platform_count", "3"),
        ("is_are", "are"),
        ("was_were", "were"),
        ("has_have", "have"),
        ("it_they", "they"),
        ("elsewhere", "Telegram and our blog"),
        ("elsewhere_names|join", "Telegram, our blog"),
        ("back", ""),
        ("back_names|join", ""),
        ("also", ""),
        ("also_names|join", ""),
        ("since", "12:00"),
        ("duration", "6 hours 59 minutes"),
        ("reference", "F7H-301100"),
        ("channel", "X"),
        ("incident", "7"),
    ],
)
def test_variables(variable: str, value: str) -> None:
    assert say(f"<{{{{ {variable} }}}}>") == f"<{value}>"


def test_every_variable_is_in_the_table_above() -> None:
    table = next(mark for mark in test_variables.pytestmark if mark.name == "parametrize").args[1]  # type: ignore[attr-defined]

    assert {variable.split("|")[0] for variable, _value in table} == set(VARIABLES)


def test_an_update_says_what_is_back_already() -> None:
    facts = replace(ONE, back=("Instagram", "WhatsApp"))

    assert "Working again: Instagram and WhatsApp." in word(Messages(), Statement.UPDATE, "blog", facts).text
    assert "Working again" not in word(Messages(), Statement.UPDATE, "blog", ONE).text


def test_an_update_says_what_has_failed_as_well() -> None:
    facts = replace(ONE, platforms=("Facebook", "Instagram"), also=("Instagram",))
    found = word(Messages(), Statement.UPDATE, "blog", facts)

    assert found.text.startswith("Facebook and Instagram are not working at the moment (new: Instagram).")
    assert found.subject == "Facebook and Instagram: not working"


def test_there_is_always_something_to_say_for_elsewhere() -> None:
    """The website, or words: never a sentence with a hole in it."""
    assert say("on {{ elsewhere }}", ONE) == "on https://www.example.org"
    homeless = replace(ONE, organisation=Organisation(name="Example"))
    assert say("on {{ elsewhere }}", homeless) == "on our other channels"


class TestChoice:
    """Whose words are used."""

    MESSAGES = Messages(
        {
            Statement.HOLDING: {"default": Template("for all"), "email": Template("for email", "subject for email")},
            Statement.UPDATE: {"email": Template("update for email")},
        }
    )

    @pytest.mark.parametrize(
        ("statement", "channel", "begins"),
        [
            (Statement.HOLDING, "x", "for all"),
            (Statement.HOLDING, "email", "for email"),
            (Statement.UPDATE, "email", "update for email"),
            (Statement.UPDATE, "x", "Facebook, Instagram"),
            (Statement.AGAIN, "x", "Facebook, Instagram and WhatsApp are not working again"),
        ],
    )
    def test_text(self, statement: Statement, channel: str, begins: str) -> None:
        """The channel's own, else the default, else the built-in; `again` is never taken from `holding`."""
        assert word(self.MESSAGES, statement, channel, FACTS).text.startswith(begins)

    def test_subject(self) -> None:
        """A wording without a subject gets the built-in one of its statement."""
        assert word(self.MESSAGES, Statement.HOLDING, "email", FACTS).subject == "subject for email"
        assert word(self.MESSAGES, Statement.HOLDING, "x", ONE).subject == (
            "Facebook is down: where to find Example Borough Council"
        )


class TestReference:
    """It stands in every text exactly where the template puts it, else at the end (rule D4)."""

    @pytest.mark.parametrize(
        ("template", "text"),
        [
            ("Down.", "Down. (Ref F7H-301100)"),
            ("Down [{{ reference }}].", "Down [F7H-301100]."),
            ("Down.\n\nSorry.\n", "Down.\n\nSorry.\n\n(Ref F7H-301100)"),
            ("Down. {% if platform_count == 1 %}{{ reference }}{% endif %}", "Down. (Ref F7H-301100)"),
            ("Down. {{ reference|lower }}", "Down. f7h-301100 (Ref F7H-301100)"),
        ],
        ids=["one line", "placed", "several lines", "placed in a branch not taken", "spoilt by a filter"],
    )
    def test_it(self, template: str, text: str) -> None:
        messages = Messages({Statement.HOLDING: {"default": Template(template, "{{ reference }}")}})
        assert word(messages, Statement.HOLDING, "x", FACTS).text == text


class TestDrill:
    """Every text of a drill says DRILL (rule S10)."""

    @pytest.mark.parametrize("statement", BUILT_IN)
    def test_every_statement(self, statement: Statement) -> None:
        wording = word(Messages(), statement, "x", replace(FACTS, drill=True))
        assert "DRILL" in wording.text
        assert "DRILL" in wording.subject

    def test_once_is_enough(self) -> None:
        assert say("This is a DRILL.", replace(FACTS, drill=True)) == "This is a DRILL."
        assert say("Down.", replace(FACTS, drill=True)) == "DRILL: Down."

    def test_own_words_of_a_drill_are_marked(self) -> None:
        assert say("Practice.", statement=Statement.DRILL) == "DRILL: Practice."


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("  a   b\tc  ", "a b c"),
        ("a\r\nb", "a\nb"),
        ("a  \n\n\n\n  b\n", "a\n\nb"),
        ("a\n{% if platform_count > 9 %}\nb\n{% endif %}\nc", "a\nc"),
        ("a {{ '' }} b", "a b"),
        ("<b>&amp; {{ platforms }}</b>", "<b>&amp; Facebook, Instagram and WhatsApp</b>"),
    ],
    ids=["spaces", "line ends", "empty lines", "blocks leave no line", "nothing leaves no gap", "plain text"],
)
def test_white_space_is_tidied(template: str, text: str) -> None:
    assert say(template) == text


@pytest.mark.parametrize(
    ("template", "line", "said"),
    [
        ("{{ platfroms }}", 1, "unknown variable 'platfroms'; did you mean 'platforms'?"),
        ("a\nb {{ platforms }}\n{{ sinse }}", 3, "did you mean 'since'?"),
        ("{{ zzz }}", 1, "there are organisation, website"),
        ("a\n{{ platforms", 2, "not a readable template"),
        ("{% if platforms %}", 1, "not a readable template"),
        ("{% for p in platform_names %}{{ p }}{% endfor %}", 1, "loops"),
        ("{% for i in range(10**9) %}x{% endfor %}", 1, "loops"),
        ("{% set a = 1 %}", 1, "{% set %} cannot be used"),
        ("{{ platforms.upper() }}", 1, "calls cannot be used"),
        ("{{ ''.__class__.__mro__ }}", 1, "a variable has no parts"),
        ("{{ platforms[0] }}", 1, "a variable has no parts"),
        ("{{ 'x' * 999999999 }}", 1, "arithmetic"),
        ("{{ -1 }}", 1, "arithmetic"),
        ("{{ 2 ** 99999999 }}", 1, "arithmetic"),
        ("{{ '%999999999d' % 1 }}", 1, "arithmetic"),
        ("{{ platforms is string }}", 1, "`is` cannot be used"),
        ("{{ platforms|center(999999999) }}", 1, "unknown filter 'center'"),
        ("{{ platforms|replace('', 'x') }}", 1, "unknown filter 'replace'"),
        ("{% include '/etc/passwd' %}", 1, "Include cannot be used"),
        ("{% macro m() %}{% endmacro %}", 1, "Macro cannot be used"),
        ("{{ platforms" + "|upper" * 40 + " }}", 1, "nested more than 25 levels deep"),
        ("{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}", 1, "not a readable template"),
        ("{{ " + "9" * 5000 + " }}", 1, "not a readable template"),
        ("x" * 10_001, 1, "longer than 10000 characters"),
    ],
)  # fmt: skip
def test_what_a_template_cannot_be(template: str, line: int, said: str) -> None:
    """It is seen without any facts, with its line, and never rendered."""
    first = faults(template)[0]

    assert said in str(first)
    assert first.line == line
    with pytest.raises(WordingError):
        say(template)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ platform_names }}", "a list cannot be shown"),
        ("{{ [1, 2] }}", "a list cannot be shown"),
        ("{{ platforms|join('/') }}", "join needs platform_names"),
        ("{% if platforms > 3 %}a{% endif %}", "not supported"),
        ("{{ platform_count|length }}", "has no len"),
        ("   ", "comes out empty"),
        ("{% if platform_count > 9 %}a{% endif %}", "comes out empty"),
        ("a {{ '\\x00' }}", "a control character"),
        ("a {{ '\\ud800' }}", "a control character"),
        ("{%if 0%}" + "{%elif 1%}" * 980 + "{%endif%}", "comes out empty|too complicated"),
    ],
)
def test_what_cannot_be_worded(template: str, said: str) -> None:
    with pytest.raises(WordingError, match=said):
        say(template)


_PIECES = (
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    " ",
    "if",
    "else",
    "endif",
    "for",
    "platforms",
    "x",
    "|",
    "upper",
    "join",
)
_MARKS = ("~", "(", ")", "[", "]", "'a'", "1", ">", "not", "in", ".", ",")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_PIECES + _MARKS) | st.text(max_size=5), max_size=25).map("".join))
def test_any_template_is_worded_or_refused(template: str) -> None:
    """Nothing but WordingError, whatever is written."""
    try:
        text = say(template)
    except WordingError as error:
        text = str(error)

    assert text


@pytest.mark.parametrize(
    ("names", "text"),
    [((), ""), (("A",), "A"), (("A", "B"), "A and B"), (("A", "B", "C"), "A, B and C")],
)
def test_joined(names: tuple[str, ...], text: str) -> None:
    assert joined(names) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (-5, "less than a minute"),
        (60, "1 minute"),
        (119, "1 minute"),
        (120, "2 minutes"),
        (3600, "1 hour"),
        (3660, "1 hour 1 minute"),
        (6 * 3600 + 59 * 60 + 59, "6 hours 59 minutes"),
        (86400, "1 day"),
        (86400 + 59 * 60, "1 day"),
        (2 * 86400 + 3 * 3600 + 1800, "2 days 3 hours"),
    ],
)
def test_lasting(seconds: float, text: str) -> None:
    """The two largest units, rounded down; a clock that jumped back makes no nonsense."""
    assert lasting(seconds) == text


@pytest.mark.parametrize(
    ("later", "timezone", "text"),
    [
        (0, "Europe/London", "12:00"),
        (11 * 3600, "Europe/London", "12:00"),
        (12 * 3600, "Europe/London", "12:00 on 30 September"),
        (0, "Asia/Tokyo", "20:00"),
        (4 * 3600, "Asia/Tokyo", "20:00 on 30 September"),
        (90 * 86400, "America/New_York", "07:00 on 30 September"),
    ],
)
def test_clock(later: float, timezone: str, text: str) -> None:
    """The organisation's own clock, and the day where it is not today's there."""
    assert clock(NOON, NOON + later, timezone) == text


def test_the_worst_case_is_longer_than_other_facts() -> None:
    """For every statement and the longest of what real facts differ in."""
    worst = worst_case(COUNCIL, FACTS.platforms, FACTS.elsewhere, "X")

    for statement in BUILT_IN:
        longest = len(word(Messages(), statement, "x", worst).text)
        for since in (0.0, 100.0, NOON, 1_800_000_000.0):
            for lasted in (0, 59, 3600, 6 * 3600 + 59 * 60, 86399, 86400, 20 * 86400 + 23 * 3600):
                facts = replace(FACTS, since=since, now=since + lasted)
                assert len(word(Messages(), statement, "x", facts).text) <= longest
    assert len(LONGEST_REFERENCE) >= len("F123H-301100")


def test_variations_cover_one_platform_one_place_and_nowhere_else() -> None:
    worst = worst_case(COUNCIL, FACTS.platforms, FACTS.elsewhere, "X")

    cases = {(len(facts.platforms), len(facts.elsewhere)) for facts in variations(worst)}

    assert variations(worst)[0] == worst
    assert cases == {(count, places) for count in (1, 2, 3) for places in (2, 1, 0)}


def test_it_is_pure() -> None:
    """Neither module imports a clock, a network or a file."""
    from pathlib import Path

    from failover import templates, wording

    forbidden = {"asyncio", "httpx", "sqlite3", "structlog", "yaml", "time", "random", "os"}
    for module in (templates, wording):
        lines = Path(module.__file__).read_text(encoding="utf-8").splitlines()
        imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
        assert not imported & forbidden
