"""How fast is a replay?  24 simulated hours of 20 platforms, with an outage of three of them in the middle.

    .venv/bin/python -m bench.replay [--rounds 3]

The aim is under two seconds.  The clock is the wall's; CPU seconds are printed beside it, for machines that are busy
with other things.  Reading the configuration is not counted: it is done once.
"""

from __future__ import annotations

import argparse
import time

from failover import registry
from failover.replay import library
from failover.replay.run import perform

PLATFORMS = 20
DOWN = ("facebook", "instagram", "whatsapp")

OUTAGE = """
title: A day with an outage
onset: 2026-02-02T10:00
over: +4h
lasts: 14h
platforms: [facebook, instagram, whatsapp]
evidence:
  - {from: [here, spoken], shows: [{at: +0, says: down, class: here}, {at: +4h, says: up}]}
  - {from: [elsewhere], shows: [{at: +1m, says: down}, {at: +4h, says: up}]}
  - {from: crowd, shows: [{at: +6m, says: down}, {at: +245m, says: up}]}
line: [{at: -570m, until: -565m}]
expect: [{pairs: 1}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    whole = library.organisation(None, {})
    others = [name for name in whole.platforms if name not in DOWN][: PLATFORMS - len(DOWN)]
    settings = library.limited(whole, {*DOWN, *others})
    scenario = library.read(OUTAGE, "bench", library.cast(settings))
    for _round in range(arguments.rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        record = perform(scenario, settings, registry)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        hours = (record.ends - record.begins) / 3600
        said = len({post.reference for post in record.posts})
        what = f"{hours:.1f} hours of {len(settings.platforms)} platforms, {said} statements"
        print(f"{what}: {wall:.2f} s, CPU {cpu:.2f} s")


if __name__ == "__main__":
    main()
