"""The patches in tests/mutants: each applies to the code as it is, names a test that is there, and
has its row in tests/README.md."""

import re
from pathlib import Path

FOLDER = "tests/mutants/"
TABLE = "tests/README.md"

CAUGHT_BY = re.compile(r"Caught by: (?:\w+=\S+ )*(\w+_test) --run_test=(\S+)")
CAUGHT_BY_PYTHON = re.compile(
    r"Caught by: /usr/bin/python3 -B (tests/python/\w+_test\.py) (\w+)\.(test_\w+)")
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def parse_patch(text):
    """[(path, [(first line, old lines, new lines)])], as patch(1) reads it; ValueError says why not."""
    files = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("+++ "):
            files.append((line[4:].split("\t")[0].removeprefix("b/"), []))
        hunk = HUNK.match(line)
        if not hunk:
            continue
        if not files:
            raise ValueError("a hunk without a file")
        old_left, new_left = (int(hunk.group(group) or 1) for group in (2, 4))
        old, new = [], []
        while old_left > 0 or new_left > 0:
            row = next(lines, None)
            if row is None or row[:1] not in ("", " ", "-", "+"):
                raise ValueError(f"{hunk.group(0)} has another number of lines than it says")
            if row[:1] != "+":
                old.append(row[1:])
                old_left -= 1
            if row[:1] != "-":
                new.append(row[1:])
                new_left -= 1
        files[-1][1].append((int(hunk.group(1)), old, new))
    if not any(hunks for _, hunks in files):
        raise ValueError("no hunk")
    return files


def place_of(old, code, first, hint):
    """Where the lines stand in `code`, from `first` on, as near to `hint` as may be; None: nowhere."""
    places = [at for at in range(first, len(code) - len(old) + 1) if code[at:at + len(old)] == old]
    return min(places, key=lambda at: abs(at - hint), default=None)


def patch_findings(path, text, read):
    """Whether it applies without fuzz. `read` gives a file's text, or None if there is none."""
    try:
        files = parse_patch(text)
    except ValueError as error:
        yield path, 1, f"no patch: {error}"
        return
    for name, hunks in files:
        code = read(name)
        if code is None:
            yield path, 1, f"{name} is not there"
            continue
        code = code.splitlines()
        at, offset = 0, 0
        for hint, old, new in hunks:
            found = place_of(old, code, at, hint - 1 + offset)
            if found is None:
                yield path, 1, f"does not apply to {name}, at its line {hint}"
                break
            if old == new:
                yield path, 1, f"changes nothing in {name}, at its line {hint}"
            at, offset = found + len(old), found - (hint - 1)


def caught_by_findings(path, text, suites):
    """The second line names a test that is there. `suites`: name, or path in Python -> text."""
    lines = text.splitlines()
    python = CAUGHT_BY_PYTHON.fullmatch(lines[1]) if len(lines) > 1 else None
    if python:
        code = suites.get(python[1], "")
        if f"class {python[2]}(" not in code or f"def {python[3]}(self)" not in code:
            yield path, 2, f"{python[2]}.{python[3]} is not there"
        return
    match = CAUGHT_BY.fullmatch(lines[1]) if len(lines) > 1 else None
    if match is None or lines[0].startswith(("---", "Caught by:")):
        yield path, 1, "the first two lines say the fault and the test: see tests/README.md"
        return
    for suite_and_case in match.group(2).split(","):
        suite, _, case = suite_and_case.partition("/")
        case = re.escape(case).replace(r"\*", r"\w*") if case else r"\w+"
        if not re.search(rf"_TEST_CASE\w*\(\s*(?:\w+,\s*)?{case}\s*[,)]", suites.get(suite, "")):
            yield path, 2, f"{suite_and_case} is not there"


def row_findings(names, table):
    """Each number has a row in the table, and each row a patch."""
    rows = set()
    for row in re.findall(r"^\| (M\d+\w?(?:, M\d+\w?)*) \|(.*)\|$", table, re.MULTILINE):
        rows.update(re.findall(r"M\d+", row[0]))
        rows.update(re.findall(r"[(;] ?(M\d+): ", row[1]))
    numbers = {re.match(r"M\d+", name).group(0) for name in names}
    for number in sorted(numbers - rows):
        yield TABLE, 1, f"the table of mutants has no {number}"
    for number in sorted(rows - numbers):
        yield TABLE, 1, f"there is no mutant {number}"


def mutant_findings(files, read):
    """All of the above. `read` gives a file's text."""
    patches = [path for path in files if path.startswith(FOLDER) and path.endswith(".patch")]
    suites = {Path(path).stem: read(path) for path in files
              if re.fullmatch(r"tests/.*_test\.cpp", path)}
    suites |= {path: read(path) for path in files
               if re.fullmatch(r"tests/python/\w+_test\.py", path)}
    there = set(files)
    for path in patches:
        text = read(path)
        yield from patch_findings(path, text, lambda name: read(name) if name in there else None)
        yield from caught_by_findings(path, text, suites)
    if patches and TABLE in there:
        yield from row_findings([Path(path).stem for path in patches], read(TABLE))
