"""`failover identify URL`: which kind a status page is, and a probe that the configuration accepts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from failover import registry
from failover.cli import main
from failover.config import parse
from failover.identify import Document, Found, NotIdentifiedError, addresses, answer, identify, recognised
from failover.practice.http import HttpService, Request, Response
from failover.practice.statuspage import StatuspageService
from failover.registry import Recogniser

KINDS = registry.recognisers()
SAMPLES = Path(__file__).parents[1] / "samples"
MARKDOWN = (
    '<Card title="X API v2"><Tooltip tip="Operational"/></Card>\n<Card title="Ads"><Tooltip tip="Down"/></Card>'
)

GATUS = [{"name": name, "group": "social", "key": f"social_{name}", "results": []} for name in ("facebook", "x: no")]
KUMA = {
    "config": {"slug": "press"},
    "publicGroupList": [{"name": "A", "monitorList": [{"id": 1, "name": "Facebook"}]}],
}
CACHET2 = {"meta": {}, "data": [{"id": 1, "name": "API", "status": 1, "status_name": "Operational"}]}
CACHET3 = {"data": [{"id": "1", "type": "components", "attributes": {"name": "API", "status": 1}}]}
META = [{"id": "graph-api", "services": [{"id": 1, "name": "Platform", "status": "Resolved"}], "rss_file_paths": []}]


class Site(HttpService):
    """Whatever stands at some paths; a web page or 404 everywhere else."""

    def __init__(self, documents: dict[str, Any], *, shell: bool = False) -> None:
        super().__init__()
        self.documents = documents
        self.shell = shell

    async def answer(self, request: Request) -> Response:
        found = self.documents.get(request.path)
        if isinstance(found, Response):
            return found
        if found is not None:
            return Response(200, found.encode()) if isinstance(found, str) else Response.json(found)
        return Response.html("<!doctype html><html><body>Status</body></html>", 200 if self.shell else 404)


def accepted(text: str) -> dict[str, Any]:
    """The entry as our own loader takes it; it raises for anything else."""
    house = "organisation: {name: Example}\nchannels: {board: {kind: site, folder: public}}\n"
    whole = f"{house}platforms:\n  example:\n    probes:\n{indent(text, '      ')}\n"
    settings_ = parse(whole, Path("/nowhere/config.yaml"), {}, registry)
    [entry] = yaml.safe_load(text)
    assert [probe.kind for probe in settings_.platforms["example"].probes] == [entry["kind"]]
    found: dict[str, Any] = entry
    return found


async def identified(url: str) -> dict[str, Any]:
    return answer(await asyncio.to_thread(identify, url))


@pytest.mark.parametrize(
    ("path", "document", "at", "entry"),
    [
        pytest.param(
            "/api/components", CACHET3, "", {"kind": "cachet", "version": 3, "components": ["API"]}, id="cachet 3"
        ),
        pytest.param(
            "/api/v1/components", CACHET2, "/", {"kind": "cachet", "version": 2, "components": ["API"]}, id="cachet 2"
        ),
        pytest.param(
            "/api/v1/endpoints/statuses", GATUS, "/", {"kind": "gatus", "endpoints": ["social/facebook"]}, id="gatus"
        ),
        pytest.param(
            "/api/status-page/press",
            KUMA,
            "/status/press",
            {"kind": "uptimekuma", "page": "press", "monitors": ["Facebook"]},
            id="kuma",
        ),
        pytest.param("/data/orgs.json", META, "/", {"kind": "metastatus", "orgs": ["graph-api"]}, id="metastatus"),
    ],
)
@pytest.mark.parametrize("shell", [False, True], ids=["404 elsewhere", "a page everywhere"])
async def test_kinds_by_what_is_at_their_paths(
    path: str, document: Any, at: str, entry: dict[str, Any], shell: bool
) -> None:
    """The printed probe names the site, and our own configuration takes it as it is."""
    async with Site({path: document}, shell=shell) as site:
        found = await identified(f"{site.url}{at}")
        assert accepted(found["yaml"]) == entry | {"url": site.url}
        assert found["document"].startswith(f"{site.url}{path}")


async def test_a_statuspage_with_its_id_and_the_names_as_choices() -> None:
    """Nothing is chosen for people: without names the page is judged as a whole."""
    async with StatuspageService(["Messaging", "Billing & more"]) as service:
        found = await identified(f"{service.url}/some/where?x=1")
        entry = accepted(found["yaml"])
    assert (entry["kind"], entry["url"], "components" in entry) == ("statuspage", service.url, False)
    assert entry["page"]
    assert "  # components:\n  #   - Messaging\n  #   - Billing & more" in found["yaml"]
    uncommented = found["yaml"].replace("# components:", "components:").replace("  #   -", "    -")
    assert accepted(uncommented)["components"] == ["Messaging", "Billing & more"]


async def test_text_pages_and_feeds() -> None:
    """Markdown and feeds are known by their text; a feed by the words of its entries."""
    async with Site({"/status.md": MARKDOWN}) as site:
        entry = accepted((await identified(site.url))["yaml"])
        assert entry == {"kind": "xstatus", "url": f"{site.url}/status.md"}
    log = (SAMPLES / "synthetic_statuspage_history.atom").read_text("utf-8")
    async with Site({"/history.atom": log}) as site:
        entry = accepted((await identified(site.url))["yaml"])
        assert (entry["kind"], entry["url"]) == ("feed", f"{site.url}/history.atom")


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("synthetic_statuspage_history.atom", None),
        ("synthetic_incidentio_feed.rss", None),
        ("synthetic_statusiq_components.rss", "components"),
        ("rss_azure_empty.xml", "open_only"),
        ("synthetic_metastatus_empty.rss", "open_only"),
    ],
)
async def test_kinds_of_feeds(name: str, mode: str | None) -> None:
    """Given by their own address; the mode follows from what is in them."""
    async with Site({"/x": (SAMPLES / name).read_text("utf-8")}) as site:
        assert accepted((await identified(f"{site.url}/x"))["yaml"]).get("mode") == mode


async def test_a_blog_is_no_status_feed() -> None:
    """A feed whose entries say no state is of no use, though it is one."""
    entry = "<item><title>Hello</title><description>World</description></item>"
    blog = f"<rss><channel><title>News</title>{entry}</channel></rss>"
    async with Site({"/rss": blog}) as site:
        with pytest.raises(NotIdentifiedError):
            await asyncio.to_thread(identify, f"{site.url}/rss")


async def test_data_come_before_feeds() -> None:
    """A feed says less than data; it is named as another way."""
    log = (SAMPLES / "synthetic_statuspage_history.atom").read_text("utf-8")
    async with Site({"/history.atom": log, "/api/components": CACHET3}) as site:
        found = await identified(site.url)
    assert (found["kind"], [other["kind"] for other in found["also"]]) == ("cachet", ["feed"])
    assert f"# also feed, by {site.url}/history.atom" in found["yaml"]


async def test_a_redirect_leads_to_the_address_that_is_printed() -> None:
    """The probe itself follows no redirect to another host, so it is given the final one."""
    async with Site({"/api/components": CACHET3}) as new, Site({}) as old:
        for path in ("/api/components", "/api/v1/components"):
            old.documents[path] = Response(301, b"", {"location": f"{new.url}{path}"})
        assert accepted((await identified(old.url))["yaml"])["url"] == new.url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("status.example.net", "did you mean https://status.example.net?"),
        ("", "expected a web address that begins with https:// or http://"),
        ("ftp://status.example.net", "expected a web address"),
        ("https://", "expected a web address"),
        ("us.er:se/cret@status.example.net", "expected a web address"),
        ("http://[", "expected a web address"),
        ("/etc/passwd", "expected a web address"),
    ],
)
def test_not_a_web_address(url: str, words: str) -> None:
    """One sentence, which does not repeat a password."""
    with pytest.raises(NotIdentifiedError) as caught:
        addresses(url, [])
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "path", "asked"),
    [
        ("https://a.example", "/x.json", "https://a.example/x.json"),
        ("https://a.example/deep/er?q=1#f", "x.json", "https://a.example/x.json"),
        ("https://github.com/o/r/", "{path}/raw/s.json", "https://github.com/o/r/raw/s.json"),
        ("https://a.example/status/press", "/api/{last}", "https://a.example/api/press"),
        ("https://a.example/", "/api/{last}", "https://a.example/api/default"),
        ("https://a.example:8443/", "//evil.example/x", "https://a.example:8443/evil.example/x"),
    ],
)
def test_where_documents_are_looked_for(url: str, path: str, asked: str) -> None:
    """The address as it was given, then the paths of the kinds on the same site."""
    assert addresses(url, [path, path]) == [url, asked]


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@status.example.net/x",
        "user:secret@status.example.net",
        "https://secret@status.example.net",
        " ftp://user:secret@status.example.net",
    ],
)
async def test_a_name_and_a_password_are_neither_sent_nor_repeated(url: str) -> None:
    """A terminal keeps what is printed, and a page that the public sees needs none."""
    with pytest.raises(NotIdentifiedError) as caught:
        addresses(url, [])
    assert "has a name or a password before its @: try it without them" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_nobody_answers() -> None:
    """That is said, and nothing is claimed of the page."""
    async with Site({}) as site:
        url = site.url
    with pytest.raises(NotIdentifiedError, match=r"^no answer from 127\.0\.0\.1:\d+: no connection could be made$"):
        await asyncio.to_thread(identify, url)


@pytest.mark.parametrize("shell", [False, True])
async def test_nothing_is_recognised(shell: bool) -> None:
    """What was tried is said, by path and by kind."""
    async with Site({"/api/v1/status": {"page": {}}}, shell=shell) as site:
        with pytest.raises(NotIdentifiedError) as caught:
            await asyncio.to_thread(identify, site.url)
    assert f"no kind of probe recognises {site.url}, nor what is at " in str(caught.value)
    assert "api/v2/summary.json" in str(caught.value)
    assert "statuspage" in str(caught.value)
    assert f"{site.url}/api/v2/summary.json" in caught.value.tried


async def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """YAML for people, JSON for programs; 0 for a page that is known, 1 for one that is not."""
    async with Site({"/api/v1/endpoints/statuses": GATUS}) as site:
        assert await asyncio.to_thread(main, ["identify", site.url]) == 0
        assert accepted(capsys.readouterr().out)["kind"] == "gatus"
        assert await asyncio.to_thread(main, ["identify", "--json", site.url]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["kind"], told["options"]["endpoints"]) == ("gatus", ["social/facebook", "social/x: no"])
        site.documents.clear()
        assert await asyncio.to_thread(main, ["identify", site.url]) == 1
        said = capsys.readouterr()
        assert (said.out, said.err.startswith("failover identify: no kind of probe recognises")) == ("", True)
        assert await asyncio.to_thread(main, ["identify", "--json", site.url]) == 1
        assert json.loads(capsys.readouterr().out)["kind"] is None


def test_one_name_must_be_chosen_where_the_kind_needs_one() -> None:
    """The others stand beside it as comments, whatever characters they have."""
    found = Found(
        kind="gatus", url="u", options={"url": "https://g.example", "endpoints": ["a", "b: #c", "- 'd'", "no"]}
    )
    text = answer([found])["yaml"]
    assert accepted(text)["endpoints"] == ["a"]
    assert "without controls a red is doubt and never votes" in text
    assert accepted(text.replace("# controls: []", "controls: ['no']"))["controls"] == ["no"]
    assert accepted(text.replace("    # -", "    -"))["endpoints"] == ["a", "b: #c", "- 'd'", "no"]


def test_long_lists_are_cut() -> None:
    """Hundreds of names help nobody."""
    names = [f"part {number}" for number in range(400)]
    text = answer([Found(kind="statuspage", url="u", options={"url": "https://s.example", "components": names})])[
        "yaml"
    ]
    assert ("… and 300 more" in text, len(text.splitlines()) < 120) == (True, True)
    assert accepted(text)


def test_the_kinds_are_asked_of_the_registry() -> None:
    """Every file with a `recognise` takes part, and no other; secrets are needed by none of them."""
    kinds = {one.kind for one in registry.recognisers()}
    files = (Path(__file__).parents[2] / "probes").glob("[!_]*.py")
    assert kinds == {file.stem for file in files if "\ndef recognise(" in file.read_text("utf-8")}
    assert {"statuspage", "feed", "cachet", "gatus", "uptimekuma", "upptime", "metastatus", "xstatus"} <= kinds


def test_what_names_its_parts_comes_before_a_sum() -> None:
    """A page that speaks two languages is watched by the one that tells more."""
    less = Recogniser("a", (), lambda url, _body: {"url": url})
    more = Recogniser("b", (), lambda url, _body: {"url": url, "components": ["x"]})
    assert [found.kind for found in recognised([Document(url="u", body={})], [less, more])] == ["b", "a"]


def test_each_kind_answers_once() -> None:
    """With its first document; data are shown before text."""
    kind = Recogniser("any", (), lambda url, _body: {"url": url})
    documents = [Document(url="text", body="x"), Document(url="data", body=[]), Document(url="more", body={})]
    assert [found.url for found in recognised(documents, [kind])] == ["data"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["page", "data", "status", "name", "id", "components", "results"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    anything,
    st.sampled_from(["https://a.example/", "https://a.example/api/v2/summary.json", "https://a.example/index.json"]),
)
@settings(deadline=None, max_examples=100)
def test_no_document_upsets_a_kind(body: Any, url: str) -> None:
    """Every kind is shown everything, so none may stumble."""
    recognised([Document(url=url, body=body)], KINDS)
