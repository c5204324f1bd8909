#!/usr/bin/env python3
"""Checks what the compiler cannot: who may include whom, sizes, names, words, the layout.

usage: tidy.py [SOURCE_DIR]     prints file:line: rule, one a line; exit 1 if there is any
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from coroutine_rules import coroutine_findings
from cpp_text import code_only, function_bodies, line_of
from document_rules import document_findings
from folder_rules import folder_findings
from mutant_rules import mutant_findings
from script_rules import script_findings
from unity_rules import unity_findings

LINE_COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500

TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "README.md",
             "client-lib", "daemon", "protocol", "systemd", "tests", "wal"}

SOCKETS = r"sys/socket\.h|sys/un\.h|netinet/|arpa/|netdb\.h|sys/epoll\.h"
ASIO = r"boost/(?:asio|beast)"
WAL_PUBLIC = r"wal/(?:log|pack/pack_reader|types|storage|io/disk_directory|error|gap_ledger|pack_notes|quiet_thread|varint)\.hpp"
# The verbs of the command that work on a log's own directory, and what they see of wal.
OFFLINE_VERBS = r"client-lib/cli/offline/\w+\.[ch]pp"
WAL_OFFLINE = r"wal/(?:format/aligned_buffer|file/disk_probe|error|log|types|offline/\w+)\.hpp"

# Module -> (what it must not include, why). Includes are matched from their start. `stele/` is the
# folder of public headers: stele@protocol/… or stele@client-lib/… says whose.
INCLUDE_RULES = {
    "protocol": [
        (r"(?:wal|daemon|client-lib|client)/|stele@client-lib", "protocol knows no other module"),
        (rf"{ASIO}|{SOCKETS}", "protocol is pure: bytes in, values out, no sockets"),
        (r"fstream|filesystem|fcntl\.h|unistd\.h", "protocol is pure: no files"),
    ],
    "wal": [
        (r"(?:protocol|daemon|client-lib|client)/|stele@", "wal stores opaque bytes: no other module"),
        (rf"boost/json|{ASIO}|{SOCKETS}|spdlog/", "wal knows no JSON, no Asio, no logger"),
    ],
    "daemon": [
        (r"(?:client-lib|client)/|stele@client-lib", "the daemon does not need the client"),
        (rf"wal/(?!{WAL_PUBLIC.removeprefix('wal/')}$)", f"of wal only {WAL_PUBLIC} is public"),
    ],
    "client-lib": [
        (r"(?:wal|daemon)/", "the client library never sees wal or daemon"),
    ],
    "client-lib offline": [
        (rf"daemon/|wal/(?!{WAL_OFFLINE.removeprefix('wal/')}$)",
         f"of wal the offline verbs see {WAL_OFFLINE}"),
    ],
    "client-lib/include": [
        (rf"{ASIO}|boost/json|protocol/", "the public header of the sync client hides its means"),
    ],
}
NO_MODULE = [
    (r"(?:tests|support)/|boost/test", "no module includes tests"),
    (r"liburing\.h", "liburing is known to wal/io/uring_backend.cpp alone"),
    (r"\.\./", "include by module: \"module/file.hpp\""),
]

BANNED_TYPE = re.compile(
    r"\b(?:class|struct|enum class|enum|using)\s+(\w+(?:Manager|Helper|Helpers|Util|Utils|Common|Base"
    r"|Processor|Info|Data))\b(?!\s*::)")
BANNED_STEMS = {"common", "helper", "helpers", "misc", "util", "utils"}
BANNED_CODE = [
    (r".*\.hpp$", r"\busing\s+namespace\b", "`using namespace` in a header leaks into every user"),
    (r"daemon/session/session.*", r"std::function\b", "std::function allocates on the path of each request"),
    (r"(?:daemon|client-lib)/.*", r"\bdetached\b", "`detached` swallows what a coroutine throws"),
    (r"(?:protocol|wal|daemon|client-lib)/.*\.[ch]pp", r"\bcatch\s*\(\s*\.\.\.\s*\)\s*\{(?![^}]*\bthrow;)",
     "catch (...) that does not rethrow hides defects"),
    (r".*\.[ch]pp", r"\bstd::(?:ranges::)?minmax\(\s*[^{\s]",
     "std::minmax of two values gives references, also to temporaries: give it a list"),
    (r".*CMakeLists\.txt", r"(?i)\bfile\s*\(\s*GLOB", "source lists are explicit"),
    (r".*CMakeLists\.txt", r"-Werror", "-Werror is not for users"),
]
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
ADVERTISING = re.compile(
    r"(?i)\b(?:robust(?:ly|ness)?|seamless(?:ly)?|comprehensive|blazing(?:ly)?|powerful|cutting-edge"
    r"|state-of-the-art|world-class|effortless(?:ly)?|battle-tested|enterprise-grade|leverage[sd]?"
    r"|lightning|delightful|elegant(?:ly)?)\b")
# Words that only this project used, and what others call it.
PRIVATE_WORDS = {
    "anew": "again", "PlainReader": "FastWriteParser", "PlainDirectory": "OfflineDirectory",
    "own_file": "checked_open", "ClientPatience": "ClientTimeout", "Haste": "AllocationPriority",
    "DirectoryPlace": "DirectoryHandle", "remains_of": "salvageable_payloads",
    "had_its_share": "is_over_commit_quota", "drop_input": "discard_input",
    "turn_segment": "rotate_segment", "read_room": "read_buffer", "this room": "this module",
    "Trouble": "Error", "EntryTerms": "EntryFilter", "TermsReader": "FilterReader"}
# What code is said to do; documents may tell people.
CODE_WORDS = {"so many": "N", "told": "reported", "tells": "reports", "tell": "report",
              "unsure": "maybe_duplicated", "figures": "metrics"}
PRIVATE_WORD = re.compile(rf"\b(?:{'|'.join(PRIVATE_WORDS)})\b")
CODE_WORD = re.compile(rf"\b(?:{'|'.join(CODE_WORDS)})\b")
EMOJI = re.compile("[\u2600-\u27bf\U0001f000-\U0001faff]")
UNVERSIONED_BOOST = re.compile(r"\blibboost-(?:[a-z]+-)*dev\b")

CPP = (".cpp", ".hpp", ".h", ".c")
LEFTOVERS = (".orig", ".rej", ".bak", ".swp", "~")
TEXT = CPP + (".py", ".sh", ".txt", ".md", ".json", ".cmake", ".conf", ".in")


def tracked_files(root):
    """Paths of the repository's files: git's list, with files not yet added; else a walk."""
    if (root / ".git").exists():
        git = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            listed = subprocess.run(git, capture_output=True, check=True).stdout.decode().split("\0")
            return sorted(path for path in set(listed) if path and (root / path).is_file())
        except (OSError, subprocess.CalledProcessError):
            pass
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
        found += [str((Path(folder) / name).relative_to(root)) for name in files]
    return sorted(found)


def layout_findings(files):
    for path in files:
        if path.endswith(LEFTOVERS):
            yield path, 1, "left over by a tool: no part of the project"
    for top in sorted({path.split("/")[0] for path in files}):
        if top not in TOP_LEVEL and not top.startswith("."):
            yield top, 1, "the top level is closed: documents and scripts live in a module"
    for path in files:
        if Path(path).stem.lower() in BANNED_STEMS:
            yield path, 1, "name the file after its one idea"


def build_findings(files, read):
    """Each .cpp is in the source list of its own or a parent folder's CMakeLists.txt."""
    for path in files:
        if not path.endswith(".cpp"):
            continue
        for folder in list(Path(path).parents)[:-1]:
            lists = f"{folder}/CMakeLists.txt"
            name = re.escape(str(Path(path).relative_to(folder)))
            if path.startswith("tests/fuzz/"):  # Listed by the name of the target.
                name = re.escape(Path(path).stem)
            if lists in files and re.search(rf"(?<![\w/.]){name}(?!\w)", read(lists)):
                break
        else:
            yield path, 1, "not in a CMakeLists.txt: nothing builds it"


