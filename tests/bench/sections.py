"""What the two reports show, in their order: names of figures, columns, curves and their texts."""

import curve_texts

NO_BREAK = "\u00a0"  # A space inside a number.

WRITE_FIGURES = [
    ("w1", "One client, one write in flight"),
    ("w16", "16 clients, one write in flight each"),
    ("w64", "64 clients, one write in flight each"),
    ("w16x16", "16 clients, 16 writes in flight each"),
    ("batch", "Batches of 1000, one client, one batch in flight"),
    ("batch4", "Batches of 1000, four clients, one batch in flight each"),
]
COLUMNS = ("floor", "stele io_uring", "stele posix", "redis", "redis-benchmark", "sqlite",
           "postgres", "journald")
BATCH_REMARKS = {
    "redis": "pipelined XADD, not atomic", "postgres": "COPY", "sqlite": "a transaction"}
PARTS = [
    ("parts/write", "the write alone"),
    ("parts/write, not synced", "the write alone, without RWF_DSYNC"),
    ("parts/socket", "the exchange alone, nothing written"),
    ("w1/floor", "the floor: both"),
    ("w1/redis", "Redis, appendfsync always"),
    ("parts/redis, appendfsync no", "Redis, appendfsync no"),
]
READS = [
    ("range/stele", "stele, range of 10 000, as bytes"),
    ("range/redis", "Redis, XRANGE COUNT 10000, as bytes"),
    ("range/journald", "journalctl -o json, the whole journal, with its start"),
    ("range-parsed/stele", "stele, range of 10 000, parsed by stele-bench"),
    ("read/stele", "stele, one entry"),
    ("read/redis", "Redis, XRANGE COUNT 1"),
]
BESIDE = [
    ("alone/stele", "stele, alone"),
    ("beside/stele", "stele, beside the reader"),
    ("alone/floor", "the floor, alone"),
    ("beside/floor", "the floor, in a process of its own, beside the same reader of stele"),
]
TRACE_GROUPS = [
    ("turned", "the operation that turned"),
    ("before", "the ones before a turn"),
    ("after", "the ones after a turn"),
    ("prewriting", "others while the next segment was prewritten"),
    ("others", "all others"),
]


class Curve:
    def __init__(self, prefix, title, abscissa, describe, is_x_log=True):
        self.prefix, self.title, self.abscissa = prefix, title, abscissa
        self._describe, self.is_x_log = describe, is_x_log

    def points(self, results):
        return results.curve(self.prefix)

    def text(self, results):
        points = self.points(results)
        return self._describe(points) if len(points) > 1 else []


def _growth(what):
    return lambda points: curve_texts.describe_growth(points, what)


CURVES = [
    Curve("clients/", "Clients, one write in flight each", "clients",
          curve_texts.describe_clients),
    Curve("entry-bytes/", "Bytes of an entry; 16 clients, one write in flight each", "bytes",
          curve_texts.describe_entry_bytes),
    Curve("out-of-order/", "Share of out-of-order entries; batches of 1000", "share",
          curve_texts.describe_shares, is_x_log=False),
    Curve("filled/", "Entries of a log that is filled in batches of 1000", "entries",
          _growth("Writes in batches")),
    Curve("log-write/", "Entries that the log holds; 16 clients write, one in flight each",
          "entries", _growth("Writes")),
    Curve("log-read/", "Entries that the log holds; reads of one entry", "entries",
          _growth("Reads of one entry")),
    Curve("log-range/", "Entries that the log holds; reads of 10 000", "entries",
          _growth("Entries read in ranges")),
]
RECOVERY = Curve("log-recovery/", "Entries that the log holds; recovery", "entries",
                 curve_texts.describe_recovery)


def traces(results):
    return [(label.removeprefix("turns/"), results.get(label)) for label in results.labels()
            if label.startswith("turns/")]


def number(value, digits=0):
    return f"{value:,.{digits}f}".replace(",", NO_BREAK)


def trace_text(trace):
    """Is there a stall?"""
    of = trace["groups"]
    text = f"{trace['turns']} turns in {trace['operations']} operations. "
    if of["before"].get("count") and of["after"].get("count"):
        text += (f"The median was {number(of['before']['p50'])} µs before a turn, "
                 f"{number(of['turned']['p50'])} µs of the operation that turned, and "
                 f"{number(of['after']['p50'])} µs after it, while the next segment is "
                 "prewritten. ")
    waits = trace["wal"].get("segment_waits", 0)
    return text + (f"The longest that turned took {number(of['turned'].get('max', 0))} µs; of "
                   f"those away from turns one in a thousand took more than "
                   f"{number(of['others'].get('p99.9', 0))} µs, and the longest "
                   f"{number(of['others'].get('max', 0))} µs. Commits that had to wait for a "
                   f"segment: {number(waits)}.")
