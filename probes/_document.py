"""The document that a source answers with, or why there is none, and where it stands; private to this folder."""

from __future__ import annotations

from urllib.parse import urlsplit

from failover.model import Evidence, Sighting
from probes._fetch import Fetcher, Page, Trouble
from probes._official import refusal


async def fetch_document(fetcher: Fetcher, url: str) -> object:
    """The decoded JSON at `url`, or the Sighting that says why there is none."""
    answer = await fetcher.get(url, headers={"accept": "application/json"})
    if isinstance(answer, Trouble):
        return answer.as_source_failure(Evidence.OFFICIAL)
    return document_of(answer)


def document_of(answer: Page) -> object:
    """The answer's decoded JSON, or the Sighting that says why it is none."""
    if refused := refusal(answer):
        return refused
    if "html" in answer.headers.get("content-type", "").lower():
        return Sighting.unknown(Evidence.OFFICIAL, "the status page answered with a web page instead of data")
    try:
        return answer.json()
    except ValueError:
        return Sighting.unknown(Evidence.OFFICIAL, "the status page answered with broken data")


def of_another_form() -> Sighting:
    return Sighting.unknown(Evidence.OFFICIAL, "the answer is not that of a status page of this kind")


def site_of(url: str, path: str) -> str:
    """The address of the site, where `url` is that of its document at `path`; empty if it is not."""
    address = url.partition("#")[0].partition("?")[0]
    return address.removesuffix(path).rstrip("/") if address.endswith(path) else ""


def root_of(url: str, mark: str) -> str:
    """The address of the site, where that of its document goes on with `mark`; without query and fragment."""
    parts = urlsplit(url)
    return parts._replace(path=parts.path.partition(mark)[0], query="", fragment="").geturl()


def no_empty_name(names: tuple[str, ...]) -> tuple[str, ...]:
    """For options: an empty name would watch nothing.  Raises ValueError."""
    if not all(name.strip() for name in names):
        raise ValueError("expected names or ids, without empty ones")
    return names