def include_findings(path, text, public_headers):
    module = path.split("/")[0]
    if module not in INCLUDE_RULES:
        return
    if re.fullmatch(OFFLINE_VERBS, path):
        module = "client-lib offline"
    rules = INCLUDE_RULES[module] + NO_MODULE
    if path == "client-lib/include/stele/client.hpp":
        rules = rules + INCLUDE_RULES["client-lib/include"]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^">]+)[">]', line)
        if not match:
            continue
        target = match.group(1)
        if target.startswith("stele/"):
            target = f"stele@{public_headers.get(target, 'unknown')}"
        for pattern, why in rules:
            if re.match(pattern, target) and not (
                    target == "liburing.h" and path == "wal/io/uring_backend.cpp"):
                yield path, number, f"includes {match.group(1)}: {why}"


def width(path, line):
    """The columns that count: those of prose, of data and of literals in tests do not."""
    if path.endswith((".json", ".md")):
        return 0
    if path.startswith("tests/") and path.endswith(CPP):
        return len(re.sub(r'"(?:\\.|[^"\\])*"|R"\(.*?\)"', '""', line))
    return len(line)


def line_findings(path, text):
    is_product = path.endswith(CPP) and not path.startswith("tests/")
    for number, line in enumerate(text.split("\n"), 1):
        if width(path, line) > LINE_COLUMNS_MAX:
            yield path, number, f"{len(line)} columns; at most {LINE_COLUMNS_MAX}"
        if line != line.rstrip():
            yield path, number, "white space at the end of the line"
        if "\t" in line:
            yield path, number, "a tab; indent with spaces"
        for match in PRIVATE_WORD.finditer(line):
            yield path, number, f"{match.group(0)}: say {PRIVATE_WORDS[match.group(0)]}"
        for match in CODE_WORD.finditer(line if is_product else ""):
            yield path, number, f"{match.group(0)}: say {CODE_WORDS[match.group(0)]}"
        if UNFINISHED.search(line):
            yield path, number, "finish it or file an issue"
        if UNVERSIONED_BOOST.search(line):
            yield path, number, "unversioned Boost packages are 1.74 and conflict with 1.81"
    if text and not text.endswith("\n"):
        yield path, text.count("\n") + 1, "the last line has no line end"


