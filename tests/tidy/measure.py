#!/usr/bin/env python3
"""Measures how easily one finds one's way in the source: the figures of one tree, to be held against
those of another.

usage: measure.py [SOURCE_DIR]
"""

import re
import sys
from collections import Counter
from pathlib import Path

from cpp_text import code_only, function_bodies
from folder_rules import CONCEPTS_MAX, in_a_circle
from tidy import CODE_WORDS, PRIVATE_WORDS, tracked_files

MODULES = ("protocol", "wal", "daemon", "client-lib")
# Folders whose own files put the parts together, and whose own headers are for all.
ROOTS = (*MODULES, "client-lib/cli", "client-lib/ship")
SMALL_LINES = 40
# Words of this project's own for what has a common name.
COUNTED_WORDS = (*PRIVATE_WORDS, *CODE_WORDS)
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def product_files(root):
    return [Path(path) for path in tracked_files(root)
            if path.split("/")[0] in MODULES and path.endswith((".cpp", ".hpp", ".h", ".c"))]


def crowded_folders(paths):
    stems = {}
    for path in paths:
        stems.setdefault(path.parent, set()).add(path.stem)
    return {folder: len(names) for folder, names in sorted(stems.items())
            if len(names) > CONCEPTS_MAX}


def used_folders(paths, texts):
    """Folder -> the folders of which it includes a file."""
    uses = {}
    for path in paths:
        if str(path.parent) in ROOTS or "include" in path.parts:
            continue
        for target in INCLUDE.findall(texts[path]):
            other = str(Path(target).parent)
            if other != str(path.parent) and other not in ROOTS and "/" in other:
                uses.setdefault(str(path.parent), set()).add(other)
    return uses


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    paths = product_files(root)
    texts = {path: (root / path).read_text(encoding="utf-8") for path in paths}
    lines = {path: text.count("\n") for path, text in texts.items()}
    functions = [(text.count("\n", opening, closing) + 1, path) for path in paths
                 for text in [code_only(texts[path])] for opening, closing in function_bodies(text)]
    words = Counter()
    for text in texts.values():
        for word in COUNTED_WORDS:
            words[word] += len(re.findall(rf"\b{word}\b", text))
    longest = max(lines, key=lines.get)
    print(f"folders of more than {CONCEPTS_MAX} files:",
          ", ".join(f"{folder} {count}" for folder, count in crowded_folders(paths).items()) or "none")
    print("folders:", len({path.parent for path in paths}))
    for module in MODULES:
        own = [path for path in paths if path.parts[0] == module]
        print(f"{module}: {sum(lines[path] for path in own)} lines in {len(own)} files")
    print("all modules:", sum(lines.values()), "lines")
    print(f"longest file: {longest} {lines[longest]}")
    print("longest function: {1} {0}".format(*max(functions)))
    print(f"files under {SMALL_LINES} lines:", sum(count < SMALL_LINES for count in lines.values()))
    uses = used_folders(paths, texts)
    print("folders that use themselves by way of others:",
          ", ".join(folder for folder in sorted(uses) if in_a_circle(uses, folder)) or "none")
    print("private words:", sum(words.values()),
          ", ".join(f"{word} {count}" for word, count in words.most_common() if count))


if __name__ == "__main__":
    main()
