#!/usr/bin/env python3
"""Turns the results of compare.sh into RESULTS.md and results.html.

usage: report.py write RESULTS.jsonl --folder WORK --out DIR --load TEXT --rounds N --seconds S
       report.py redis-benchmark FIGURE     its CSV from stdin, as one line of JSON
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import results_html
import results_md
from machine import describe_machine, was_idle


class Results:
    """All lines of a run; of a measurement that was repeated, the one of median throughput."""

    def __init__(self, lines):
        self._by_label = {}
        for line in lines:
            result = json.loads(line)
            self._by_label.setdefault(result["label"], []).append(result)

    def get(self, label):
        """None if there is none."""
        repeated = self._by_label.get(label)
        if not repeated:
            return None
        ranked = sorted(repeated, key=lambda r: r.get("entries_per_s", r.get("mb_per_s", 0)))
        return ranked[len(ranked) // 2]

    def starting_with(self, prefix):
        """[(rest of the label, result)] in the order of their measurement."""
        return [(label.removeprefix(prefix), self.get(label))
                for label in self._by_label if label.startswith(prefix)]


def print_redis_benchmark(figure):
    rows = list(csv.DictReader(sys.stdin))
    if not rows:
        sys.exit("report.py: redis-benchmark printed no result")
    row = rows[0]
    latency = {name: float(row[f"{name}_latency_ms"]) * 1000 for name in ("p50", "p99", "max")}
    print(json.dumps({
        "label": f"{figure}/redis-benchmark", "peer": "redis by redis-benchmark",
        "backend": "AOF, appendfsync always", "durability": "acknowledged after sync",
        "entries_per_s": float(row["rps"]), "mb_per_s": float(row["rps"]) * 250 / 1e6,
        "latency_us": latency}))


def write_report(arguments):
    results = Results(Path(arguments.results).read_text().splitlines())
    machine = describe_machine(arguments.folder, arguments.load)
    run = f"{arguments.rounds} rounds of {arguments.seconds} s a figure; the median round is shown"
    if not was_idle(arguments.load):
        run += (". **Other work was running on this machine: "
                "no figure and no ratio of this run counts**")
    out = Path(arguments.out)
    (out / "RESULTS.md").write_text(results_md.render(results, machine, run))
    (out / "results.html").write_text(results_html.render(results, machine, run))
    print(f"{out / 'RESULTS.md'}\n{out / 'results.html'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("redis-benchmark").add_argument("figure")
    write = verbs.add_parser("write")
    write.add_argument("results")
    for name in ("folder", "out", "load", "rounds", "seconds"):
        write.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    if arguments.verb == "redis-benchmark":
        print_redis_benchmark(arguments.figure)
    else:
        write_report(arguments)


if __name__ == "__main__":
    main()
