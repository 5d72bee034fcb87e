"""The practice internet as a whole: three Meta platforms, their status sources, our channels, the anchors.

Everything listens on loopback and speaks its real protocol.  `outage_of_2021` does to it what happened on
4 October 2021: Meta's names stop resolving, its hosts and its own status page are gone, the crowd notices.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from failover.practice.dns import Behaviour, DohService, Zone
from failover.practice.downdetector import Company, DowndetectorService
from failover.practice.graph import GraphService
from failover.practice.hooks import HooksService
from failover.practice.smtp import SmtpService
from failover.practice.statuspage import StatuspageService
from failover.practice.telegram import TelegramService
from failover.practice.web import AnchorsService, WebService
from failover.practice.wordpress import WordPressService
from failover.practice.x import XService

META = {"facebook": "facebook.com", "instagram": "instagram.com", "whatsapp": "whatsapp.com"}
CONTROLS = ("example.com", "wikipedia.org")
SUBSCRIBERS = ("ada@example.org", "grace@example.org", "linus@example.org")


class PracticeInternet:
    """Every service, started; made by `practice_internet`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.zone = Zone()
        self.resolvers = [DohService(self.zone) for _ in range(3)]
        self.fronts = {platform: WebService() for platform in META}
        self.metastatus = StatuspageService(META, key="practicemeta", name="Practice Meta status")
        self.crowd = DowndetectorService(
            *(Company(number, platform, "GB") for number, platform in enumerate(META, 10001)), clock=now
        )
        self.anchors = [AnchorsService() for _ in range(3)]
        self.graph = GraphService(now=now)
        self.telegram = TelegramService(now=now)
        self.x = XService(now=now)
        self.smtp = SmtpService()
        self.blog = WordPressService()
        self.press_desk = HooksService()
        for name in (*META.values(), "t.me", *CONTROLS):
            self.zone.put(name, "93.184.216.34")
        for front in self.fronts.values():
            front.put("/", "<html><body>Log in</body></html>")

    @property
    def services(self) -> list[object]:
        """All of them."""
        several = [*self.resolvers, *self.fronts.values(), *self.anchors]
        return [
            *several, self.metastatus, self.crowd, self.graph, self.telegram, self.x, self.smtp, self.blog,
            self.press_desk,
        ]  # fmt: skip

    async def outage_of_2021(self) -> None:
        """Meta is gone: names, hosts, API and status page; the crowd reports it."""
        for name in META.values():
            self.zone.behave(name, Behaviour.SERVFAIL)
        for service in (*self.fronts.values(), self.graph, self.metastatus):
            await service.refuse()
        for platform in META:
            self.crowd.set("danger", last_15=98_000, slug=platform)

    async def recovery(self) -> None:
        """Meta is back."""
        for name in META.values():
            self.zone.behave(name, Behaviour.ANSWER)
        for service in (*self.fronts.values(), self.graph, self.metastatus):
            await service.start()
        for platform in META:
            self.crowd.set("success", last_15=40, slug=platform)

    def visible(self, site: Path, outbox: tuple[str, ...] = SUBSCRIBERS) -> dict[str, list[str]]:
        """What the public can see: channel -> texts, oldest first, as each service itself has them."""
        pages = sorted((site / "statements").glob("*.json")) if (site / "statements").is_dir() else []
        said = [json.loads(page.read_text(encoding="utf-8"))["text"] for page in pages]
        mails = {one: [str(mail["subject"]) for to, mail in self.smtp.messages if to == one] for one in outbox}
        return {
            "facebook-page": self.graph.visible(),
            "telegram": self.telegram.visible(),
            "x": self.x.visible(),
            "blog": self.blog.visible(),
            "statuspage": said,
            "press-desk": self.press_desk.visible(),
            **{f"email to {one}": subjects for one, subjects in mails.items()},
        }


@asynccontextmanager
async def practice_internet(now: Callable[[], float]) -> AsyncIterator[PracticeInternet]:
    """All services, until the block ends."""
    async with AsyncExitStack() as stack:
        internet = PracticeInternet(now)
        for service in internet.services:
            await stack.enter_async_context(service)  # type: ignore[arg-type]
        yield internet


