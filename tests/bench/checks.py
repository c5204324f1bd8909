"""What makes figures void, or at least remarkable: other work on the machine, ratios that cannot
be, a generator that was busy all the time. Nothing is reported as met on the strength of such
figures.
"""

from dataclasses import dataclass

OTHERS_CPU_MAX = 0.2     # Of one core, by programs that are not the run's.
GENERATOR_CPU_MAX = 0.9
BELOW_FLOOR = 0.95       # Nothing that syncs can be this much below the floor.
UNSTEADY = 1.5           # Of the floor's own p50, between its rounds.
OVER_SOCKETS = ("stele io_uring", "stele posix", "redis", "postgres")


@dataclass
class Finding:
    labels: tuple  # The figures that it is about.
    text: str
    is_void: bool = True


def find(results):
    return [*_other_work(results), *_busy_generators(results), *_below_the_floor(results),
            *_above_the_disk(results), *_floor(results)]


def _other_work(results):
    for label in results.labels():
        figure = results.get(label)
        if figure and figure.get("others_cpu", 0) > OTHERS_CPU_MAX:
            yield Finding((label,), f"{label}: other programs took {figure['others_cpu']:.2f} of a "
                                    "core")


def _busy_generators(results):
    for label in results.labels():
        figure = results.get(label)
        if figure and figure.get("generator_cpu", 0) > GENERATOR_CPU_MAX:
            yield Finding((label,), f"{label}: the generator took {figure['generator_cpu']:.2f} of "
                                    "a core, so the figure is its own", is_void=False)


def _below_the_floor(results):
    if not results.has("w1/floor"):
        return
    floor = results.get("w1/floor")["latency_us"]["p50"]
    for column in OVER_SOCKETS:
        label = f"w1/{column}"
        if not results.has(label):
            continue
        p50 = results.get(label)["latency_us"]["p50"]
        if p50 < BELOW_FLOOR * floor:
            yield Finding((label, "w1/floor"), f"{label}: its p50 of {p50:.0f} us is below the "
                          f"floor's {floor:.0f} us, which cannot be at equal durability")


def _above_the_disk(results):
    disk = results.get("bandwidth/1 MiB")
    if not disk:
        return
    for label in results.labels():
        figure = results.get(label)
        if not label.startswith("batch") or not figure or figure["peer"] != "stele":
            continue
        rate = figure["mb_per_s"]  # Of what clients sent; what is stored is larger.
        if rate > disk["mb_per_s"]:
            yield Finding((label, "bandwidth/1 MiB"), f"{label}: {rate:.0f} MB/s are above the "
                          f"disk's {disk['mb_per_s']:.0f}, which cannot be")


def _floor(results):
    floor, write = results.get("w1/floor"), results.get("parts/write")
    if floor and write and floor["latency_us"]["p50"] < write["latency_us"]["p50"] * BELOW_FLOOR:
        yield Finding(("w1/floor", "parts/write"), "w1/floor: its p50 is below that of its own "
                      "write alone, which cannot be")
    values = results.values("w1/floor", "latency_us/p50").values()
    if values and max(values) > UNSTEADY * min(values):
        yield Finding(("w1/floor",), f"w1/floor: its p50 was {min(values):.0f} us in one round and "
                      f"{max(values):.0f} us in another: the disk is not steady", is_void=False)
    unsynced = results.get("parts/write, not synced")
    if write and unsynced and \
            unsynced["latency_us"]["p50"] > 0.9 * write["latency_us"]["p50"]:
        yield Finding(("parts/write",), "parts/write: a synced write costs no more than one that "
                      "is not: this disk answers a flush at once", is_void=False)


def void_reasons(findings, labels):
    return [finding.text for finding in findings
            if finding.is_void and set(finding.labels) & set(labels)]
