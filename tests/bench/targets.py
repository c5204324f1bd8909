"""What was asked for, and whether this run shows it."""

import statistics
from dataclasses import dataclass

import checks
from write_figures import BACKENDS

STELE = [f"stele {backend}" for backend in BACKENDS]
FIGURE_NAMES = {"w64": "64 clients, one write in flight each",
                "w16x16": "16 clients, 16 writes in flight each"}
BATCHES = {"batch": "batches of 1000, one in flight",
           "batch4": "batches of 1000, four clients"}
MEMORY_FACTOR, MEMORY_BYTES = 1.10, 32
OUT_OF_ORDER = "out-of-order "  # Of the columns of memory, followed by the share.


@dataclass
class Target:
    what: str
    values: list      # One for each round.
    limit: float
    is_most: bool     # The limit is the most, else the least.
    unit: str
    labels: tuple     # The figures that it is made of.
    digits: int = 2

    @property
    def value(self):
        return statistics.median(self.values)

    def is_met(self):
        return self.value <= self.limit if self.is_most else self.value >= self.limit

    def _text(self, value):
        return f"{value:,.{self.digits}f}".replace(",", "\u00a0")

    def measured(self):
        text = f"{self._text(self.value)} {self.unit}"
        if len(self.values) == 1:
            return text
        return f"{text} ({self._text(min(self.values))} to {self._text(max(self.values))})"

    def wanted(self):
        return f"{'≤' if self.is_most else '≥'} {self._text(self.limit)} {self.unit}"


def verdict(target, findings):
    """met, not met, or void, and why."""
    reasons = checks.void_reasons(findings, target.labels)
    if reasons:
        return "void", reasons[0]
    return ("met" if target.is_met() else "not met"), ""


def best_stele(results, figure):
    """The faster backend's label."""
    labels = [f"{figure}/{column}" for column in STELE if results.has(f"{figure}/{column}")]
    return max(labels, key=lambda label: results.get(label)["entries_per_s"], default=None)


def stored_bytes(results, column="stele"):
    memory = results.get(f"memory/{column}")
    return memory["stored_bytes"] / memory["entries"]


def us_per_entry(results, label):
    return [line["seconds"] * 1e6 / line["entries"] for line in results.rounds(label)]


def targets(results):
    """Those whose figures were measured."""
    return [*_writes(results), *_batch(results), *_reads(results), *_recovery(results),
            *_memory(results), *_beside(results)]


def _writes(results):
    for column in STELE:
        labels = (f"w1/{column}", "w1/floor")
        if results.has(*labels):
            yield Target(f"one write in flight, {column}: p50 to the floor's",
                         results.ratios("latency_us/p50", *labels), 1.15, True, "×", labels)
    for figure, name in FIGURE_NAMES.items():
        for column in STELE:
            labels = (f"{figure}/{column}", f"{figure}/redis")
            if results.has(*labels):
                yield Target(f"{name}, {column}: to Redis",
                             results.ratios("entries_per_s", *labels), 3, False, "×", labels)


def _batch(results):
    for figure, name in BATCHES.items():
        best = best_stele(results, figure)
        if not best:
            continue
        column = best.removeprefix(f"{figure}/")
        if results.has("batch/sqlite"):
            yield Target(f"{name}, {column}: to SQLite's, which has one writer",
                         results.ratios("entries_per_s", best, "batch/sqlite"), 10, False, "×",
                         (best, "batch/sqlite"))
        if results.has("bandwidth/1 MiB"):
            disk = results.get("bandwidth/1 MiB")["mb_per_s"]
            written = [line["wal"]["commit_bytes"] / line["wal"]["commit_entries"]
                       * line["entries_per_s"] / 1e4 / disk for line in results.rounds(best)]
            yield Target(f"{name}, {column}: bytes written to the disk's sequential direct dsync "
                         f"rate ({disk:.0f} MB/s)", written, 40, False, "%",
                         (best, "bandwidth/1 MiB"), digits=0)


def _reads(results):
    if results.has("range/stele"):
        ours = us_per_entry(results, "range/stele")
        yield Target("range read of 10 000, as bytes: an entry", ours, 0.10, True, "µs",
                     ("range/stele",), digits=3)
        if results.has("range/redis"):
            theirs = us_per_entry(results, "range/redis")
            yield Target("range read of 10 000: faster than XRANGE",
                         [them / us for us, them in zip(ours, theirs)], 4, False, "×",
                         ("range/stele", "range/redis"))
        if results.has("range/journald"):
            journal = us_per_entry(results, "range/journald")[0]
            yield Target("range read: faster than journalctl -o json",
                         [journal / us for us in ours], 100, False, "×",
                         ("range/stele", "range/journald"), digits=0)
    if results.has("client/stele"):
        yield Target("range read of 10 000 by the client library, parsed: an entry",
                     list(results.values("client/stele", "read_us_per_entry").values()), 0.4, True,
                     "µs", ("client/stele",))


def _recovery(results):
    if not results.has("recovery/stele"):
        return
    ours = results.rounds("recovery/stele")
    if results.has("recovery/redis"):
        theirs = results.rounds("recovery/redis")
        yield Target("recovery, entries/s: to Redis' load of its AOF",
                     [us["entries"] / us["load_seconds"] * them["load_seconds"] / them["entries"]
                      for us, them in zip(ours, theirs)], 8, False, "×",
                     ("recovery/stele", "recovery/redis"))
    yield Target("recovery", [us["bytes"] / us["load_seconds"] / 1e9 for us in ours], 1, False,
                 "GB/s", ("recovery/stele",))


def memory_limit(results, column="stele"):
    return stored_bytes(results, column) * MEMORY_FACTOR + MEMORY_BYTES


def resident_bytes(results, column):
    memory = results.get(f"memory/{column}")
    return memory["resident_bytes"] / memory["entries"]


def memory_columns(results):
    """[(column, what it holds)] of stele."""
    found = [("stele", "in order")] if results.has("memory/stele") else []
    return found + [(f"{OUT_OF_ORDER}{x:g}", f"{x:.0%} out of order")
                    for x, _ in results.curve(f"memory/{OUT_OF_ORDER}") if x > 0]


def _memory(results):
    for column, name in memory_columns(results):
        yield Target(f"resident memory of an entry of {stored_bytes(results, column):.0f} stored "
                     f"bytes, {name}", [resident_bytes(results, column)],
                     memory_limit(results, column), True, "bytes", (f"memory/{column}",), digits=0)


def _beside(results):
    if results.has("alone/stele", "beside/stele"):
        yield Target("p99 of a durable write while another client reads the whole log: to alone",
                     results.ratios("latency_us/p99", "beside/stele", "alone/stele"), 2, True, "×",
                     ("alone/stele", "beside/stele"))
