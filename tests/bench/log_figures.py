"""A log of some size, of stele and of Redis: memory, reads, recovery, a writer beside a reader, and
what an idle server does. Labels are figure/column."""

import contextlib
import socket
import subprocess
import time

from observer import context_switches
from servers import Floor, Journald, Redis, Stele, ask

REPEATS = 3
CLIENT_BATCH, CLIENT_ROUNDS = 10_000, 7


def measure_log(run):
    with Stele(run) as stele, Redis(run) as redis:
        recover_stele(run, stele, "recovery/empty")
        fill_stele(run, stele, run.sizes.log_entries, "stele")
        fill_redis(run, redis, run.sizes.log_entries)
        for run.round in range(REPEATS):
            run.load(stele, "range/stele", "--mode", "range", warm_up=0)
            run.load(redis, "range/redis", "--mode", "range", peer="redis", warm_up=0)
            run.load(stele, "range-parsed/stele", "--mode", "range", "--parse", warm_up=0)
            run.load(stele, "read/stele", "--mode", "read", warm_up=0)
            run.load(redis, "read/redis", "--mode", "read", peer="redis", warm_up=0)
            run.tool("stele-batch-bench", stele.socket, CLIENT_BATCH, CLIENT_ROUNDS, "--json",
                     server=stele, label="client/stele")
        for run.round in range(REPEATS):
            recover_stele(run, stele, "recovery/stele")
            recover_redis(run, redis)
    run.round = 0
    run.unless_not_running("range/journald", lambda: measure_journald(run))


def fill_stele(run, stele, entries, column, *words):
    before = stele.resident_kb()
    filled = run.tool("stele-bench", "--socket", stele.socket, "--json", "--batch", 1000,
                      "--entries", entries, *words, server=stele, label=f"fill/{column}")
    store = stele.stats()["store"]
    run.keep(f"memory/{column}", entries=store["entries"], stored_bytes=store["bytes"],
             resident_bytes=(stele.resident_kb() - before) * 1024)
    return filled


def fill_redis(run, redis, entries):
    before = redis.resident_kb()
    # Only to fill it: at one sync for each 16 KiB that it reads, it would take minutes.
    redis.command("CONFIG SET appendfsync no")
    run.tool("stele-bench", "--socket", redis.socket, "--json", "--peer", "redis", "--batch", 1000,
             "--entries", entries, server=redis, label="fill/redis")
    redis.command("CONFIG SET appendfsync always")
    run.keep("memory/redis", entries=entries,
             resident_bytes=(redis.resident_kb() - before) * 1024)


def recover_stele(run, stele, label):
    seconds = stele.restart()
    recovery = stele.stats()["recovery"]
    run.keep(label, first_answer_seconds=seconds, entries=recovery["entries"],
             bytes=recovery["bytes"], load_seconds=recovery["took_us"] / 1e6)


def recover_redis(run, redis):
    seconds = redis.restart()
    run.keep("recovery/redis", first_answer_seconds=seconds,
             entries=int(redis.command("XLEN log").lstrip(":")),
             load_seconds=redis.load_seconds())


def measure_journald(run):
    with Journald(run) as journald:
        run.tool("stele-bench-journald", journald.socket, run.sizes.journal_entries,
                 server=journald, label="w1/journald")
        journald.stop()
        begun = time.monotonic()
        printed = subprocess.run(["journalctl", f"--directory={journald.journal()}", "-o", "json"],
                                 stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
        run.keep("range/journald", entries=printed.count(b"\n"),
                 seconds=time.monotonic() - begun)


def measure_beside(run):
    """A writer alone, and beside a client that reads the whole log again and again. The same with
    the floor as the writer's server, which the reader can hold up only by taking processors."""
    with Stele(run) as stele, Floor(run) as floor:
        fill_stele(run, stele, run.sizes.log_entries, "beside")
        for run.round in range(REPEATS):
            run.load(stele, "alone/stele", warm_up=300)
            run.load(floor, "alone/floor", peer="floor", warm_up=300)
            with reading_all_of(run, stele) as entries_read:
                before, begun = entries_read(), time.monotonic()
                run.load(stele, "beside/stele", warm_up=300)
                rate = (entries_read() - before) / (time.monotonic() - begun)
                run.lines[-1]["read_entries_per_s"] = rate
                run.load(floor, "beside/floor", peer="floor", warm_up=300)
    run.round = 0


@contextlib.contextmanager
def reading_all_of(run, stele):
    """Inside the `with` another client reads the log without a pause."""
    def entries_read():
        return stele.stats()["entries"]["read"]
    entries, before = run.sizes.log_entries, entries_read()
    reader = subprocess.Popen(
        [run.bin / "stele-bench", "--socket", stele.socket, "--mode", "range", "--range-entries",
         str(entries), "--seconds", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        # Its first read looks for the place, its second is parsed, as a check.
        while entries_read() < before + 2.5 * entries:
            if reader.poll() is not None:
                raise SystemExit("the reader beside the writer has ended")
            time.sleep(0.01)
        yield entries_read
    finally:
        reader.kill()
        reader.wait()


def measure_idle(run):
    """How often idle servers with 100 open connections each wake up; all at the same time."""
    with Stele(run, "io_uring") as uring, Stele(run, "posix") as posix, Redis(run) as redis:
        servers = {"stele io_uring": uring, "stele posix": posix, "redis": redis}
        connections = [connect(server) for server in servers.values() for _ in range(100)]
        for stele in (uring, posix):
            ask(stele.socket, b'{"op":"write_log","entry":{"message":"the last one"}}\n')
        time.sleep(1)  # 50 ms after its last commit stele writes a MARK.
        before = {name: context_switches(server.pid) for name, server in servers.items()}
        time.sleep(run.sizes.idle_seconds)
        for name, server in servers.items():
            run.keep(f"idle/{name}", seconds=run.sizes.idle_seconds, connections=100,
                     wake_ups=context_switches(server.pid) - before[name])
        for connection in connections:
            connection.close()


def connect(server):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(server.socket))
    return connection
