#!/usr/bin/env python3
"""A test that wanders by itself: clients by chance against the real daemon, and an oracle.

usage: model_test.py STELED      STELE_MODEL_SECONDS (30), STELE_SEED, STELE_MODEL_WORLDS (0: no
                                 limit) in the environment

Each world is one directory with several lives: kills, stops, other settings, damage at rest. What
may be there, what must be there and what each reply may say is known to the oracle alone; no code
of the product is used. A failure prints the seed of its world, its last steps, its settings and
the command that repeats it, and leaves the directory.
"""

import collections
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

from daemon_life import Daemon
from violation import Violation
from wire_client import connected_socket
from world import World


def backends(program):
    """Those that the kernel allows; a run that has to do without one says so."""
    found = []
    for name in ("posix", "io_uring"):
        folder = tempfile.mkdtemp(prefix="stele-model-")
        daemon = Daemon(program, folder)
        daemon.spawn(None, ["--wal-backend", name, "--segment-bytes", "1M"])
        try:
            daemon.wait_until_it_serves(lambda: connected_socket(daemon.socket)[0].close() or True)
            found.append(name)
        except Violation as reason:
            print(f"without {name}: {reason}")
        daemon.kill()
        shutil.rmtree(folder)
    return tuple(found)


def report(world, folder, program):
    print("\n".join(f"  {step}" for step in [*world.lives, *world.trace]))
    for connection in world.connections:
        print("\n    ".join([f"  {connection.name}", *connection.history]))
    print(f"directory: {folder}")
    print(f"repeat: STELE_SEED={world.seed} STELE_MODEL_WORLDS=1 python3 -B {sys.argv[0]} "
          f"{program}", flush=True)


def main():
    program = os.path.abspath(sys.argv[1])
    seconds = float(os.environ.get("STELE_MODEL_SECONDS", "30"))
    seed = int(os.environ.get("STELE_SEED", random.SystemRandom().randrange(2**32)))
    worlds = int(os.environ.get("STELE_MODEL_WORLDS", "0"))
    keep_on = os.environ.get("STELE_MODEL_KEEP_ON")
    figures = collections.Counter()
    usable = backends(program)
    begin = time.monotonic()
    deadline = begin + seconds
    failures = 0
    print(f"seed {seed}", flush=True)
    number = 0
    while (worlds and number < worlds) or (not worlds and time.monotonic() < deadline):
        folder = tempfile.mkdtemp(prefix="stele-model-")
        os.chmod(folder, 0o755)
        world = World(program, folder, seed + number, usable, figures)
        number += 1
        try:
            world.run(deadline if not worlds else begin + 3600)
        except Exception as error:
            failures += 1
            world.end_expected = True
            world.daemon.kill()
            print(f"FAILED after {time.monotonic() - begin:.1f} s: {error}")
            if not isinstance(error, Violation):
                traceback.print_exc()
            report(world, folder, program)
            if not keep_on:
                break
        else:
            shutil.rmtree(folder)
    print(", ".join(f"{name} {figures[name]}" for name in sorted(figures)))
    print(f"{time.monotonic() - begin:.0f} s, seeds {seed} to {seed + number - 1}, "
          f"failures {failures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
