"""What documents say of the tests, held against the tests: names, promises, limits."""

import re
from pathlib import Path

PROMISE_TABLES = ("protocol/PROTOCOL.md", "wal/FORMAT.md")
PROMISES = range(1, 41)

LIMITS_CODE = "daemon/operations/metrics.cpp"
LIMITS_TABLES = ("protocol/PROTOCOL.md", "tests/README.md")

LIFE = re.compile(r"^## The life of .*\n((?:(?!^## ).*\n)*)", re.MULTILINE)
NAMED_FILE = re.compile(r"`([\w/-]+\.[ch]pp)`")

NAMED_CASE = re.compile(r"`(\w+_test)/(\w+)`")


def case_findings(path, text, suites):
    """Each `suite/case` is a case of tests/*/suite.cpp. `suites`: name -> text."""
    for number, line in enumerate(text.splitlines(), 1):
        for suite, case in NAMED_CASE.findall(line):
            if not re.search(rf"_TEST_CASE\w*\(\s*{case}\s*[,)]", suites.get(suite, "")):
                yield path, number, f"{suite}/{case} is not there"


def life_findings(path, text, files):
    """Each file that a life of a write or a read goes through is there."""
    for life in LIFE.finditer(text):
        for named in NAMED_FILE.finditer(life.group(1)):
            if named.group(1) not in files:
                number = text.count("\n", 0, life.start(1) + named.start()) + 1
                yield path, number, f"{named.group(1)} is not there"


def promise_findings(documents):
    """Every promise has its row, with a test. `documents`: path -> text."""
    held = set()
    for text in documents.values():
        for row in re.findall(r"^\| (P\d+(?:, P\d+)*) \|.*_test/.*\|$", text, re.MULTILINE):
            held.update(int(number) for number in re.findall(r"\d+", row))
    for promise in PROMISES:
        if promise not in held:
            yield PROMISE_TABLES[0], 1, f"no table says which test holds P{promise}"


def limit_findings(code, documents):
    """Each limit that `stats` shows is in the tables of limits."""
    body = re.search(r'ObjectText\(out, "limits"\)(.*?);', code, re.DOTALL)
    for limit in re.findall(r'\.number\("(\w+)"', body.group(1) if body else ""):
        for path, text in documents.items():
            if not re.search(rf"^\|.*`{limit}`.*\|$", text, re.MULTILINE):
                yield path, 1, f"the limit {limit} is in no table"


def document_findings(files, read):
    """All of the above. `read` gives a file's text."""
    suites = {Path(path).stem: read(path) for path in files
              if re.fullmatch(r"tests/.*_test\.cpp", path)}
    for path in files:
        if path.endswith(".md"):
            yield from case_findings(path, read(path), suites)
            yield from life_findings(path, read(path), files)
    if all(path in files for path in PROMISE_TABLES):
        yield from promise_findings({path: read(path) for path in PROMISE_TABLES})
    if all(path in files for path in (LIMITS_CODE, *LIMITS_TABLES)):
        yield from limit_findings(read(LIMITS_CODE), {path: read(path) for path in LIMITS_TABLES})
