"""RESULTS.md: what was asked for, and each figure with its peers."""

WRITE_FIGURES = [
    ("w1", "One client, one write in flight"),
    ("w16", "16 clients, one write in flight each"),
    ("w64", "64 clients, one write in flight each"),
    ("w16x16", "16 clients, 16 writes in flight each"),
    ("batch", "Batches of 1000, one client, one batch in flight"),
]
BACKENDS = ("stele io_uring", "stele posix")
COLUMNS = ("floor",) + BACKENDS + (
    "redis", "redis-benchmark", "sqlite", "postgres", "journald")
BATCH_REMARK = {
    "redis": "pipelined XADD, not atomic", "postgres": "COPY", "sqlite": "a transaction"}


def _number(value, digits=0):
    return f"{value:,.{digits}f}".replace(",", " ")


def _latency(result, name):
    return _number(result["latency_us"][name], 0) if name in result["latency_us"] else "-"


def best_stele(results, figure):
    found = [r for r in (results.get(f"{figure}/{b}") for b in BACKENDS) if r]
    return max(found, key=lambda r: r["entries_per_s"]) if found else None


def _write_table(results, figure, title):
    lines = [f"### {title}", "",
             "| | entries/s | MB/s | p50 µs | p99 µs | p99.9 µs | stele, its ratio | durability |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"]
    best = best_stele(results, figure)
    for column in COLUMNS:
        result = results.get(f"{figure}/{column}")
        if not result:
            continue
        if result.get("not_running"):
            lines.append(f"| {column} | not running here | | | | | | |")
            continue
        remark = BATCH_REMARK.get(column) if figure == "batch" else None
        ratio = f"{best['entries_per_s'] / result['entries_per_s']:.2f} ×" if best else "-"
        lines.append(
            f"| {column}{f' ({remark})' if remark else ''} | {_number(result['entries_per_s'])}"
            f" | {_number(result['mb_per_s'], 1)} | {_latency(result, 'p50')}"
            f" | {_latency(result, 'p99')} | {_latency(result, 'p99.9')} | {ratio}"
            f" | {result['durability']} |")
    return lines + [""]


def _us_per_entry(result):
    if "started" in result:
        return (result["ended"] - result["started"]) * 1e6 / result["entries"]
    return result["seconds"] * 1e6 / result["entries"]


def _canonical_bytes(results):
    store = results.get("memory/stele")["stats"]["store"]
    return store["bytes"] / store["entries"]


def _resident_bytes(memory):
    entries = memory["stats"]["store"]["entries"] if "stats" in memory else memory["entries"]
    return (memory["kb_after"] - memory["kb_before"]) * 1024 / entries


def _recovery(results):
    """(stele entries/s, stele GB/s, Redis entries/s), of the load itself."""
    recovery = results.get("recovery/stele")["stats"]["recovery"]
    seconds = recovery["took_us"] / 1e6
    redis = results.get("recovery/redis")
    return (recovery["entries"] / seconds, recovery["bytes"] / 1e9 / seconds,
            redis["entries"] / max(redis["load_seconds"], 0.001))


def _targets(results):
    """Yields (what, measured, wanted, met)."""
    def at_most(what, value, limit, unit):
        return what, f"{value:.2f} {unit}", f"≤ {limit:.2f} {unit}", value <= limit

    def at_least(what, value, limit, unit):
        return what, f"{value:.2f} {unit}", f"≥ {limit:g} {unit}", value >= limit

    def p50(label):
        return results.get(label)["latency_us"]["p50"]

    def rate(label):
        return results.get(label)["entries_per_s"]

    for backend in BACKENDS:
        yield at_most(f"one write in flight, {backend}: p50 to the floor's",
                      p50(f"w1/{backend}") / p50("w1/floor"), 1.15, "×")
    for figure in ("w64", "w16x16"):
        for backend in BACKENDS:
            yield at_least(f"{dict(WRITE_FIGURES)[figure]}, {backend}: to Redis",
                           rate(f"{figure}/{backend}") / rate(f"{figure}/redis"), 3, "×")
    batch = best_stele(results, "batch")["entries_per_s"]
    yield at_least("batch of 1000: to SQLite's", batch / rate("batch/sqlite"), 10, "×")
    disk = results.get("bandwidth")["mb_per_s"]
    yield at_least("batch of 1000: stored bytes to the disk's sequential direct dsync rate "
                   f"({_number(disk)} MB/s)",
                   100 * batch * _canonical_bytes(results) / 1e6 / disk, 40, "%")
    read = _us_per_entry(results.get("range/stele"))
    yield at_most("range read of 10 000, as bytes: an entry", read, 0.10, "µs")
    yield at_least("range read of 10 000: to XRANGE",
                   _us_per_entry(results.get("range/redis")) / read, 4, "×")
    if results.get("range/journald"):
        yield at_least("range read: to journalctl -o json",
                       _us_per_entry(results.get("range/journald")) / read, 100, "×")
    yield at_most("range read of 10 000 by the client library, parsed: an entry",
                  results.get("client")["read_us_per_entry"], 0.4, "µs")
    entries, gigabytes, redis_entries = _recovery(results)
    yield at_least("recovery, entries/s: to Redis' load of its AOF",
                   entries / redis_entries, 8, "×")
    yield at_least("recovery", gigabytes, 1, "GB/s")
    canonical = _canonical_bytes(results)
    yield at_most(f"resident memory of an entry of {canonical:.0f} stored bytes",
                  _resident_bytes(results.get("memory/stele")), canonical * 1.10 + 32, "bytes")
    yield at_most("p99 of a durable write while another client reads the whole log: to alone",
                  results.get("beside-reader/stele")["latency_us"]["p99"]
                  / results.get("alone/stele")["latency_us"]["p99"], 2, "×")


