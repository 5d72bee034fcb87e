"""What happens to the daemon, and what people do with it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from failover.desk import Desk, RequestError
from failover.schema import StoreError
from tests.simulator.describe import describe
from tests.simulator.scenario import Event

if TYPE_CHECKING:
    from tests.simulator.life import Life
    from tests.simulator.process import Process


async def happen(life: Life) -> None:
    now = life.true_now()
    for due in [one for one in life.ends if one[0] <= now]:
        life.ends.remove(due)
        await end(life, due[1])
    while life.place < len(life.events) and life.events[life.place].at <= now:
        event = life.events[life.place]
        life.place += 1
        life.done[event.kind] += 1
        await begin(life, event)
    if not life.epilogue and now >= life.ended_at:
        life.epilogue = True
        await all_is_over(life)


async def begin(life: Life, event: Event) -> None:
    """To the world, to the process, or to the person who asks something of it."""
    life.tell(describe(event))
    if event.lasts and event.kind in ("line", "outage", "disk", "pause"):
        life.ends.append((event.end, event))
    if not await _to_the_world(life, event):
        await _to_the_process(life, event)
        if life.process is not None:
            await _request(life, life.process, event)


async def _to_the_world(life: Life, event: Event) -> bool:
    match event.kind:
        case "outage":
            life.watcher.outage_begins(event)
        case "channel":
            life.public.answers.setdefault(event.who, []).extend(event.what.split(","))
        case "find":
            life.public.findings.setdefault(event.who, []).extend(event.what.split(","))
        case "disk":
            fill_disk(life, full=True)
        case _:
            return False
    return True


async def _to_the_process(life: Life, event: Event) -> None:
    match event.kind:
        case "crash":
            life.downtime = event.lasts
            await life.die("kill -9")
        case "fuse":
            life.downtime = event.lasts
            life.store.fuse.left = int(event.number)
        case "clock":
            await set_clock(life, event.number)
        case "reload":
            await life.reload(life.setup.configs[int(event.number) % len(life.setup.configs)])


async def _request(life: Life, process: Process, event: Event) -> None:
    match event.kind:
        case "declare":
            await ask(life, process.desk.declare(event.who, event.what, "", "ann", life.now()))
        case "pause":
            await ask(life, process.desk.pause("", "ann", life.now()))
        case "approve" | "veto":
            await decide(life, process.desk, event)
        case "retract":
            await take_back(life, process, event)


async def end(life: Life, event: Event) -> None:
    if event.kind == "disk":
        fill_disk(life, full=False)
        life.tell("the disk has room again")
    elif event.kind == "pause" and life.process is not None:
        await ask(life, life.process.desk.resume("ann", life.now()))
    elif event.kind == "line":
        life.tell("our own line is back")
    elif event.kind == "outage":
        life.tell(f"{event.who} WORKS AGAIN")


async def all_is_over(life: Life) -> None:
    """The trouble has ended: people take back what they said, and the daemon lives on in peace."""
    life.tell("all trouble is over; declarations are withdrawn, a pause is ended")
    fill_disk(life, full=False)
    life.store.fuse.left = None
    if life.process is None:
        await life.boot()
    if life.process is None:  # the database refuses still: it cannot
        return
    for platform in list(life.process.engine.declared):
        await ask(life, life.process.desk.declare(platform, "auto", "", "ann", life.now()))
    await ask(life, life.process.desk.resume("ann", life.now()))
    life.public.answers.clear()
    life.public.findings.clear()


def fill_disk(life: Life, *, full: bool) -> None:
    life.disk_full = full
    life.store._db.execute(f"PRAGMA query_only = {'ON' if full else 'OFF'}")


async def ask(life: Life, request: Any) -> None:
    try:
        answer = await request
    except (RequestError, StoreError) as error:
        life.tell(f"  answer: {error}")
    else:
        life.tell(f"  answer: {answer}")


async def decide(life: Life, desk: Desk, event: Event) -> None:
    with suppress(StoreError):
        waiting = await life.store.undecided()
        if waiting:
            row = waiting[int(event.number) % len(waiting)]
            life.tell(f"  it is {row.id} ({row.kind.value})")
            now = life.now()
            await ask(
                life,
                desk.approve(row.id, "ann", now) if event.kind == "approve" else desk.veto(row.id, "", "ann", now),
            )


async def take_back(life: Life, process: Process, event: Event) -> None:
    if process.engine.recent:
        incident = process.engine.recent[int(event.number) % len(process.engine.recent)]
        await ask(life, process.retraction.retract(incident.id, "", "ann", life.now()))


async def set_clock(life: Life, seconds: float) -> None:
    life.offset += seconds
    if life.process is None:
        life.watcher.clock_set_while_dead()
    if life.process is not None:
        life.process.offset += seconds
        try:
            await life.process.engine.step(seconds)
        except StoreError as error:
            life.process.engine.store_refused(error)
        life.held_since = {name: at + seconds for name, at in life.held_since.items()}
        life.touched()
