"""Kinds for the tests of the configuration: shaped like real ones, opening nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from failover.config.kinds import CataloguePlatform, KindError
from failover.config.problems import did_you_mean
from failover.contracts import (
    AnyChannelKind,
    AnyProbeKind,
    ChannelKind,
    Duration,
    Options,
    OutputPath,
    ProbeKind,
    Surroundings,
)
from failover.model import Announcement, Evidence, Measure


def _never(_options: object, _surroundings: Surroundings) -> AbstractAsyncContextManager[Any]:
    raise AssertionError("a configuration opens nothing")


def _polite(value: str) -> str:
    if "!" in value:
        raise ValueError("expected a text without an exclamation mark")
    return value


class Expect(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    status: int | tuple[int, ...] = 200
    text: str | None = None


class WebOptions(Options):
    url: Annotated[str, AfterValidator(_polite)]
    expect: Expect = Expect()
    follow: bool = False
    timeout: Duration = 8.0


class AccountOptions(Options):
    channel: str


class CrowdOptions(Options):
    company: str = Field(pattern=r"^[a-z]+$")
    client_secret: SecretStr


class AnchorsOptions(Options):
    urls: tuple[Annotated[str, AfterValidator(_polite)], ...]


class ChatOptions(Options):
    chat: str | int
    token: SecretStr = Field(min_length=5)
    pin: bool = False
    api_url: str = "https://chat.example.org"


class BoardOptions(Options):
    folder: OutputPath
    letters: int = Field(default=10_000, ge=10, le=10_000)
    style: Literal["plain", "bright"] = "plain"
    labels: dict[str, str] = Field(default_factory=dict)


class MailOptions(Options):
    username: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _together(self) -> MailOptions:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


def _letters(options: Any, announcement: Announcement) -> Measure:
    return Measure(len(announcement.text), getattr(options, "letters", 280), "letters")


PROBES: Mapping[str, AnyProbeKind] = {
    "web": ProbeKind(WebOptions, _never, Evidence.HERE, "", every=30.0),
    "account": ProbeKind(AccountOptions, _never, Evidence.SPOKEN, ""),
    "crowd": ProbeKind(CrowdOptions, _never, Evidence.CROWD, "", every=300.0, fastest=120.0, timeout=60.0),
    "anchors": ProbeKind(AnchorsOptions, _never, Evidence.HERE, ""),
}

CHANNELS: Mapping[str, AnyChannelKind] = {
    "chat": ChannelKind(ChatOptions, _never, _letters, "", deadline=45.0, settle=90.0),
    "board": ChannelKind(BoardOptions, _never, _letters, ""),
    "mail": ChannelKind(MailOptions, _never, _letters, "", reads_back=False),
    "desk": ChannelKind(MailOptions, _never, _letters, "", public=False),
}

CATALOGUE: Mapping[str, CataloguePlatform] = {
    "facebook": CataloguePlatform(
        title="Facebook",
        group="meta",
        probes={
            "web": {"kind": "web", "url": "https://www.facebook.com/", "every": "2m"},
            "status": {"kind": "web", "url": "https://metastatus.com/"},
        },
    ),
    "threads": CataloguePlatform(
        title="Threads", group="meta", probes={"web": {"kind": "web", "url": "https://www.threads.net/"}}
    ),
    "x": CataloguePlatform(title="X", group="x", probes={"web": {"kind": "web", "url": "https://x.com/"}}),
}


class FakeKinds:
    """A registry of the kinds above; `broken` is a kind whose library is missing."""

    def find_probe(self, name: str) -> AnyProbeKind:
        return _found(PROBES, name)

    def find_channel(self, name: str) -> AnyChannelKind:
        return _found(CHANNELS, name)

    def catalogue(self) -> Mapping[str, CataloguePlatform]:
        return CATALOGUE


def _found(kinds: Mapping[str, Any], name: str) -> Any:
    if name == "broken":
        raise KindError("channels/broken.py needs the Python module 'nothing', which is not installed")
    if name not in kinds:
        raise KindError(f"unknown kind '{name}'{did_you_mean(name, kinds)}")
    return kinds[name]
