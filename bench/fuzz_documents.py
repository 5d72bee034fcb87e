"""What the fuzzer begins with: good answers of every kind of source, and the options of a probe that they fit.

Real and made-up samples come from `tests/samples`, recognised as a person's address would be; kinds of which there is
none there have small ones below, shaped as their vendors document them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from failover import registry
from failover.describe import example_options
from tests.probes._garbage import spoil

SAMPLES = sorted((Path(__file__).parents[1] / "tests" / "samples").glob("*.*"))
SITE = "https://status.example.net"
NOW = "2026-11-20T11:00:00Z"
TIMES = (NOW, "2026-11-20T10:59:00.123456+00:00", "2026-11-20 10:58:00.000")

_PLACES = {
    name: [country, "Country", "City", "192.0.2.1", f"AS{number}"]
    for number, (name, country) in enumerate(zip("abcd", ("de", "fr", "us", "gb"), strict=True), 1)
}
_REFUSED = [[0, 0.1, "Connection refused", None, None]]
_PROBES = [{"country": country, "asn": number} for number, country in enumerate(("DE", "FR", "US", "GB"), 1)]
_FAILED = {"status": "failed", "rawOutput": "connect ECONNREFUSED", "failureSource": "target"}

MADE_UP: dict[str, list[Any]] = {  # where several questions are asked, one document can answer each of them
    "checkhost": [
        {"ok": 1, "request_id": "abc", "nodes": _PLACES} | dict.fromkeys(_PLACES, answer)
        for answer in ([[1, 0.2, "OK", "200", "192.0.2.1"]], _REFUSED)
    ],
    "globalping": [
        {"id": "abc", "status": "finished", "results": [{"probe": one, "result": result} for one in _PROBES]}
        for result in (_FAILED, {"status": "finished", "statusCode": 200, "tls": {"authorized": True}})
    ],
    "downdetector": [
        {"access_token": "e30.eyJpYXQiOjEsImV4cCI6MX0.e30", "token_type": "Bearer"},
        [{"id": 1, "slug": "facebook", "name": "Facebook", "country_iso": "US"}],
        '"danger"', '"warning"', '"success"', 9800, 44.5,
    ],
    "downforeveryone": [{"statusCode": 503, "statusText": "x", "isDown": True, "returnedUrl": SITE}],
    "statusgator": [{"data": [
        {"id": 1, "display_name": name, "filtered_status": state, "monitor_type": "ServiceMonitor", "checked_at": NOW}
        for name, state in (("Facebook", "down"), ("WhatsApp", "up"), ("Messenger", "warn"))
    ], "pagination": {"next_page": 2}}],
    "gatus": [[
        {"name": name, "key": f"{group}_{name}", "group": group,
         "results": [{"timestamp": time, "success": good} for time in TIMES]}
        for group, name, good in (("social", "facebook", False), ("other", "wikipedia", True))
    ]],
    "uptimekuma": [
        {"config": {"slug": "social"}, "publicGroupList": [{"name": "a", "monitorList": [
            {"id": 1, "name": "Facebook"}, {"id": 2, "name": "Wikipedia"}]}]},
        {"heartbeatList": {
            str(key): [{"status": state, "time": TIMES[2]}] * 3 for key, state in ((1, 0), (2, 1))}},
    ],
    "upptime": [
        [{"slug": name.lower(), "name": name, "status": state}
         for name, state in (("Facebook", "down"), ("Wikipedia", "up"))],
        f"status: down\nlastUpdated: {NOW}\n",
    ],
    "metastatus": [[{"id": "facebook-login", "rss_file_paths": [], "services": [
        {"id": "1", "name": "Login", "status": "High disruptions", "time": NOW}]}]],
    "xstatus": ['# Status\n<Card title="API"><Tooltip tip="Major outage">x</Tooltip></Card>\n## Incident history\n'],
    "cachet": [
        {"data": [{"id": 1, "type": kind, "attributes": {
            "name": "Website", "status": {"human": "x", "value": 4}, "updated": {"string": "2026-11-20 10:00:00"}}}],
         "links": {"next": None}}
        for kind in ("components", "incidents")
    ],
    "statuspage": [{
        "page": {"id": "p", "name": "Example", "url": SITE, "updated_at": NOW}, "status": {"indicator": "critical"},
        "components": [{"id": "c", "name": "Messaging", "status": "major_outage", "updated_at": NOW}],
        "incidents": [{"name": "Messaging", "status": "investigating", "impact": "major", "updated_at": NOW}],
    }],
    "web": ["<html><title>Just a moment...</title>"],
    "anchors": ["success\n", "Microsoft Connect Test"],
}  # fmt: skip

WILD: tuple[str, ...] = (
    "1e400", "-1e400", "1e-400", "-0.0", "9" * 400, "-1", "9007199254740993", "0.1", "null", "true", "[]", "{}",
    '"99999-01-01T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"-1"', '"NaN"',
    '"1970-01-01T00:00:00Z"', '"2026-W47-5T11:00"', '"20261120T110000,5+0000"', '"2026-11-20T24:00:00Z"',
    '"Fri, 20 Nov 99999 11:00:00 +9999"', '"Fri, 20 Nov 2026 11:00:00 -9999999999"', '"1e400"', '"\\ud800"',
    '"\\u202e\\u0000\\n"', '"' + "\\u0130" * 60 + '"',
    "[" * 60 + "]" * 60, "[" * 960 + "]" * 960, '"' + "9" * 5000 + '"',
)  # fmt: skip
"""JSON that is allowed and absurd, put in the place of a value."""


def bodies(kind: str) -> list[Any]:
    """Good answers for this kind: decoded JSON, or text."""
    found = [_read(path) for path in SAMPLES if kind.removesuffix("status") in path.name]
    if kind in ("feed", "metastatus"):
        found += [_read(path) for path in SAMPLES if path.suffix in (".rss", ".atom", ".xml")]
    if kind == "appsstatus":
        found += [_read(path) for path in SAMPLES if "google" in path.name]
    return [*found, *MADE_UP.get(kind, [])] or [_read(path) for path in SAMPLES]


def _read(path: Path) -> Any:
    text = path.read_text("utf-8")
    return json.loads(text) if path.suffix == ".json" else text


def fitting_options(kind: str) -> Iterator[tuple[Any, list[Any]]]:
    """The kind's own example, and what its own `recognise` makes of each answer; and answers that suit them."""
    found = registry.find_probe(kind)
    example: Any = example_options(found)
    yield example, MADE_UP.get(kind) or bodies(kind)
    for one in registry.recognisers():
        paths = one.paths or ("/1.0/status/0123456789abcdef01234567",)
        for body in bodies(kind) if one.kind == kind else ():
            for path in paths:
                options = one.recognise(SITE + path.format(path="/a/b", host="status.example.net", last="a"), body)
                if options is not None:
                    yield found.options.model_validate(_watching(options)), [*[body] * 6, *bodies(kind)]


