"""The kind `downdetector`: what the crowd reports, by the Downdetector API v2 (a contract with Ookla is needed).

Documented at https://downdetectorapi.com/v2/docs/: a token by client credentials (HTTP Basic, valid an hour),
`/companies/search` for the id of a company on the site of one country, `/companies/{id}/status` for a bare
"success", "warning" or "danger".  The public pages are never read: they stand behind a bot wall and their terms.

The API is billed and its data change every 15 minutes, so a look is one call.  The token is kept for its hour and
the id for a day; how many reports there are is asked once per spike and then repeated, which keeps the reason steady.

`danger` is a vote of the crowd; `warning` is doubt at most; trouble with our contract never votes.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from failover import contracts
from failover.contracts import ProbeKind, Surroundings
from failover.model import Evidence, Fault, Sighting
from probes._address import WebAddress, unforgeable
from probes._fetch import Fetcher, Page, Trouble, open_fetcher
from probes._service import Service

HOUR = 3600.0
EARLY = 300.0
"""A token is renewed this many seconds before it ends."""

ID_KEPT = 86400.0

NUMBERS_WITHIN = 8.0
"""The vote must not be lost because the numbers that go with it are slow."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")


def _keeps_secrets(value: str) -> str:
    if not unforgeable(value):
        raise ValueError("expected an address that begins with https://: the credentials are sent to it")
    return value.rstrip("/")


class Options(contracts.Options):
    """`company` is the name in the address of its Downdetector page; `country` (two letters) picks one site."""

    company: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    client_id: SecretStr = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    api_url: Annotated[WebAddress, AfterValidator(_keeps_secrets)] = "https://downdetectorapi.com/v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Something that was asked for once and is good until then."""

    value: str = field(repr=False)
    until: float


def judge_status(said: object, spike: str = "") -> Sighting:
    """The API's own word; `spike` says in numbers how much more than usual is reported."""
    match said:
        case "danger":
            return Sighting.down(Evidence.CROWD, "Downdetector reports problems" + (f": {spike}" if spike else ""))
        case "warning":
            return Sighting.degraded(Evidence.CROWD, "Downdetector sees possible problems")
        case "success":
            return Sighting.up(Evidence.CROWD, "Downdetector sees no more reports than usual")
    return Sighting.unknown(Evidence.CROWD, "Downdetector answered with a word that is not known")


def judge_refusal(status: int) -> Sighting:
    """An answer that is no success.  Our contract, our quota and our own request are the account's trouble."""
    ours = {
        400: "Downdetector did not accept the request",
        401: "Downdetector does not accept the credentials",
        402: "Downdetector wants to be paid",
        403: "the Downdetector contract does not cover this",
        404: "Downdetector does not know this company any more",
        422: "Downdetector did not accept the request",
        429: "the Downdetector quota is used up",
    }
    if status in ours:
        return Sighting.unknown(Evidence.CROWD, f"{ours[status]} (HTTP {status})", fault=Fault.ACCOUNT)
    return Sighting.unknown(Evidence.CROWD, f"Downdetector itself is in trouble (HTTP {status})")


def pick_company(found: object, company: str, country: str | None) -> str | Sighting:
    """The id out of a search: the slug must match exactly, and only one site may be left."""
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else None
    if rows is None:
        return Sighting.unknown(Evidence.CROWD, "Downdetector answered the search in an unknown form")
    mine = [row for row in rows if row.get("slug") == company and country in (None, row.get("country_iso"))]
    ids = {str(row["id"]) for row in mine if _is_id(row.get("id"))}
    if len(ids) == 1:
        return ids.pop()
    if ids:
        reason = f"Downdetector has {company} in several countries: set `country`"
    else:
        reason = f"Downdetector has no company {company}" + (f" in {country}" if country else "")
    return Sighting.unknown(Evidence.CROWD, reason, fault=Fault.ACCOUNT)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**18


