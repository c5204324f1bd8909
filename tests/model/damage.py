"""Damage at rest: what rots, or is lost, between two lives of the daemon."""

import os

SECTOR = 512
COMMITS_AT = 8192


def segments(folder):
    return sorted(name for name in os.listdir(folder)
                  if name.startswith("wal-") and name.endswith((".seg", ".pack")))


def _used(path):
    """Where the bytes that are not zero end."""
    with open(path, "rb") as file:
        return len(file.read().rstrip(b"\0"))


def _overwrite(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def flip(random, folder, path):
    end = min(max(_used(path), COMMITS_AT + SECTOR), os.path.getsize(path))
    if end == 0:
        return "nothing"
    offset = random.randrange(end)
    with open(path, "rb") as file:
        file.seek(offset)
        byte = file.read(1)[0]
    _overwrite(path, offset, bytes([byte ^ 1 << random.randrange(8)]))
    return f"a bit at {offset}"


def zero_sector(random, folder, path):
    size = random.choice((SECTOR, 4096))
    offset = random.randrange(max(_used(path), COMMITS_AT + 1)) // size * size
    _overwrite(path, offset, bytes(size))
    return f"{size} zeros at {offset}"


def garbage(random, folder, path):
    size = random.choice((1, 100, SECTOR, 5000))
    end = max(_used(path), COMMITS_AT + 1)
    offset = random.randrange(end)
    size = max(0, min(size, os.path.getsize(path) - offset))
    _overwrite(path, offset, random.randbytes(size))
    return f"{size} random bytes at {offset}"


def zero_end(random, folder, path):
    """Zeros from a sector on: as if what follows had never been written."""
    end = _used(path)
    if end <= COMMITS_AT:
        return "nothing"
    offset = random.randrange(COMMITS_AT, end) // SECTOR * SECTOR
    _overwrite(path, offset, bytes(end - offset))
    return f"zeros from {offset} on"


def remove(random, folder, path):
    os.unlink(path)
    return "removed"


def rename(random, folder, path):
    os.rename(path, path + ".old")
    return "renamed"


def shorten(random, folder, path):
    os.truncate(path, random.randrange(os.path.getsize(path) + 1))
    return "cut short"


def exchange(random, folder, path):
    """Takes the bytes of another segment."""
    other = os.path.join(folder, random.choice(segments(folder)))
    with open(other, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(data)
    return f"has the bytes of {os.path.basename(other)}"


IN_SEGMENTS = (flip, flip, zero_sector, zero_sector, garbage, zero_end, remove, rename, shorten,
               exchange)


def inflict(random, folder):
    """Does one kind of damage; says what was done."""
    manifest = os.path.join(folder, "MANIFEST")
    chance = random.random()
    if chance < 0.12:
        os.unlink(manifest)
        return ["MANIFEST removed"]
    if chance < 0.2:
        return [f"MANIFEST: {flip(random, folder, manifest)}"]
    done = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        names = segments(folder)
        if len(names) < 2:
            break
        name = random.choice(names)
        what = random.choice(IN_SEGMENTS)
        done.append(f"{name}: {what(random, folder, os.path.join(folder, name))}")
    return done
