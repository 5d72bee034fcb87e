"""The ways to the approvers, from the configuration: whose bot and whose mail server carry the questions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from failover.asking.asker import Asker, Manner
from failover.asking.ways import Way
from failover.config.settings import Settings
from failover.desk import Desk
from failover.engine import Engine
from failover.moments import zone_of


def asker(
    settings: Settings,
    engine: Engine,
    desk: Desk,
    agent: str,
    now: Callable[[], float],
    kick: Callable[[], None],
) -> Asker:
    """Who asks; nothing is opened before it starts."""
    manner = Manner(
        organisation=settings.organisation.name,
        titles={name: platform.title for name, platform in settings.platforms.items()},
        zone=zone_of(settings.organisation.timezone),
    )
    return Asker(engine, desk, partial(_doors, settings, agent), manner, now, kick)


def _doors(settings: Settings, agent: str) -> list[AbstractAsyncContextManager[Way]]:
    """Those for which there are people.  Their libraries are loaded only then."""
    found: list[AbstractAsyncContextManager[Way]] = []
    people = settings.sign_off.approvers
    bot, server = settings.asks_by("telegram"), settings.asks_by("email")
    if bot is not None and any(one.telegram for one in people):
        found.append(_telegram(bot.options, agent))
    if server is not None and any(one.email for one in people):
        found.append(_mail(server.options))
    return found


def _telegram(options: Any, agent: str) -> AbstractAsyncContextManager[Way]:
    from failover.asking.telegram import open_telegram  # noqa: PLC0415  some 20 MB, for those who are asked so

    return open_telegram(options.token.get_secret_value().strip(), options.api_url, agent)


def _mail(options: Any) -> AbstractAsyncContextManager[Way]:
    from failover.asking.mail import MailServer, open_mail  # noqa: PLC0415  the same

    sender = options.parsed_sender()
    server = options.server(sender.domain)
    return open_mail(
        MailServer(
            host=server.host,
            port=server.port,
            security=server.security,
            sender_name=sender.name,
            sender=sender.address,
            username=server.username,
            password=server.password or None,
            ca_file=str(server.ca_file) if server.ca_file else None,
            timeout=server.timeout,
        )
    )
