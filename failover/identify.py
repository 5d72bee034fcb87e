"""What `failover identify URL` prints: which kind a status page is, and the probe that watches it.

Each kind knows its own documents and where a site keeps them (`registry.recognisers`); here they are only fetched and
shown to all kinds.  Data come before feeds, which say less.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import yaml
from pydantic import ValidationError

from failover import __version__, registry
from failover.registry import Recogniser

SECONDS = 10.0
LARGEST = 8_000_000
AT_ONCE = 6
_SHOWN = 100


class NotIdentifiedError(Exception):
    """The text is one sentence for people; `tried` are the addresses that were asked."""

    def __init__(self, text: str, tried: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.tried = list(tried)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What was found at an address after redirects: decoded JSON, or text where it is none."""

    url: str
    body: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A kind that recognised the document at `url`."""

    kind: str
    url: str
    options: Mapping[str, object]


def identify(url: str) -> list[Found]:
    """The kinds that recognise the page, the best first.  Raises NotIdentifiedError."""
    kinds = registry.recognisers()
    asked = addresses(url, (path for kind in kinds for path in kind.paths))
    answers = asyncio.run(_fetch_all(asked))
    found = recognised([one for one in answers if isinstance(one, Document)], kinds)
    if not found:
        raise NotIdentifiedError(_nothing(asked, answers, kinds), asked)
    return found


def addresses(url: str, paths: Iterable[str]) -> list[str]:
    """The address itself, and those on its site where a document of a known kind may be.

    In a path `{path}` stands for that of the address, `{last}` for its last part, or `default`.  Raises
    NotIdentifiedError where it is no web address.
    """
    if _has_credentials(url):
        raise NotIdentifiedError(
            "this address has a name or a password before its @: try it without them, as the public sees the page"
        )
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(httpx.URL(url.strip()).host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        doubtful = "/" in url.partition(".")[0] or "." not in url or "@" in url
        hint = "" if doubtful else f": did you mean https://{url.strip()}?"
        raise NotIdentifiedError(f"expected a web address that begins with https:// or http://{hint}")
    path = parts.path.rstrip("/")
    filled = (one.replace("{path}", path).replace("{last}", path.rpartition("/")[2] or "default") for one in paths)
    return list(dict.fromkeys([url.strip(), *(urljoin(url.strip(), f"/{one.lstrip('/')}") for one in filled)]))


def _has_credentials(url: str) -> bool:
    """Is there an @ before the path?  Whatever stands before it is not repeated on a screen."""
    return "@" in re.split(r"[/?#]", url.strip().partition("://")[2] or url.strip(), maxsplit=1)[0]


def recognised(documents: Iterable[Document], kinds: Sequence[Recogniser]) -> list[Found]:
    """What each kind makes of the documents, once: data before text, and what names its parts before a sum."""
    ranked = [
        (_rank(document, options), Found(kind=kind.kind, url=document.url, options=options))
        for document in documents
        for kind in kinds
        if (options := kind.recognise(document.url, document.body)) is not None
    ]
    best: dict[str, Found] = {}
    for _order, found in sorted(ranked, key=lambda pair: pair[0]):
        best.setdefault(found.kind, found)
    return list(best.values())


def _rank(document: Document, options: Mapping[str, object]) -> tuple[bool, bool]:
    return isinstance(document.body, str), not any(isinstance(value, list) for value in options.values())


def answer(found: Sequence[Found]) -> dict[str, Any]:
    """The best as data and as YAML, and which other kinds would do."""
    first, *others = found
    return {
        "kind": first.kind,
        "document": first.url,
        "options": dict(first.options),
        "also": [{"kind": other.kind, "document": other.url, "options": dict(other.options)} for other in others],
        "yaml": "\n".join(_yaml(first, others)),
    }


def _yaml(first: Found, others: Sequence[Found]) -> list[str]:
    lines = [f"# {first.kind}, by {first.url}", *(f"# also {other.kind}, by {other.url}" for other in others)]
    lines += ["# Put it under `probes:` of the platform that the page speaks of.", f"- kind: {first.kind}"]
    for key, value in first.options.items():
        lines += _choices(first, key, value) if isinstance(value, list) else [f"  {key}: {_scalar(value)}"]
    return lines + _controls(first)


def _controls(found: Found) -> list[str]:
    """Which monitors have nothing to do with the platform is for people to say; without them nothing ever votes."""
    if "controls" not in registry.find_probe(found.kind).options.model_fields:
        return []
    return [
        "  # Name some that have nothing to do with the platform:",
        "  # without controls a red is doubt and never votes.",
        "  # controls: []",
    ]


def _choices(found: Found, key: str, names: list[object]) -> list[str]:
    """What the page names.  Nothing is chosen for people but one name where the kind cannot do without."""
    shown = [f"- {_scalar(name)}" for name in names[:_SHOWN]]
    left = [f"  # … and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    if len(names) == 1 or _needed(found, key):
        choose = ["  # The page names these: keep what your public uses."] if len(names) > 1 else []
        return [
            *choose,
            f"  {key}:",
            *(f"    {'# ' if place else ''}{name}" for place, name in enumerate(shown)),
            *left,
        ]
    head = "  # The page names these; without any it is judged as a whole."
    return [head, f"  # {key}:", *(f"  #   {name}" for name in shown), *left] if names else []


def _needed(found: Found, key: str) -> bool:
    try:
        registry.find_probe(found.kind).options.model_validate({**found.options, key: ()})
    except ValidationError:
        return True
    return False


def _scalar(value: object) -> str:
    """In YAML, on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=100_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _nothing(asked: Sequence[str], answers: Sequence[Document | str], kinds: Sequence[Recogniser]) -> str:
    if not any(map(_answered, answers)):
        return f"no answer from {urlsplit(asked[0]).netloc}: {answers[0]}"
    paths = ", ".join(address.removeprefix(urljoin(asked[0], "/")) for address in asked[1:])
    names = ", ".join(kind.kind for kind in kinds)
    return f"no kind of probe recognises {asked[0]}, nor what is at {paths} on that site (tried: {names})"


async def _fetch_all(urls: Sequence[str]) -> list[Document | str]:
    """What each address gives, or why it gives nothing; where the first cannot be reached, the rest is not tried."""
    turn = asyncio.Semaphore(AT_ONCE)
    agent = f"failover/{__version__} (identify)"
    async with httpx.AsyncClient(
        follow_redirects=True, max_redirects=5, timeout=SECONDS, headers={"user-agent": agent}
    ) as client:
        first = await _fetch(client, urls[0], turn)
        if not _answered(first):
            return [first]
        return [first, *await asyncio.gather(*(_fetch(client, url, turn) for url in urls[1:]))]


def _answered(one: Document | str) -> bool:
    return isinstance(one, Document) or one.startswith("HTTP ")


async def _fetch(client: httpx.AsyncClient, url: str, turn: asyncio.Semaphore) -> Document | str:
    try:
        async with turn, asyncio.timeout(SECONDS), client.stream("GET", url) as response:
            if response.status_code != 200:
                return f"HTTP {response.status_code}"
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    return "HTTP 200, but too large"
            return Document(url=str(response.url), body=_decoded(bytes(body)))
    except (TimeoutError, httpx.TimeoutException):
        return "nothing came in time"
    except (httpx.ConnectError, OSError):
        return "no connection could be made"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return "the answer is not proper HTTP"


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
