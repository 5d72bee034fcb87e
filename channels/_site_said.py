"""What was said on a static site: one statement as a value, and what all of them together mean.  Pure.

The site's memory is one small JSON file per statement; every page is derived from these.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType

from channels._headline import headline
from channels._picture import ENDINGS
from failover.model import Announcement, Statement

DISRUPTION, ALL_CLEAR, CORRECTION = "disruption", "all clear", "correction"

_STATES = {
    Statement.HOLDING: DISRUPTION,
    Statement.AGAIN: DISRUPTION,
    Statement.INTERMITTENT: DISRUPTION,
    Statement.UPDATE: DISRUPTION,
    Statement.WELCOME_BACK: ALL_CLEAR,
    Statement.CORRECTION: CORRECTION,
}
"""What the last word on an incident means.  A drill says nothing about any incident."""

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")

_NO_SLUG = re.compile(r"[^a-z0-9]+")
Over = Mapping[str, float]
"""The last word on an incident (its slug) -> when that incident was over (seconds since the epoch, UTC)."""

NOTHING_OVER: Over = MappingProxyType({})

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One statement, or one post.  `slug` is its place on the site; `created_at` in seconds since the epoch (UTC).

    `picture` is the name of a file beside its page ("" for none), `alt` what that shows.
    """

    slug: str
    key: str
    incident: str
    statement: Statement
    reference: str
    headline: str
    text: str
    created_at: float
    platforms: tuple[str, ...] = ()
    picture: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """How one incident stands by the last word on it; `since` is the first word that is still kept.

    `ended` is when it was over where that word does not say so itself (seconds since the epoch, UTC).
    """

    incident: str
    state: str
    since: float
    last: Said
    ended: float | None = None


def slug_of(reference: str) -> str:
    """The reference as part of an address; two that differ in more than case never share one."""
    plain = _NO_SLUG.sub("-", reference.lower()).strip("-")[:80].strip("-")
    if plain and plain == reference.lower():
        return plain
    return f"{plain}-{hashlib.sha256(reference.encode('utf-8', 'replace')).hexdigest()[:8]}".lstrip("-")


def said_by(announcement: Announcement) -> Said:
    """The statement of an announcement, without characters that neither HTML nor XML can carry."""
    subject, text = printable(announcement.subject), printable(announcement.text)
    slug, image = slug_of(announcement.reference or announcement.key), next(iter(announcement.images), None)
    return Said(
        slug=slug,
        key=announcement.key,
        incident=announcement.incident,
        statement=announcement.statement,
        reference=printable(announcement.reference),
        headline=headline(subject, text),
        text=text,
        created_at=announcement.created_at,
        platforms=tuple(printable(platform) for platform in announcement.platforms),
        picture=f"{slug}.{ENDINGS[image.media_type]}" if image is not None else "",
        alt=printable(image.alt) if image is not None else "",
    )


def printable(text: str) -> str:
    """XML 1.0, section 2.2: most control characters cannot even be escaped."""
    return _UNPRINTABLE.sub("\ufffd", text)


def to_json(said: Said) -> bytes:
    """The file of one statement."""
    return (
        json.dumps(asdict(said) | {"statement": said.statement.value}, ensure_ascii=False, indent=2) + "\n"
    ).encode()


def from_json(raw: bytes) -> Said:
    """The statement in such a file.  Raises ValueError for anything else."""
    try:
        fields = json.loads(raw)
        said = Said(
            slug=str(fields["slug"]),
            key=str(fields["key"]),
            incident=str(fields["incident"]),
            statement=Statement(fields["statement"]),
            reference=printable(fields["reference"]),
            headline=printable(fields["headline"]),
            text=printable(fields["text"]),
            created_at=float(fields["created_at"]),
            platforms=tuple(printable(platform) for platform in fields["platforms"]),
            picture=str(fields.get("picture", "")),
            alt=printable(str(fields.get("alt", ""))),
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a statement") from error
    if not SLUG.fullmatch(said.slug):
        raise ValueError("not the name of a statement")
    if said.picture not in ("", *(f"{said.slug}.{ending}" for ending in ENDINGS.values())):
        raise ValueError("not the name of its picture")
    return said


def newest_first(statements: Iterable[Said]) -> list[Said]:
    """By the time they were made; of two made at once the one that ends an incident is the newer."""
    return sorted(statements, key=lambda said: (said.created_at, _rank(said), said.slug), reverse=True)


def situations(statements: Iterable[Said], over: Over = NOTHING_OVER) -> list[Situation]:
    """One per incident, the one with the newest word first.

    Of an incident that is `over` the last word is no longer true; nor is it once all its platforms are said to be
    back in another one.
    """
    found: dict[str, list[Said]] = {}
    back: dict[str, float] = {}
    for said in newest_first(statements):
        if said.statement in _STATES:
            found.setdefault(said.incident, []).append(said)
        for platform in said.platforms if said.statement is Statement.WELCOME_BACK else ():
            back.setdefault(platform, said.created_at)
    return [_situation(incident, words, over, back) for incident, words in found.items()]


def _situation(incident: str, words: Sequence[Said], over: Over, back: Mapping[str, float]) -> Situation:
    """`words` newest first; `back` is when each platform was last said to be back, whatever the incident."""
    last = words[0]
    state, ended = _STATES[last.statement], None
    if state == DISRUPTION:
        returned = [back.get(platform, last.created_at) for platform in last.platforms]
        ended = over.get(last.slug)
        if ended is None and returned and min(returned) > last.created_at:
            ended = max(returned)
    state = state if ended is None else ALL_CLEAR
    return Situation(incident=incident, state=state, since=words[-1].created_at, last=last, ended=ended)


def over_by(incidents: Mapping[str, float | None], statements: Iterable[Said], before: Over) -> dict[str, float]:
    """What is over once these incidents are (incident -> when; None: it lasts, and is not over any more).

    Told by the last word on each: a word that comes later speaks for itself.  Of what is no longer on the site
    nothing is kept.
    """
    standing = situations(statements)
    told = {one.last.slug: incidents[one.incident] for one in standing if one.incident in incidents}
    open_again = {slug for slug, at in told.items() if at is None}
    ended = {slug: at for slug, at in told.items() if at is not None}
    told_lasting = {one.last.slug for one in standing if one.state == DISRUPTION}
    return {slug: at for slug, at in {**ended, **before}.items() if slug in told_lasting - open_again}


def over_from_json(raw: bytes) -> dict[str, float]:
    """The file that remembers it; nothing where it cannot be understood."""
    try:
        return {str(slug): float(at) for slug, at in json.loads(raw or b"{}").items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


def over_to_json(over: Over) -> bytes:
    return (json.dumps(over, indent=2, sort_keys=True) + "\n").encode()


def overall(standing: Sequence[Situation]) -> str:
    """Disruption while any incident is one."""
    return DISRUPTION if any(one.state == DISRUPTION for one in standing) else ALL_CLEAR


def kept(statements: Iterable[Said], keep: int, fresh: str = "", over: Over = NOTHING_OVER) -> list[Said]:
    """What stays on the site, newest first: the `keep` newest, the one just made, the last word on what is not over.

    Of those last words at most another `keep`: an incident that nobody ever ends must not stay for ever, and one
    that still lasts must not turn into "all clear" because there was much to say of others.
    """
    ordered = newest_first(statements)
    lasting = [one.last.slug for one in situations(ordered, over) if one.state == DISRUPTION][:keep]
    wanted = {said.slug for said in ordered[:keep]} | {*lasting, fresh}
    return [said for said in ordered if said.slug in wanted]


def _rank(said: Said) -> int:
    return list(Statement).index(said.statement)
