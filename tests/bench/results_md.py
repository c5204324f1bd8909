"""RESULTS.md: what was asked for, and each figure with its peers."""

from sections import (BATCH_REMARKS, BESIDE, COLUMNS, CURVES, PARTS, READS, RECOVERY,
                      TRACE_GROUPS, WRITE_FIGURES, number, trace_text, traces)
from targets import (best_stele, memory_columns, memory_limit, resident_bytes, targets,
                     us_per_entry, verdict)

PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")


def _table(head, rows):
    """`head`: names; those that begin with > are aligned to the right."""
    lines = ["| " + " | ".join(name.lstrip(">") for name in head) + " |",
             "| " + " | ".join("---:" if name.startswith(">") else "---" for name in head) + " |"]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def _share(figure, member):
    return f"{figure[member]:.0%}" if member in figure else "-"


def _latencies(figure, names=PERCENTILES):
    latency = figure.get("latency_us", {})
    return [number(latency[name]) if name in latency else "-" for name in names]


def _range(results, label, member):
    values = results.values(label, member).values()
    return f"{number(min(values))} to {number(max(values))}" if len(values) > 1 else "-"


def _target_section(results, findings):
    rows = []
    for target in targets(results):
        said, why = verdict(target, findings)
        text = said if said == "met" else f"**{said}**" + (f": {why}" if why else "")
        if said == "not met":
            text += ", see [PROFILES.md](PROFILES.md)"
        rows.append((target.what, target.measured(), target.wanted(), text))
    return ["## What was asked for", "", "The median of the rounds' ratios (and the least and the "
            "largest).", ""] + _table(("what", ">measured", ">wanted", ""), rows) if rows else []


def _finding_section(findings):
    if not findings:
        return []
    return ["## What is wrong with these figures", ""] + [
        f"- {finding.text}{'' if finding.is_void else ' (remarked only)'}."
        for finding in findings] + [""]


def _write_rows(results, figure):
    best = best_stele(results, figure)
    for column in COLUMNS:
        label = f"{figure}/{column}"
        if results.not_running(label):
            yield (f"{column} (not running here)",) + ("-",) * 10
        if not results.has(label):
            continue
        one = results.get(label)
        remark = BATCH_REMARKS.get(column) if figure.startswith("batch") else None
        ratio = (f"{results.get(best)['entries_per_s'] / one['entries_per_s']:.2f} ×"
                 if best else "-")
        yield (f"{column} ({remark})" if remark else column, number(one["entries_per_s"]),
               _range(results, label, "entries_per_s"), *_latencies(one), ratio,
               _share(one, "server_cpu"), one["durability"])


def _write_sections(results):
    lines = []
    head = ("", ">entries/s", ">least to most", ">p50 µs", ">p90", ">p99", ">p99.9", ">max",
            ">stele, its ratio", ">CPU of the server", "durability")
    for figure, title in WRITE_FIGURES:
        rows = list(_write_rows(results, figure))
        if rows:
            lines += [f"### {title}", ""] + _table(head, rows)
        if figure == "batch" and rows:
            lines += _bandwidth(results)
    if lines and results.has("w1/journald"):
        lines += ["journald answers nothing and syncs later: its row is the rate at which it takes "
                  "datagrams, at no durability at all.", ""]
    return ["## Durable writes", ""] + lines if lines else []


def _bandwidth(results):
    lines = []
    for label in ("bandwidth/1 MiB", "bandwidth/322 kB"):
        if results.has(label):
            disk = results.get(label)
            lines.append(f"The disk takes {number(disk['mb_per_s'])} MB/s in sequential O_DIRECT "
                         f"RWF_DSYNC writes of {label.removeprefix('bandwidth/')}, one at a time.")
    if lines and results.has("bandwidth/322 kB"):
        bound = results.get("bandwidth/322 kB")["operations"] * 1000 \
            / results.get("bandwidth/322 kB")["seconds"]
        lines.append("The latter is what a batch of 1000 takes in stele's log: one at a time, the "
                     f"disk alone allows {number(bound)} entries/s.")
    return [" ".join(lines), ""] if lines else []


def _parts_section(results):
    rows = []
    for label, name in PARTS:
        if results.has(label):
            one = results.get(label)
            rows.append((name, number(one["entries_per_s"]), *_latencies(one)))
    if not rows:
        return []
    return ["### What the floor is made of, and what syncing costs", "",
            "One operation in flight. A figure that did not move without its sync would not have "
            "measured one.", ""] + _table(("", ">operations/s", ">p50 µs", ">p90", ">p99", ">p99.9",
                                           ">max"), rows)


def _read_section(results):
    rows = []
    for label, name in READS:
        if results.has(label):
            costs = sorted(us_per_entry(results, label))
            rows.append((name, f"{costs[len(costs) // 2]:.3f}",
                         *_latencies(results.get(label), ("p50", "p99"))))
    if results.has("client/stele"):
        client = results.get("client/stele")
        rows.append(("stele, range of 10 000 by the client library, into StoredEntry",
                     f"{client['read_us_per_entry']:.3f}", "-", "-"))
    if not rows:
        return []
    lines = ["## Reads", ""] + _table(("", ">µs an entry", ">p50 of a read, µs", ">p99, µs"), rows)
    if results.has("client/stele"):
        lines += [f"`write_many_logs` of 10 000 by the client library: "
                  f"{results.get('client/stele')['write_us_per_entry']:.3f} µs an entry, "
                  "acknowledged after sync.", ""]
    return lines


