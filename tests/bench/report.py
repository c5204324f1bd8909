#!/usr/bin/env python3
"""Turns the lines that compare.py gathered into RESULTS.md and results.html.

usage: report.py RESULTS.jsonl FOLDER
"""

import sys
from pathlib import Path

import checks
import results_html
import results_md
from machine import describe_machine
from results import Results


def run_facts(run):
    """What the report says of the run as a whole."""
    sizes = run.sizes
    return {"machine": describe_machine(run.folder), "sizes": {
        "rounds": sizes.rounds, "seconds": sizes.seconds, "curve_rounds": sizes.curve_rounds}}


def _sentence(run):
    sizes = run["sizes"]
    return (f"{sizes['rounds']} rounds of {sizes['seconds']:g} s a figure, all columns of a figure "
            f"one after the other in each round; {sizes['curve_rounds']} for curves; the medians "
            f"are shown. {run['minutes']:.1f} minutes in all.")


def write(results_file, folder):
    results = Results.read(results_file)
    run = results.rounds("run")[-1]
    facts = {"machine": run["machine"], "run": _sentence(run)}
    findings = checks.find(results)
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    (folder / "RESULTS.md").write_text(results_md.render(results, facts, findings))
    (folder / "results.html").write_text(results_html.render(results, facts, findings))
    print(f"{folder / 'RESULTS.md'}\n{folder / 'results.html'}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
