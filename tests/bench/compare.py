"""Measures stele beside its peers. Started by compare.sh, which builds what it needs."""

import argparse
import json
import signal
import sys
import time
from pathlib import Path

import curves
import log_figures
import report
import turn_trace
import write_figures
from bench_run import QUICK, BenchRun, Sizes

SOURCE = Path(__file__).resolve().parents[2]
BIN = SOURCE / "build/release/bin"
LOOKS = SOURCE / "build/release/bench"  # Where --quick and --only write to.

ONCE, ROUNDS, CURVE_ROUNDS = "once", "rounds", "curve rounds"
# figure -> (how often, what measures it). All that are repeated are repeated together.
FIGURES = {
    **{figure: (ROUNDS, lambda run, f=figure: write_figures.measure(run, f))
       for figure in write_figures.LOADS},
    "clients": (CURVE_ROUNDS, curves.measure_clients),
    "entry-bytes": (CURVE_ROUNDS, curves.measure_entry_bytes),
    "turns": (ONCE, turn_trace.measure),
    "idle": (ONCE, log_figures.measure_idle),
    "log": (ONCE, log_figures.measure_log),
    "beside": (ONCE, log_figures.measure_beside),
    "out-of-order": (ONCE, curves.measure_out_of_order),
    "entries": (ONCE, curves.measure_entries),
}


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="compare.sh", description="Measures stele beside its peers, in one run on one disk.")
    parser.add_argument("--quick", action="store_true", help="one short round, for a look")
    parser.add_argument("--only", metavar="FIGURE,…", help="of " + " ".join(FIGURES))
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="for the report (default: beside this program for a full run, "
                             "else build/release/bench)")
    parser.add_argument("--add-to", type=Path, metavar="FILE",
                        help="add to the results.jsonl of an earlier run, and report on all of it")
    arguments = parser.parse_args()
    arguments.figures = arguments.only.split(",") if arguments.only else list(FIGURES)
    for figure in arguments.figures:
        if figure not in FIGURES:
            parser.error(f"no figure is named {figure}; there are {' '.join(FIGURES)}")
    return arguments


def measure(run, figures):
    for kind, rounds in ((ROUNDS, run.sizes.rounds), (CURVE_ROUNDS, run.sizes.curve_rounds),
                         (ONCE, 1)):
        for number in range(rounds):
            for figure in figures:
                how_often, function = FIGURES[figure]
                if how_often == kind:
                    run.round = number
                    times = f", round {number + 1} of {rounds}" if rounds > 1 else ""
                    print(f"{time.strftime('%T')}  {figure}{times}", flush=True)
                    function(run)


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    is_full = not arguments.quick and not arguments.only
    begun = time.monotonic()
    with BenchRun(BIN, QUICK if arguments.quick else Sizes()) as run:
        facts = report.run_facts(run)
        measure(run, arguments.figures)
    run.round = 0
    run.keep("run", **facts, minutes=(time.monotonic() - begun) / 60)
    LOOKS.mkdir(exist_ok=True)
    results = arguments.add_to or LOOKS / "results.jsonl"
    with open(results, "a" if arguments.add_to else "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in run.lines)
    report.write(results, arguments.out or (Path(__file__).parent if is_full else LOOKS))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