def _beside_section(results):
    rows = []
    for label, name in BESIDE:
        if results.has(label):
            one = results.get(label)
            rows.append((name, number(one["entries_per_s"]), *_latencies(one),
                         _range(results, label, "latency_us/p99"), _share(one, "server_loop_cpu"),
                         number(one.get("read_entries_per_s", 0))))
    if not rows:
        return []
    return ["### A writer beside a client that reads the whole log again and again", ""] + _table(
        ("", ">writes/s", ">p50 µs", ">p90", ">p99", ">p99.9", ">max", ">p99, least to most",
         ">CPU of the daemon's thread", ">entries read/s"), rows)


def _memory_section(results):
    rows = []
    for column, name in memory_columns(results):
        one = results.get(f"memory/{column}")
        rows.append((f"stele, {name}", number(one["entries"]),
                     number(one["stored_bytes"] / one["entries"]),
                     number(resident_bytes(results, column)),
                     number(memory_limit(results, column))))
    if results.has("memory/redis"):
        rows.append(("Redis", number(results.get("memory/redis")["entries"]), "-",
                     number(resident_bytes(results, "redis")), "-"))
    return ["## Memory", ""] + _table(("", ">entries", ">stored bytes of one", ">resident bytes of "
                                       "one", ">wanted at most"), rows) if rows else []


def _recovery_rows(results, labels):
    for label, name in labels:
        if results.has(label):
            one = results.get(label)
            rate = one["entries"] / max(one["load_seconds"], 1e-6)
            bytes_rate = (f"{one['bytes'] / one['load_seconds'] / 1e9:.2f}" if "bytes" in one
                          else "-")
            yield (name, number(one["entries"]), f"{one['load_seconds']:.3f}", number(rate),
                   bytes_rate, f"{one['first_answer_seconds']:.3f}")


def _recovery_section(results):
    labels = [("recovery/stele", "stele"), ("recovery/redis", "Redis"),
              ("recovery/empty", "stele, an empty log")]
    labels += [(f"log-recovery/{x:.0f}", "stele, the log that grows")
               for x, _ in results.curve("log-recovery/")]
    rows = list(_recovery_rows(results, labels))
    if not rows:
        return []
    head = ("", ">entries", ">load, s", ">entries/s", ">GB/s of the log",
            ">start to first answer, s")
    return ["## Recovery", ""] + _table(head, rows) + [*RECOVERY.text(results), ""]


def _idle_section(results):
    rows = []
    for column in ("stele io_uring", "stele posix", "redis"):
        if results.has(f"idle/{column}"):
            one = results.get(f"idle/{column}")
            rows.append((column, one["connections"], one["seconds"], one["wake_ups"]))
    head = ("", ">open connections", ">seconds", ">context switches of all threads")
    return ["## Idle", ""] + _table(head, rows) if rows else []


def _turn_section(results):
    lines = []
    for name, trace in traces(results):
        rows = [(title, one.get("count", 0), *(number(one[p]) if p in one else "-"
                                               for p in ("p50", "p99", "p99.9", "max")))
                for group, title in TRACE_GROUPS for one in [trace["groups"].get(group, {})]]
        lines += [f"### {name[:1].upper()}{name[1:]}, one client, one in flight", "",
                  trace_text(trace), ""]
        lines += _table(("", ">operations", ">p50 µs", ">p99", ">p99.9", ">max"), rows)
    return ["## Turns of the log's segments", "", "Segments of 64 MiB; a log at its limit, which "
            "also removes an old segment at each turn.", ""] + lines if lines else []


def _curve_rows(points, curve):
    for x, one in points:
        wal = one.get("wal", {})
        carried = wal["commit_entries"] / wal["commits"] if wal.get("commits") else None
        yield (f"{x:g}" if x < 1e6 else number(x), number(one["entries_per_s"]),
               f"{one['mb_per_s']:.1f}", *_latencies(one, ("p50", "p99")),
               f"{carried:.1f}" if carried else "-", _share(one, "server_loop_cpu"),
               _share(one, "disk_busy"), _share(one, "generator_cpu"))


def _curve_section(results):
    lines = []
    for curve in CURVES:
        points = curve.points(results)
        if not points:
            continue
        lines += [f"### {curve.title}", ""] + [" ".join(curve.text(results)), ""]
        lines += _table((curve.abscissa, ">entries/s", ">MB/s", ">p50 µs", ">p99", ">entries a "
                         "commit", ">daemon's thread", ">disk", ">generator"),
                        _curve_rows(points, curve))
    return ["## Cost as work grows (stele, backend auto)", ""] + lines if lines else []


def render(results, facts, findings):
    lines = ["# Results", "",
             "Written by `bash tests/bench/compare.sh`; [README.md](README.md) says what each"
             " figure means, and [results.html](results.html) draws the curves. Entries of 250"
             f" bytes unless said. {facts['run']}", ""]
    lines += _table(("machine", ""), facts["machine"])
    lines += _target_section(results, findings) + _finding_section(findings)
    lines += _write_sections(results) + _parts_section(results)
    lines += _turn_section(results)
    lines += _read_section(results) + _beside_section(results)
    lines += _memory_section(results) + _recovery_section(results) + _idle_section(results)
    lines += _curve_section(results)
    return "\n".join(lines).rstrip() + "\n"
