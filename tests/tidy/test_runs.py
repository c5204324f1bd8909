#!/usr/bin/env python3
"""Checks that each preset's tests run that preset's programs, and what a run left out.

usage: test_runs.py join ROOT PRESET…    writes build/CTestTestfile.cmake: one run over the presets
       test_runs.py check ROOT           the presets that tests/run.sh takes by default, as ctest
                                         would run them together
       test_runs.py skipped ROOT         the last run of build/CTestTestfile.cmake
prints one finding a line; exit 1 if there is any
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = ("STELE_STELED", "STELE_STELE")  # The programs under test: tests/support/subject.hpp.

# What a machine may lack: the reason that a skipped case gives, and what shows that it is there.
MACHINE_LACKS = [
    ("needs root, loop devices, ext4 and FUSE: |needs ext4 on a loop device"
     "|needs namespaces, cgroup2 and overlayfs", lambda: False),
    ("needs root", lambda: os.geteuid() == 0),
    ("needs jq", lambda: shutil.which("jq")),
    ("needs lnav", lambda: shutil.which("lnav")),
    ("needs systemd-journal-remote", lambda: Path("/lib/systemd/systemd-journal-remote").exists()),
    ("needs systemd-analyze|there is no systemd", lambda: shutil.which("systemd-analyze")),
    ("needs libfaketime", lambda: list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))),
    ("needs lintian and dpkg-dev", lambda: shutil.which("lintian")),
    ("there is no promtool", lambda: shutil.which("promtool")),
    ("needs nats-server", lambda: shutil.which("nats-server") and has_header("nats/nats.h")),
    ("needs protoc", lambda: shutil.which("protoc") and has_header("nats/nats.h")),
    ("there is no python3-jsonschema", lambda: list(
        Path("/usr/lib/python3/dist-packages").glob("jsonschema"))),
    ("libfuse3-dev is not installed", lambda: has_header("fuse3/fuse.h")),
]


def has_header(name):
    return (Path("/usr/include") / name).exists()


def joined(root, presets):
    """The text of a CTestTestfile.cmake."""
    return "".join(f'subdirs("{root}/build/{preset}")\n' for preset in presets)


def default_presets(root):
    listed = re.search(r"presets=\((\w[^)]*)\)", (root / "tests/run.sh").read_text())
    return listed.group(1).split()


def tests_of(root, presets):
    """What one ctest run over these presets would run: [(name, command, environment, folder)]."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "CTestTestfile.cmake").write_text(joined(root, presets))
        text = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], check=True,
                              capture_output=True, text=True).stdout
    return [parsed(test) for test in json.loads(text)["tests"]]


def parsed(test):
    properties = {item["name"]: item["value"] for item in test.get("properties", [])}
    environment = dict(line.split("=", 1) for line in properties.get("ENVIRONMENT", []))
    return (test["name"], test.get("command", []), environment,
            properties.get("WORKING_DIRECTORY", ""))


def preset_of(root, path):
    """The preset below whose build folder a path lies."""
    match = re.match(re.escape(f"{root}/build/") + r"([^/]+)(?:/|$)", path)
    return match.group(1) if match else None


def program_findings(root, tests, unsanitized_suites):
    """`tests` as of tests_of(); `unsanitized_suites` can run on no sanitized program."""
    seen, names, unsanitized = {}, set(), set()
    for name, command, environment, folder in tests:
        preset = preset_of(root, folder)
        if not name.startswith(f"{preset}."):
            yield name, f"its name does not begin with {preset}., that of its build"
        if name in names:
            yield name, "its name is that of another test: ctest mixes their properties"
        names.add(name)
        if not command:
            yield name, "its program is not built"
            continue
        own = {key: preset_of(root, environment[key]) for key in PROGRAMS if key in environment}
        for key, other in own.items():
            if other != preset:
                yield name, f"{key} is that of {other}"
        program = preset_of(root, command[0])
        if program not in (None, preset) and len(own) < len(PROGRAMS):
            yield name, f"runs a program of {program}, which runs those of {program}"
        for word in command[1:]:
            if preset_of(root, word) not in (None, preset):
                yield name, f"is given {word}"
        work = (*command, *sorted(environment.items()))
        if work in seen:
            yield name, f"does again what {seen[work]} does"
        seen[work] = name
        if environment.get("STELE_SANITIZED", "0") == "0":
            unsanitized.add(name.rsplit(".", 1)[-1])
    for suite in sorted(unsanitized_suites - unsanitized):
        yield suite, "no preset runs it without a sanitizer, and with one it is skipped"


