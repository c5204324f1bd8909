"""Reads and counts answered by a plain list and a filter, and the judging of replies by them."""

from json_text import same_value
from violation import require

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
TS_MAX = 2**64 - 1


class Query:
    """The members of a read that say which entries, and in which order."""

    def __init__(self, **members):
        self.start_ts = members.get("start_ts", 0)
        self.end_ts = members.get("end_ts", TS_MAX)
        self.after_seq = members.get("after_seq", 0)
        self.min_level = members.get("min_level")
        self.contains = members.get("contains")
        self.where = members.get("where")
        self.origin = members.get("origin")
        self.order = members.get("order", "asc")
        self.limit = members.get("limit")
        self.by_seq = False

    def __str__(self):
        return str({k: v for k, v in vars(self).items() if v is not None})[:300]

    def takes(self, entry):
        """True, False, or None: its timestamp or its origin, which decides, is not known yet."""
        intent = entry.intent
        if entry.seq <= self.after_seq:
            return False
        if self.min_level and LEVELS.index(intent.level) < LEVELS.index(self.min_level):
            return False
        if self.contains is not None and self.contains not in intent.message:
            return False
        if self.where is not None and not all(
                name in intent.metadata and same_value(intent.metadata[name], value)
                for name, value in self.where.items()):
            return False
        if entry.timestamp is None:
            if self.start_ts > 0 or self.end_ts < TS_MAX:
                return None
        elif not self.start_ts <= entry.timestamp <= self.end_ts:
            return False
        if self.origin is None:
            return True
        if entry.origin is None:
            return None
        pid, uid, _ = entry.origin
        return self.origin.get("pid", pid) == pid and self.origin.get("uid", uid) == uid

    def key(self, entry):
        if self.by_seq:
            return entry.seq
        sign = 1 if self.order == "asc" else -1
        return (sign * entry.timestamp, sign * entry.seq)


def judge_rows(oracle, query, rows, known, where, exhausted=True, behind=None, cancelled=False):
    """Rows of one page. `known`: what was on disk and what had expired when it was asked; `behind`:
    the key of the last row of the page before. Returns the key of the last row."""
    known_seq, floor = known
    entries = [oracle.see(row, floor) for row in rows]
    keys = [query.key(e) for e in entries]
    require(all(a < b for a, b in zip(keys, keys[1:])), f"{where}: out of order: {keys[:50]}")
    require(behind is None or not keys or behind < keys[0], f"{where}: a page begins too early")
    for entry in entries:
        require(query.takes(entry), lambda: f"{where}: seq {entry.seq} does not match {query}")
    require(query.limit is None or len(rows) <= query.limit, f"{where}: more than the limit")
    if not exhausted and not cancelled:
        require(len(rows) == query.limit, f"{where}: ended after {len(rows)} of {query.limit}")
    newest = max([known_seq] + [e.seq for e in entries])
    shown = {e.seq for e in entries}
    cut = not exhausted or cancelled or (query.limit is not None and len(rows) == query.limit)
    for entry in list(oracle.entries.values()):
        if entry.seq > newest or entry.seq in shown or query.takes(entry) is not True:
            continue
        if entry.timestamp is None and not query.by_seq:
            if not cut:
                oracle.miss(entry.seq, where)
            continue
        key = query.key(entry)
        if behind is not None and key <= behind:
            continue
        if cut and (not keys or key > keys[-1]):
            continue
        oracle.miss(entry.seq, where)
    return keys[-1] if keys else behind


def count(oracle, query, bucket_us=None):
    """The exact answer, when all is known."""
    total, buckets = 0, {}
    for entry in oracle.entries.values():
        if not query.takes(entry):
            continue
        total += 1
        if bucket_us:
            start = entry.timestamp // bucket_us * bucket_us
            buckets[start] = buckets.get(start, 0) + 1
    return total, sorted([start, number] for start, number in buckets.items())
