"""Durable writes: stele's two backends and every peer that can do the same. A label is
figure/column.

A figure measures its columns one after the other, so that what the machine does meanwhile strikes
all alike; compare.py repeats it, round by round.
"""

import csv
import subprocess

from servers import Floor, Postgres, Redis, Stele

BACKENDS = ("io_uring", "posix")
# figure -> flags of stele-bench
LOADS = {"w1": (), "w16": ("--clients", 16), "w64": ("--clients", 64),
         "w16x16": ("--clients", 16, "--in-flight", 16), "batch": ("--batch", 1000),
         "batch4": ("--batch", 1000, "--clients", 4)}
# figure -> clients, in flight
REDIS_BENCHMARK = {"w1": (1, 1), "w64": (64, 1), "w16x16": (16, 16)}
# figure -> clients, batch
POSTGRES = {"w1": (1, 1), "w16": (16, 1), "w64": (64, 1), "batch": (1, 1000)}
SQLITE_BATCH = {"w1": 1, "batch": 1000}


def measure(run, figure):
    warm_up = 20_000 if figure.startswith("batch") else 1000
    if figure == "w1":
        measure_floor(run)
    if figure == "batch":
        measure_bandwidth(run)
    for backend in BACKENDS:
        with Stele(run, backend) as stele:
            run.load(stele, f"{figure}/stele {backend}", *LOADS[figure], warm_up=warm_up)
    measure_redis(run, figure, warm_up)
    if figure in SQLITE_BATCH:
        with run.scratch() as folder:
            run.tool("stele-bench-sqlite", folder / "log", SQLITE_BATCH[figure],
                     run.sizes.seconds, label=f"{figure}/sqlite")
    if figure in POSTGRES:
        run.unless_not_running(f"{figure}/postgres", lambda: measure_postgres(run, figure))


def measure_floor(run):
    """The floor, and its two parts alone."""
    with Floor(run) as floor:
        run.load(floor, "w1/floor", peer="floor")
    with Floor(run, writes=False) as floor:
        run.load(floor, "parts/socket", peer="floor")
    with run.scratch() as folder:
        words = ("--writes", folder / "file", "--seconds", run.sizes.seconds)
        run.tool("stele-bench-floor", *words, label="parts/write")
        run.tool("stele-bench-floor", *words, "--no-sync", label="parts/write, not synced")


def measure_bandwidth(run):
    """Of 1 MiB a write, and of as much as stele writes for a batch of 1000."""
    with run.scratch() as folder:
        words = ("--bandwidth", folder / "file", "--seconds", run.sizes.seconds)
        run.tool("stele-bench-floor", *words, label="bandwidth/1 MiB")
        run.tool("stele-bench-floor", *words, "--bytes", 322_000, label="bandwidth/322 kB")


def measure_redis(run, figure, warm_up):
    with Redis(run) as redis:
        ours = run.load(redis, f"{figure}/redis", *LOADS[figure], peer="redis", warm_up=warm_up)
    if figure == "w1":  # A control: the same without its sync.
        with Redis(run, appendfsync="no") as redis:
            run.load(redis, "parts/redis, appendfsync no", peer="redis")
    if figure in REDIS_BENCHMARK:
        clients, in_flight = REDIS_BENCHMARK[figure]
        requests = max(1000, int(ours["entries_per_s"] * run.sizes.seconds))
        with Redis(run) as redis:
            run_redis_benchmark(run, redis, figure, clients, in_flight, requests)


def run_redis_benchmark(run, redis, figure, clients, in_flight, requests):
    """Redis' own generator, as a check of ours: the same command, clients and pipelining."""
    printed = subprocess.run(
        ["redis-benchmark", "-s", str(redis.socket), "-c", str(clients), "-P", str(in_flight),
         "-n", str(requests), "--csv", "XADD", "log", "*", "entry", "0" * 250],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    row = list(csv.DictReader(printed.splitlines()))[0]
    rate = float(row["rps"])
    run.keep(f"{figure}/redis-benchmark", peer="redis by redis-benchmark",
             backend="AOF, appendfsync always", durability="acknowledged after sync",
             entry_bytes=250, clients=clients, in_flight=in_flight, operations=requests,
             entries_per_s=rate, mb_per_s=rate * 250 / 1e6,
             latency_us={name: float(row[f"{name}_latency_ms"]) * 1000
                         for name in ("p50", "p99", "max")})


def measure_postgres(run, figure):
    clients, batch = POSTGRES[figure]
    with Postgres(run) as postgres:
        run.tool("stele-bench-postgres", postgres.conninfo(), clients, batch, run.sizes.seconds,
                 server=postgres, label=f"{figure}/postgres")
