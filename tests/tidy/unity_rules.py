"""A unity build compiles many files of a folder as one: what their unnamed namespaces declare must
not meet there. Overloads may: they differ in their parameters. What stands inside of a test suite is
the suite's own: BOOST_AUTO_TEST_SUITE opens a namespace of its name."""

import re
from pathlib import Path

from cpp_text import code_only, line_of, matching_brace

UNITY_FOLDERS = re.compile(
    r"(?:(?:protocol|wal|daemon)(?:/\w+)?|client-lib(?:/cli(?:/\w+)?|/ship)?"
    r"|tests/(?:client|daemon(?:/\w+)?|faults|process|protocol|simulation|support|wal))/[^/]+\.cpp")
# What is declared at the start of a line, as clang-format leaves it.
TYPE = re.compile(r"^(?:class|struct|enum class|enum|union) (\w+)[^;]*?\{", re.MULTILINE)
ALIAS = re.compile(r"^using (\w+) = ([^;]*);", re.MULTILINE)
CONSTANT = re.compile(
    r"^(?:(?:constexpr|const|static|volatile|thread_local|std::atomic)\b[^;={(]*?"
    r"|\w[\w:<>, *]*? const )\b(\w+)(?:\[\])?\s*[={]",
    re.MULTILINE)
FUNCTION = re.compile(
    r"^(?=\S)(?!using|namespace|return|else|template|class|struct|enum|#)"
    r"[\w:<>,&* \[\]\"\n]*?(?<!::)\b(\w+)"
    r"\(([^;{}]*?)\)\s*(?:const)?\s*(?:noexcept)?\s*\{", re.MULTILINE)


def unnamed_namespaces(code):
    """The offsets of each that is in no suite: (opening, closing)."""
    suite = re.search(r"^BOOST_(?:AUTO|FIXTURE)_TEST_SUITE\(", code, re.MULTILINE)
    end = suite.start() if suite else len(code)
    for match in re.finditer(r"^namespace \{$", code[:end], re.MULTILINE):
        yield match.end(), matching_brace(code, match.end() - 1)


def parameter_types(text):
    """The types of a list of parameters, without their names."""
    parts = [re.sub(r"\s+", " ", part).strip() for part in text.split(",")]
    return ",".join(re.sub(r"(?<=[\w&*>]) \w+(?: = .*)?$", "", part) for part in parts)


def declared(code):
    """(offset, name, what it is) of the unnamed namespaces of a file. Two of one name can stand side
    by side if they are functions of different parameters, or aliases of one type."""
    for opening, closing in unnamed_namespaces(code):
        body = code[opening:closing]
        for pattern in (TYPE, CONSTANT):
            for match in pattern.finditer(body):
                yield opening + match.start(1), match.group(1), ""
        for match in ALIAS.finditer(body):
            yield opening + match.start(1), match.group(1), f" = {match.group(2)}"
        for match in FUNCTION.finditer(body):
            yield (opening + match.start(1), match.group(1),
                   f"({parameter_types(match.group(2))})")


def meet(one, other):
    """Whether two declarations of one name clash."""
    if one.startswith(" = ") and other.startswith(" = "):
        return one != other
    if one.startswith("(") and other.startswith("("):
        return one == other
    return True


def unity_findings(files, read):
    """Each name that two files of a folder declare."""
    known = {}
    for path in files:
        if not UNITY_FOLDERS.fullmatch(path):
            continue
        folder = Path(path).parent
        # A folder that has no list of its own belongs to the target of the one above.
        if f"{folder}/CMakeLists.txt" not in files and f"{folder.parent}/CMakeLists.txt" in files:
            folder = folder.parent
        code = code_only(read(path))
        for offset, name, what in sorted(set(declared(code))):
            owners = known.setdefault((folder, name), [])
            for owner, other in owners:
                if owner != path and meet(what, other):
                    yield path, line_of(code, offset), (
                        f"{name}{what} is declared in {owner}, too: a unity build compiles both as one")
                    break
            owners.append((path, what))
