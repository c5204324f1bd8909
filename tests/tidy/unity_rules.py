"""A unity build compiles many files of a folder as one: what their unnamed namespaces declare must
not meet there. Overloads may: they differ in their parameters."""

import re
from pathlib import Path

from cpp_text import code_only, line_of, matching_brace

UNITY_FOLDERS = re.compile(r"(?:protocol|wal|daemon|client-lib(?:/cli|/ship)?)/[^/]+\.cpp")
# What is declared at the start of a line, as clang-format leaves it.
TYPE = re.compile(r"^(?:class|struct|enum class|enum|union) (\w+)(?! final;)[^;]*?\{", re.MULTILINE)
CONSTANT = re.compile(
    r"^(?:constexpr|const|static|volatile|thread_local|std::atomic)\b[^;={(]*?\b(\w+)\s*[={]",
    re.MULTILINE)
FUNCTION = re.compile(
    r"^(?=\S)(?!using|namespace|return|else|template|class|struct|enum|#)[\w:<>,&* \[\]\"\n]*?(?<!::)\b(\w+)"
    r"\(([^;{}]*?)\)\s*(?:const)?\s*(?:noexcept)?\s*\{", re.MULTILINE)


def unnamed_namespaces(code):
    """The offsets of each: (opening, closing)."""
    for match in re.finditer(r"^namespace \{$", code, re.MULTILINE):
        yield match.end(), matching_brace(code, match.end() - 1)


def parameter_types(text):
    """The types of a list of parameters, without their names."""
    parts = [re.sub(r"\s+", " ", part).strip() for part in text.split(",")]
    return ",".join(re.sub(r"(?<=[\w&*>]) \w+(?: = .*)?$", "", part) for part in parts)


def declared(code):
    """(offset, what is declared) of the unnamed namespaces of a file."""
    for opening, closing in unnamed_namespaces(code):
        body = code[opening:closing]
        for match in TYPE.finditer(body):
            yield opening + match.start(1), match.group(1)
        for match in CONSTANT.finditer(body):
            yield opening + match.start(1), match.group(1)
        for match in FUNCTION.finditer(body):
            yield (opening + match.start(1),
                   f"{match.group(1)}({parameter_types(match.group(2))})")


def unity_findings(files, read):
    """Each name that two files of a folder declare."""
    first = {}
    for path in files:
        if not UNITY_FOLDERS.fullmatch(path):
            continue
        code = code_only(read(path))
        for offset, name in sorted(set(declared(code))):
            owner = first.setdefault((Path(path).parent, name), path)
            if owner != path:
                yield path, line_of(code, offset), (
                    f"{name} is declared in {owner}, too: a unity build compiles both as one")