def lifetime(token: str) -> float:
    """Seconds that a token is good for: from its own `iat` to `exp` (RFC 7519), so our clock does not matter.

    An hour where it does not say so; never more.
    """
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        seconds = float(claims["exp"]) - float(claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError, binascii.Error):
        return HOUR
    return seconds if 0 < seconds < HOUR else HOUR


def describe_spike(reports: object, usual: object) -> str:
    """`9,800 reports in 15 minutes, usually 44`; as much of it as there are numbers."""
    if not _is_count(reports):
        return ""
    said = f"{reports:,.0f} reports in 15 minutes"
    return f"{said}, usually {usual:,.0f}" if _is_count(usual) else said


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


class DowndetectorProbe:
    """Keeps a token, an id and the numbers of the present spike between two looks."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._token: Kept | None = None
        self._company: Kept | None = None
        self._spike: str | None = None
        self._may_renew = False

    async def look(self) -> Sighting:
        self._may_renew = self._token is not None
        company = await self._company_id()
        if isinstance(company, Sighting):
            return company
        said = await self._call(f"/companies/{company}/status")
        if isinstance(said, Sighting):
            return said
        if said != "danger":
            self._spike = None
        elif self._spike is None:
            self._spike = await self._numbers(company)
        return judge_status(said, self._spike or "")

    async def _numbers(self, company: str) -> str:
        """For the reason only: without them the vote stands all the same."""
        try:
            async with asyncio.timeout(NUMBERS_WITHIN):
                reports = await self._call(f"/companies/{company}/last_15")
                usual = await self._call(f"/companies/{company}/baseline/current") if _is_count(reports) else None
        except TimeoutError:
            return ""
        return describe_spike(reports, usual)

    async def _company_id(self) -> str | Sighting:
        now = self._surroundings.now()
        if self._company is not None and now < self._company.until:
            return self._company.value
        country = f"&country={self._options.country}" if self._options.country else ""
        fields = "fields=id,name,slug,country_iso&page_size=100"
        found = await self._call(f"/companies/search?slug={self._options.company}{country}&{fields}")
        if isinstance(found, Sighting):
            return found
        picked = pick_company(found, self._options.company, self._options.country)
        if isinstance(picked, str):
            self._company = Kept(value=picked, until=now + ID_KEPT)
        return picked

    async def _call(self, path: str) -> Any | Sighting:
        """The parsed answer.  A kept token that is refused is renewed, once in a look, and the call made again."""
        answer = await self._with_token(path)
        if isinstance(answer, Page) and answer.status == 401:
            self._token = None
            if self._may_renew:
                self._may_renew = False
                answer = await self._with_token(path)
        if isinstance(answer, Page) and answer.status == 404:
            self._company = None
        return answer if isinstance(answer, Sighting) else SERVICE.data(answer)

    async def _with_token(self, path: str) -> Page | Trouble | Sighting:
        token = await self._fresh_token()
        if isinstance(token, Sighting):
            return token
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        return await self._fetcher.get(f"{self._options.api_url}{path}", headers=headers)

    async def _fresh_token(self) -> str | Sighting:
        now = self._surroundings.now()
        if self._token is not None and now < self._token.until:
            return self._token.value
        auth = (self._options.client_id.get_secret_value(), self._options.client_secret.get_secret_value())
        url = f"{self._options.api_url}/tokens?grant_type=client_credentials"
        answer = SERVICE.data(await self._fetcher.get(url, method="POST", auth=auth))
        if isinstance(answer, Sighting):
            return answer
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return Sighting.unknown(Evidence.CROWD, "Downdetector answered without a token")
        self._token = Kept(value=token, until=now + lifetime(token) - EARLY)
        return token


SERVICE = Service(name="Downdetector", evidence=Evidence.CROWD, refusal=judge_refusal, good=range(200, 300))


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[DowndetectorProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield DowndetectorProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.CROWD,
    every=300.0,
    fastest=300.0,
    timeout=60.0,
    example="""\
kind: downdetector
company: facebook
country: GB
client_id_file: downdetector-id
client_secret_file: downdetector-secret
""",
)