def _target_table(results):
    lines = ["| what | measured | wanted | |", "| --- | ---: | ---: | --- |"]
    for what, measured, wanted, met in _targets(results):
        lines.append(f"| {what} | {measured} | {wanted} | {'met' if met else '**not met**'} |")
    return lines + [""]


def _read_table(results):
    lines = ["| | µs an entry | p50 of a read, µs | p99, µs |", "| --- | ---: | ---: | ---: |"]
    rows = [("range/stele", "stele, range of 10 000, as bytes"),
            ("range-parsed/stele", "stele, range of 10 000, each entry parsed by stele-bench"),
            ("range/redis", "Redis, XRANGE COUNT 10000, as bytes"),
            ("range/journald", "journalctl -o json, the whole journal, with its start"),
            ("read/stele", "stele, one entry"), ("read/redis", "Redis, XRANGE COUNT 1")]
    for label, name in rows:
        result = results.get(label)
        if not result:
            continue
        latency = result.get("latency_us", {})
        cells = [_number(latency[p], 0) if p in latency else "-" for p in ("p50", "p99")]
        lines.append(f"| {name} | {_us_per_entry(result):.3f} | {' | '.join(cells)} |")
    client = results.get("client")
    lines.append(f"| stele, range of 10 000 by the client library, into StoredEntry"
                 f" | {client['read_us_per_entry']:.3f} | - | - |")
    return lines + ["", f"`write_many_logs` of 10 000 by the client library: "
                    f"{client['write_us_per_entry']:.3f} µs an entry, acknowledged after sync.", ""]


def _log_table(results):
    entries, gigabytes, redis_entries = _recovery(results)
    stele, redis = results.get("recovery/stele"), results.get("recovery/redis")
    return [
        "| | stele | Redis |", "| --- | ---: | ---: |",
        f"| resident bytes an entry | {_resident_bytes(results.get('memory/stele')):.0f}"
        f" | {_resident_bytes(results.get('memory/redis')):.0f} |",
        f"| recovery, entries/s | {_number(entries)} | {_number(redis_entries)} |",
        f"| recovery, GB/s of the log | {gigabytes:.2f} | - |",
        f"| from start to the first answer, s | {stele['ended'] - stele['started']:.2f}"
        f" | {redis['ended'] - redis['started']:.2f} |", ""]


CURVES = [
    ("clients/", "clients, one write in flight each"),
    ("entry-bytes/", "bytes of an entry, 16 clients, one write in flight each"),
    ("out-of-order/", "share of out-of-order entries, batches of 100, 4 clients"),
    ("filled/", "entries of a new log, in batches of 1000"),
    ("log-write/", "entries that the log holds, 16 clients, one write in flight each"),
    ("log-read/", "entries that the log holds, reads of one entry, one client"),
]


def _curve_tables(results):
    lines = []
    for prefix, name in CURVES:
        lines += [f"| {name} | entries/s | MB/s | p50 µs | p99 µs |",
                  "| ---: | ---: | ---: | ---: | ---: |"]
        for value, result in results.starting_with(prefix):
            lines.append(f"| {value} | {_number(result['entries_per_s'])}"
                         f" | {_number(result['mb_per_s'], 1)} | {_latency(result, 'p50')}"
                         f" | {_latency(result, 'p99')} |")
        lines.append("")
    return lines


def render(results, machine, run):
    lines = ["# Results", "",
             "Written by `bash tests/bench/compare.sh`; [README.md](README.md) says what each"
             " figure means, and [results.html](results.html) draws the curves. Entries of 250"
             f" bytes unless said; {run}.", "", "| machine | |", "| --- | --- |"]
    lines += [f"| {what} | {value} |" for what, value in machine]
    lines += ["", "## What was asked for", ""] + _target_table(results)
    lines += ["## Durable writes", ""]
    for figure, title in WRITE_FIGURES:
        lines += _write_table(results, figure, title)
    lines += ["journald answers nothing and syncs later: its row is the rate at which it takes "
              "datagrams, at no durability at all.", ""]
    lines += ["## Reads", ""] + _read_table(results)
    lines += ["## Memory and recovery", ""] + _log_table(results)
    lines += ["## Cost as work grows (stele)", ""] + _curve_tables(results)
    return "\n".join(lines).rstrip() + "\n"