def prose_findings(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for match in ADVERTISING.finditer(line):
            yield path, number, f"\"{match.group(0)}\" praises; say what it does"
        if EMOJI.search(line):
            yield path, number, "plain text only"


def cpp_findings(path, text):
    code = code_only(text)
    if path.endswith(".hpp"):
        if not text.startswith("//"):
            yield path, 1, "a header begins with a comment: what it is for"
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield path, 1, "no #pragma once"
    for match in BANNED_TYPE.finditer(code):
        yield path, line_of(code, match.start()), f"{match.group(1)}: the suffix says nothing"
    file_lines = text.count("\n")
    if file_lines > FILE_LINES_MAX:
        yield path, 1, f"{file_lines} lines; at most {FILE_LINES_MAX}"
    for opening, closing in function_bodies(code):
        lines = code[opening:closing].split("\n")
        # In tests, the rows of a table are data.
        length = len([line for line in lines
                      if not (path.startswith("tests/") and re.match(r'\s*[{"R]', line))])
        if length > FUNCTION_LINES_MAX:
            yield (path, line_of(code, opening),
                   f"a function of {length} lines; at most {FUNCTION_LINES_MAX}")
    for number, sentence in coroutine_findings(text):
        yield path, number, sentence


def banned_findings(path, text):
    code = code_only(text) if path.endswith(CPP) else text
    for files, pattern, why in BANNED_CODE:
        if re.fullmatch(files, path):
            for match in re.finditer(pattern, code):
                yield path, line_of(code, match.start()), why


def findings(root, files=None):
    """All findings, as (path, line, sentence)."""
    files = tracked_files(root) if files is None else files

    def read(path):
        return (root / path).read_text(encoding="utf-8", errors="replace")

    public_headers = {path.split("/include/")[1]: path.split("/")[0]
                      for path in files if "/include/stele/" in path}
    yield from layout_findings(files)
    yield from build_findings(files, read)
    yield from document_findings(files, read)
    yield from folder_findings(files, read)
    yield from mutant_findings(files, read)
    yield from unity_findings(files, read)
    yield from script_findings(files, read)
    for path in files:
        # The rules cannot be spelled without breaking them.
        if not path.endswith(TEXT) or path.startswith("tests/tidy/"):
            continue
        text = read(path)
        yield from line_findings(path, text)
        yield from banned_findings(path, text)
        if path.endswith(".md"):
            yield from prose_findings(path, text)
        if path.endswith(CPP):
            yield from include_findings(path, text, public_headers)
            yield from cpp_findings(path, text)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    count = 0
    for path, number, sentence in findings(root):
        print(f"{path}:{number}: {sentence}")
        count += 1
    print(f"tidy: {count} findings" if count else "tidy: nothing to report")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