def configuration(internet: PracticeInternet, folder: Path) -> str:
    """A configuration for it, with every interval as short as it may be; secrets go into files beside it."""
    secrets = {
        "facebook-token": internet.graph.token,
        "telegram-token": internet.telegram.token,
        "x-key": "practice-consumer-key",
        "x-secret": "practice-consumer-secret",
        "x-token": "42-practice-access-token",
        "x-token-secret": "practice-access-secret",
        "wordpress-password": internet.blog.password,
        "webhook-secret": internet.press_desk.secret,
        "downdetector-id": "practice-id",
        "downdetector-secret": "practice-secret",
    }
    for name, secret in secrets.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(secret + "\n", encoding="utf-8")
    (folder / "subscribers.csv").write_text("\n".join(["email", *SUBSCRIBERS, ""]), encoding="utf-8")
    return _YAML.format(
        folder=folder,
        platforms="".join(_platform(internet, name) for name in META),
        api=internet,
        telegram=internet.telegram,
        resolvers=", ".join(resolver.endpoint for resolver in internet.resolvers),
        controls=", ".join(CONTROLS),
        anchors=", ".join(
            f"{service.url}/{path}"
            for service, path in zip(
                internet.anchors, ("generate_204", "success.txt", "connecttest.txt"), strict=True
            )
        ),
    )


def _platform(internet: PracticeInternet, name: str) -> str:
    servers = ", ".join(resolver.endpoint for resolver in internet.resolvers)
    account = "\n      - {kind: account, channel: facebook-page, every: 1s}" if name == "facebook" else ""
    return f"""
  {name}:
    group: meta
    catalogue: false
    probes:
      - {{kind: web, url: "{internet.fronts[name].url}/", every: 2s}}
      - {{kind: dns, name: {META[name]}, servers: [{servers}], controls: [{", ".join(CONTROLS)}], every: 2s}}
      - {{kind: statuspage, url: "{internet.metastatus.url}", components: [{name}], every: 2s}}
      - kind: downdetector
        company: {name}
        country: GB
        client_id_file: downdetector-id
        client_secret_file: downdetector-secret
        api_url: {internet.crowd.api_url}
        every: 2s{account}"""


_YAML = """\
# The practice internet of `failover demo`: the keys are those of a real configuration, the addresses are of this
# machine, and every interval is as short as it may be.
organisation: {{name: Example Borough Council, timezone: Europe/London, website: "https://www.example.org"}}
control: {folder}/control.sock
state: sqlite://{folder}/failover.db

platforms:{platforms}
  telegram:
    catalogue: false
    probes:
      - {{kind: web, url: "{telegram.url}/s/examplecouncil", every: 2s}}
      - {{kind: dns, name: t.me, servers: [{resolvers}], controls: [{controls}], every: 2s}}

channels:
  facebook-page:
    {{kind: facebook, platform: facebook, page: "1234567890", token_file: facebook-token, api_url: "{api.graph.url}"}}
  telegram:
    {{kind: telegram, platform: telegram, title: Telegram, chat: "@examplecouncil", token_file: telegram-token,
     api_url: "{api.telegram.url}", preview_url: "{api.telegram.url}/s/examplecouncil"}}
  x:
    {{kind: x, title: X, consumer_key_file: x-key, consumer_secret_file: x-secret, access_token_file: x-token,
     access_token_secret_file: x-token-secret, api_url: "{api.x.url}"}}
  email:
    {{kind: email, title: our mailing list, host: 127.0.0.1, port: {api.smtp.port}, security: none,
     sender: "Example Borough Council <news@example.org>", recipients_file: subscribers.csv}}
  blog:
    {{kind: wordpress, title: our blog, url: "{api.blog.url}", username: failover, password_file: wordpress-password}}
  statuspage: {{kind: site, title: our status page, folder: site, url: "https://status.example.org"}}
  press-desk: {{kind: webhook, url: "{api.press_desk.url}/in", secret_file: webhook-secret}}

routes:
  - primary: [facebook-page, instagram, whatsapp]
    backups: [telegram, x, email, blog, statuspage, press-desk]

messages:
  holding:
    default: >-
      {{{{ platforms }}}} {{{{ is_are }}}} not working at the moment. You can still reach {{{{ organisation }}}} here
      and on {{{{ elsewhere }}}}. We will post again when {{{{ it_they }}}} {{{{ is_are }}}} back.
    x: "{{{{ platforms }}}} {{{{ is_are }}}} not working at the moment. Find us here, on Telegram and on our blog."

judgement:
  every: 2s
  every_when_suspect: 1s
  confirm: {{for: 3s}}
  recover: {{for: 4s}}
  anchors: [{anchors}]
"""