def _watching(options: dict[str, Any]) -> dict[str, Any]:
    """A few of what it lists, as a person would choose."""
    return {key: value[:3] if isinstance(value, list) else value for key, value in options.items()}


def spoiled(body: Any, chance: random.Random, times: int) -> bytes:
    """The answer with some of it changed, some of it wild."""
    if isinstance(body, str):
        return _spoiled_text(body, chance, times)
    marks = {f"<wild {number}>": value for number, value in enumerate(WILD)}
    document = _wilder(spoil(body, chance, times), chance, [*marks], times)
    text = json.dumps(document)
    for mark, value in marks.items():
        text = text.replace(f'"{mark}"', value)
    return text.encode()


def _wilder(document: Any, chance: random.Random, marks: list[str], times: int) -> Any:
    places = list(_places(document))
    for holder, key in chance.sample(places, min(len(places), chance.randrange(times + 1))):
        holder[key] = chance.choice(marks)
    return document if places or chance.random() < 0.9 else chance.choice(marks)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        if not isinstance(value[key], dict | list):
            yield value, key
        yield from _places(value[key])


def _spoiled_text(body: str, chance: random.Random, times: int) -> bytes:
    raw = bytearray(body.encode())
    for _ in range(times):
        if not raw:
            break
        place = chance.randrange(len(raw))
        end = place + chance.randrange(1, 30)
        wild = chance.choice(WILD).strip('"').encode()
        raw[place:end] = chance.choice((wild, chance.randbytes(6), b"", bytes(raw[end : end + 40])))
    return bytes(raw)
