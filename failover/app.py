"""The composition root: configuration, journal and database to one running daemon, and an exit code."""

from __future__ import annotations

import asyncio
import faulthandler
import os
from collections.abc import Mapping
from pathlib import Path

from failover import registry
from failover.clock import Clock
from failover.config import load, parse
from failover.config.paths import left_elsewhere
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.daemon import Daemon, tell_rejected
from failover.journal import Journal, open_journal
from failover.lastgood import LastGood
from failover.schema import StoreError, StoreForeignError, set_aside, was_set_aside
from failover.store import Change, Store

CONFIGURATION_ERROR = 78  # EX_CONFIG of sysexits.h; the unit does not restart on it
STORE_ERROR = CONTROL_ERROR = 75  # EX_TEMPFAIL: systemd tries again
PAUSED, NEVER = "paused_by", "never paused"


def run(path: Path, log: str = "auto") -> int:
    """`failover run`: the exit code (0 stopped, 75 database, 78 configuration)."""
    faulthandler.enable()
    env = dict(os.environ)
    last_good = LastGood(env)
    journal = open_journal(log, env=env)
    with journal:
        settings = _settings(path, env, journal, last_good)
        if settings is None:
            return CONFIGURATION_ERROR
        journal.hide(settings.secrets)
        if elsewhere := _left_elsewhere(settings, env):
            journal.say("person_needed", reason=f"the daemon cannot start: {elsewhere}")
            return STORE_ERROR
        try:
            store = _open_store(settings, journal)
        except StoreError as error:
            journal.say("store_trouble", reason=str(error))
            return STORE_ERROR
        try:
            with last_good.running():
                return asyncio.run(Daemon(settings, journal, store, env).run())
        except StoreError as error:
            journal.say("store_trouble", reason=str(error))
            return STORE_ERROR
        except OSError as error:  # the control socket, or the port that a probe listens on
            journal.say("person_needed", reason=f"the daemon cannot start: {error}")
            return CONTROL_ERROR
        finally:
            store.close()


def _settings(path: Path, env: Mapping[str, str], journal: Journal, last_good: LastGood) -> Settings | None:
    """The configuration; after a crash with a broken file on disk, the last good one, loudly (rule O3)."""
    try:
        settings = load(path, env, registry)
    except ConfigError as error:
        tell_rejected(journal, error, str(path))
    else:
        last_good.keep(path)
        return settings
    kept = last_good.after_a_crash()
    if kept is None:
        return None
    try:
        settings = parse(kept, path, env, registry)
    except ConfigError:
        return None
    journal.say("last_good_config_used", path=str(path), reason="the daemon had crashed, and staying silent is worse")
    return settings


def _left_elsewhere(settings: Settings, env: Mapping[str, str]) -> str:
    """Why no new database is begun: the one of this configuration may lie in another place; "" if it may not."""
    left = left_elsewhere(settings.state, settings.path, env)
    if left is None:
        return ""
    here = settings.state.parent.absolute()
    return (
        f"its database is looked for beside the configuration, in {here}, and is not there, but there is {left}; "
        f"if that is of this configuration, move it (with {left.name}-* and pictures/ beside it) to {here}, or "
        f"write `state: {left}` in {settings.path}; if it is of another one, start from another folder"
    )


def _open_store(settings: Settings, journal: Journal) -> Store:
    """A damaged database is set aside; then nothing is said in public before a person has looked."""
    try:
        store = Store.open(settings.state)
    except StoreForeignError as error:
        aside = set_aside(settings.state, Clock().now())
        if aside is None:
            raise
        journal.say("store_trouble", reason=f"{error}; it was set aside as {aside.name}")
        store = Store.open(settings.state)
    forerunners = was_set_aside(settings.state)
    if forerunners:
        asyncio.run(_begin_paused(store, journal, forerunners))
    return store


async def _begin_paused(store: Store, journal: Journal, forerunners: list[str]) -> None:
    """Beside a damaged database a new one begins paused, also where the process died between the two; once."""
    if await store.setting(PAUSED, NEVER) != NEVER:
        return
    by = "failover (the database was damaged)"
    audit = (("database_set_aside", {"files": forerunners}), ("paused", {"by": by}))
    await store.record(Change(at=Clock().now(), settings={PAUSED: by}, audit=audit))
    journal.say(
        "person_needed",
        reason="the database was damaged and a new one begun: look what is public, then run `failover resume`",
    )
