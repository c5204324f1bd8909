"""The folders of a module: who may use whom stands in its README, as a picture that is held against
the real includes.

    ```folders
    session -> request net log    What comes behind two spaces is for readers.
    ```

The first line names the module's own files, which put the parts together and may use all of them;
what a folder uses is every other folder of which it includes a file, no more and no fewer. Headers
of the module's own folder may be used by all; those that users see (include/) are not looked at.
"""

import re
from pathlib import Path

CONCEPTS_MAX = 10  # Files of a folder; a header and its source are one.
PICTURE = re.compile(r"^```folders\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^(\S+) ->((?: \S+)*)(?:  .*)?$")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def drawn(text):
    """Folder -> (the folders that it uses, its line in the document)."""
    picture = PICTURE.search(text)
    if not picture:
        return {}
    first = text.count("\n", 0, picture.start(1)) + 1
    rows = {}
    for number, line in enumerate(picture.group(1).splitlines(), first):
        row = ROW.match(line)
        if row:
            rows[row.group(1)] = (set(row.group(2).split()), number)
    return rows


def in_a_circle(uses, folder):
    """Whether what this folder uses leads back to it."""
    seen, waiting = set(), list(uses[folder])
    while waiting:
        other = waiting.pop()
        if other == folder:
            return True
        if other not in seen:
            seen.add(other)
            waiting += uses.get(other, ())
    return False


def size_findings(module, sources):
    for folder in sorted({path.parent for path in sources}):
        stems = {path.stem for path in sources if path.parent == folder}
        if len(stems) > CONCEPTS_MAX:
            yield str(folder), 1, f"{len(stems)} files that are about one thing; at most {CONCEPTS_MAX}"


def folder_of(module, path):
    """The folder of the module in which it lies, at whatever depth; None: its own."""
    if not path.is_relative_to(module):
        return None
    parts = path.relative_to(module).parts
    return parts[0] if len(parts) > 1 else None


def picture_findings(module, readme, rows, sources, read):
    uses = {folder: set() for folder in (folder_of(module, path) for path in sources) if folder}
    for path in sources:
        folder = folder_of(module, path)
        for target in INCLUDE.findall(read(str(path))) if folder else ():
            other = folder_of(module, Path(target))
            if other in (None, folder):
                continue
            uses[folder].add(other)
            if other not in rows.get(folder, ((), 0))[0]:
                yield str(path), 1, (f"includes {target}: the picture in {readme} does not say that "
                                     f"{folder} uses {other}")
    for folder in sorted(uses):
        if folder not in rows:
            yield readme, 1, f"{folder}/ is not in the picture"
        if in_a_circle(uses, folder):
            yield f"{module}/{folder}", 1, "uses itself by way of others"
    for folder, (drawn_uses, number) in rows.items():
        if folder not in uses:
            if folder != Path(module).name:
                yield readme, number, f"there is no folder {folder}"
            continue
        for other in sorted(drawn_uses - uses[folder]):
            yield readme, number, f"{folder} does not use {other}"


def folder_findings(files, read):
    """All of the above, for each module whose README has a picture."""
    for readme in files:
        module = str(Path(readme).parent)
        if Path(readme).name != "README.md" or not PICTURE.search(read(readme)):
            continue
        sources = [Path(path) for path in files
                   if path.startswith(f"{module}/") and path.endswith((".cpp", ".hpp"))
                   and not path.startswith(f"{module}/include/")]
        yield from size_findings(module, sources)
        yield from picture_findings(module, readme, drawn(read(readme)), sources, read)
