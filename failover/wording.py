"""From a statement and its facts to the words for one channel.

Pure.  Every text carries the reference (rule D4): where the template does not show it, it is put at the end.  Every
text of a drill says DRILL (rule S10).  Texts are plain text; times are in the organisation's time zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from failover import templates
from failover.model import Organisation, Statement
from failover.templates import WordingError

LONGEST_REFERENCE = "F9999U99-312359"
"""As long as a reference gets within reason: the incident's number, the statement's, day, hour and minute."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """The wording of a statement, for one channel or for all; without a subject the built-in one is used."""

    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said, ready to be published; `subject` is one line, for channels that have a use for it."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a statement may speak of.

    `platforms` and `elsewhere` are titles ("our blog"), `channel` the title of the channel that speaks.  `since` is
    when the incident began, `now` when the statement was made (or the platforms were well again); seconds, UTC.
    """

    organisation: Organisation
    platforms: tuple[str, ...]
    elsewhere: tuple[str, ...]
    channel: str
    reference: str
    incident: str
    since: float
    now: float
    drill: bool = False
    back: tuple[str, ...] = ()
    """Titles of the platforms of this incident that are well again while `platforms` are not."""
    also: tuple[str, ...] = ()
    """Those of `platforms` that failed after this channel had spoken of the others."""


VARIABLES: Mapping[str, Callable[[Facts], object]] = MappingProxyType(
    {
        "organisation": lambda facts: facts.organisation.name,
        "website": lambda facts: facts.organisation.website,
        "contact": lambda facts: facts.organisation.contact,
        "platforms": lambda facts: joined(facts.platforms),
        "platform_names": lambda facts: facts.platforms,
        "platform_count": lambda facts: len(facts.platforms),
        "is_are": lambda facts: "is" if len(facts.platforms) == 1 else "are",
        "was_were": lambda facts: "was" if len(facts.platforms) == 1 else "were",
        "has_have": lambda facts: "has" if len(facts.platforms) == 1 else "have",
        "it_they": lambda facts: "it" if len(facts.platforms) == 1 else "they",
        "elsewhere": lambda facts: joined(facts.elsewhere) or facts.organisation.website or "our other channels",
        "elsewhere_names": lambda facts: facts.elsewhere,
        "back": lambda facts: joined(facts.back),
        "back_names": lambda facts: facts.back,
        "also": lambda facts: joined(facts.also),
        "also_names": lambda facts: facts.also,
        "since": lambda facts: clock(facts.since, facts.now, facts.organisation.timezone),
        "duration": lambda facts: lasting(facts.now - facts.since),
        "reference": lambda facts: facts.reference,
        "channel": lambda facts: facts.channel,
        "incident": lambda facts: facts.incident,
    }
)
"""Every variable that a template may use.  `…_names` are lists, for `join` or to ask whether there are any."""

_REACH = "You can reach {{ organisation }} here{% if elsewhere_names %} and on {{ elsewhere }}{% endif %}."

BUILT_IN: Mapping[Statement, Template] = MappingProxyType({
    Statement.HOLDING: Template(
        "{{ platforms }} {{ is_are }} not working at the moment. " + _REACH
        + " We will tell you when {{ it_they }} {{ is_are }} back.",
        "{{ platforms }} {{ is_are }} down: where to find {{ organisation }}",
    ),
    Statement.AGAIN: Template(
        "{{ platforms }} {{ is_are }} not working again. " + _REACH
        + " We will tell you when {{ it_they }} {{ is_are }} back.",
        "{{ platforms }} {{ is_are }} down again: where to find {{ organisation }}",
    ),
    Statement.INTERMITTENT: Template(
        "{{ platforms }} {{ has_have }} been failing on and off. " + _REACH
        + " We will tell you when {{ it_they }} {{ is_are }} steady again.",
        "{{ platforms }}: failing on and off",
    ),
    Statement.UPDATE: Template(
        "{{ platforms }} {{ is_are }} {% if also_names %}not working at the moment (new: {{ also }})"
        "{% else %}still not working (since {{ since }}){% endif %}."
        "{% if back_names %} Working again: {{ back }}.{% endif %} " + _REACH,
        "{{ platforms }}: {% if also_names %}not working{% else %}still not working{% endif %}",
    ),
    Statement.WELCOME_BACK: Template(
        "Welcome back! {{ platforms }} {{ is_are }} working again after {{ duration }}. Thank you for your patience.",
        "{{ platforms }} {{ is_are }} working again",
    ),
    Statement.CORRECTION: Template(
        "We said that {{ platforms }} {{ was_were }} not working. That was wrong, and we are sorry.",
        "Correction: {{ platforms }}",
    ),
    Statement.DRILL: Template(
        "DRILL: this is an exercise of {{ organisation }}. Nothing is wrong with {{ platforms }}; please do nothing.",
        "DRILL: an exercise of {{ organisation }}",
    ),
})  # fmt: skip
"""What is said where the configuration has no words of its own."""