def suites_without_sanitizer(texts):
    """The suites of which a precondition asks for a program without sanitizers: name -> text."""
    found = set()
    for name, text in texts.items():
        for condition in re.findall(r"precondition\((\w+)\)", text):
            body = re.search(rf"{condition}\([^)]*\) \{{.*?\n\}}", text, re.DOTALL)
            if condition == "has_no_sanitizer" or body and "is_sanitized()" in body.group(0):
                found.add(name)
    return found


def skip_findings(log, lacks=tuple(MACHINE_LACKS)):
    """What no preset ran in a run of which `log` is ctest's LastTest.log. A skipped case is named by
    its test with the reason; it ran if its test ran in another preset without skipping it."""
    skipped, ran = {}, {}
    for part in re.split(r"^\d+/\d+ Testing: ", log, flags=re.MULTILINE)[1:]:
        name = part.split("\n", 1)[0].strip()
        base = name.split(".", 1)[-1]
        cases = dict(re.findall(r"^skipped: stele/(\S+): ?(.*)$", part, re.MULTILINE))
        if re.search(r"^Test Skipped\.", part, re.MULTILINE) and not cases:
            reason = re.search(r"^skipped: (.*)$", part, re.MULTILINE)
            cases = {"": reason.group(1) if reason else "without a reason"}
        ran.setdefault(base, []).append(set(cases))
        for case, reason in cases.items():
            skipped[base, case] = reason
    for (base, case), reason in sorted(skipped.items()):
        if any(case not in cases and "" not in cases for cases in ran[base]):
            continue
        for words, is_there in lacks:
            if re.match(words, reason) and not is_there():
                break
        else:
            yield base + (f" {case}" if case else ""), f"is skipped everywhere: {reason}"


def runs_unsanitized(root, log):
    """Whether one of the presets of a run is built without sanitizers."""
    presets = set(re.findall(r"^\d+/\d+ Testing: ([\w-]+)\.", log, re.MULTILINE))
    return any("-fsanitize=" not in (root / "build" / preset / "CMakeCache.txt").read_text()
               for preset in presets)


def skipped_in(root, path):
    if not path.exists():
        return [(path.name, "is not there: nothing ran")]
    log = path.read_text(errors="replace")
    return list(skip_findings(log, [*MACHINE_LACKS, (
        "needs a daemon without sanitizers", lambda: runs_unsanitized(root, log))]))


def main():
    command, root = sys.argv[1], Path(sys.argv[2]).resolve()
    if command == "join":
        (root / "build/CTestTestfile.cmake").write_text(joined(root, sys.argv[3:]))
        return 0
    if command == "skipped":
        found = skipped_in(root, root / "build/Testing/Temporary/LastTest.log")
    else:
        presets = [name for name in default_presets(root)
                   if (root / "build" / name / "CTestTestfile.cmake").exists()]
        texts = {path.stem: path.read_text() for path in root.glob("tests/*/*_test.cpp")}
        asked = suites_without_sanitizer(texts) if "release" in presets else set()
        tests = tests_of(root, presets)
        found = list(program_findings(root, tests, asked)) if tests else [
            ("tests/run.sh", "no preset that it takes has tests here")]
    count = 0
    for name, sentence in found:
        print(f"{name}: {sentence}")
        count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