@dataclass(frozen=True, slots=True)
class Messages:
    """The wordings that the configuration gives: statement -> `default` or a channel's name -> template."""

    written: Mapping[Statement, Mapping[str, Template]] = field(default_factory=dict)

    def source(self, statement: Statement, channel: str) -> str:
        """Whose words are used: the channel's name, "default", or "" for the built-in ones."""
        given = self.written.get(statement, {})
        return next((key for key in (channel, "default") if key in given), "")

    def template(self, statement: Statement, channel: str) -> Template:
        """The template in force, with the built-in subject where it gives none."""
        key = self.source(statement, channel)
        if not key:
            return BUILT_IN[statement]
        given = self.written[statement][key]
        return Template(given.text, given.subject or BUILT_IN[statement].subject)


def word(messages: Messages, statement: Statement, channel: str, facts: Facts) -> Wording:
    """The statement in the words for this channel.  Raises WordingError for a template that cannot be used."""
    template = messages.template(statement, channel)
    subject = " ".join(_filled(template.subject, facts).split())
    text = _tidied(_filled(template.text, facts))
    if not text:
        raise WordingError("the text comes out empty")
    if facts.drill or statement is Statement.DRILL:
        subject, text = _marked(subject), _marked(text)
    return Wording(subject, _referenced(text, facts.reference))


def faults(text: str) -> list[WordingError]:
    """Everything that can be seen to be wrong with a template without its facts."""
    return templates.faults(text, VARIABLES)


def worst_case(
    organisation: Organisation,
    platforms: Sequence[str],
    elsewhere: Sequence[str],
    channel: str,
    *,
    drill: bool = False,
) -> Facts:
    """The facts that make the longest text: all these platforms down since yesterday, all other channels named."""
    since = datetime(2026, 9, 30, 12, 0, tzinfo=ZoneInfo(organisation.timezone)).timestamp()
    return Facts(
        organisation=organisation,
        platforms=tuple(platforms),
        elsewhere=tuple(elsewhere),
        channel=channel,
        reference=LONGEST_REFERENCE,
        incident=LONGEST_REFERENCE,
        since=since,
        now=since + 24 * 3600 - 60,
        drill=drill,
    )


def variations(worst: Facts) -> list[Facts]:
    """The worst case, and those in which an `{% if %}` may take another turn: fewer platforms or places, …"""
    counts = sorted({1, 2, len(worst.platforms)} & {*range(1, len(worst.platforms) + 1)}, reverse=True)
    return [
        replace(worst, platforms=worst.platforms[:count], elsewhere=elsewhere, back=back, also=also)
        for count in counts
        for elsewhere in dict.fromkeys((worst.elsewhere, worst.elsewhere[:1], ()))
        for back in dict.fromkeys(((), worst.platforms[count:]))
        for also in ((), worst.platforms[:count])
    ]


def joined(names: Sequence[str]) -> str:
    """`Facebook, Instagram and WhatsApp`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def lasting(seconds: float) -> str:
    """`6 hours 59 minutes`: the two largest units from days to minutes, rounded down."""
    minutes = max(0, int(seconds)) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    counts = [(days, "day"), (hours, "hour"), (minutes, "minute")][0 if days else 1 :][:2]
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in counts if count]
    return " ".join(parts) or "less than a minute"


def clock(at: float, now: float, timezone: str) -> str:
    """`14:05` on the organisation's clock, and the day where it is not today's: `14:05 on 3 November`."""
    zone = ZoneInfo(timezone)
    moment, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone).date()
    time = f"{moment:%H:%M}"
    return time if moment.date() == today else f"{time} on {moment.day} {_MONTHS[moment.month - 1]}"


def _tidied(text: str) -> str:
    """Single spaces, no space at the ends of lines, at most one empty line in a row."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _marked(text: str) -> str:
    return text if "DRILL" in text else f"DRILL: {text}"


def _referenced(text: str, reference: str) -> str:
    if reference in text:
        return text
    between = "\n\n" if "\n" in text else " "
    return f"{text}{between}(Ref {reference})"


def _filled(text: str, facts: Facts) -> str:
    return templates.rendered(text, {name: value(facts) for name, value in VARIABLES.items()})
