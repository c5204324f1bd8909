"""Is there a stall when the log turns to its next segment? Every operation of a client is traced
over many turns, and those around turns are held against the rest.

Which operation turned is exact: `stats` says with which seq the active segment begins, and each
answer says which seq was written. When a segment is being prewritten is known to 20 ms, by the
`.tmp` file that it is until then.
"""

import bisect
import json
import os
import socket
import threading
import time

from servers import Stele

SEGMENT_BYTES = 64 << 20
LOOK_SECONDS = 0.02
BINS = 360
# load -> flags of stele-bench; of an operation: bytes on disk, entries; how many are near a turn
LOADS = {
    "entries of 16 KiB": (("--entry-bytes", 16384), 16_896, 1, 50),
    "batches of 1000": (("--batch", 1000), 322_000, 1000, 20),
}


class Watch(threading.Thread):
    """Looks at stele's stats and directory until stop()."""

    def __init__(self, stele):
        super().__init__(daemon=True)
        self._stele = stele
        self._stopping = threading.Event()
        self.turns = []        # seqs with which a segment began
        self.prewriting = []   # [from, to] in seconds of the monotonic clock

    def run(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.connect(str(self._stele.socket))
            lines = peer.makefile("rb")
            before = None
            while not self._stopping.wait(LOOK_SECONDS):
                peer.sendall(b"stats\n")
                first_seq = json.loads(lines.readline())["wal"]["active_first_seq"]
                if before is not None and first_seq != before:
                    self.turns.append(first_seq)
                before = first_seq
                self._look_for_unfinished()

    def _look_for_unfinished(self):
        now = time.monotonic()
        names = os.listdir(self._stele.folder / "data")
        if not any(name.endswith(".seg.tmp") for name in names):
            return
        if self.prewriting and now - self.prewriting[-1][1] < 2.5 * LOOK_SECONDS:
            self.prewriting[-1][1] = now
        else:
            self.prewriting.append([now, now])

    def stop(self):
        self._stopping.set()
        self.join()


def measure(run):
    for name, (words, operation_bytes, batch, near) in LOADS.items():
        # Old segments are removed on the way, as in a log that has reached its limit.
        with Stele(run, retain="512M") as stele:
            watch = Watch(stele)
            watch.start()
            file = stele.folder / "trace"
            operations = int((run.sizes.turns + 0.6) * SEGMENT_BYTES / operation_bytes)
            try:
                result = run.tool(
                    "stele-bench", "--socket", stele.socket, "--json", *words, "--entries",
                    operations * batch, "--warm-up", 20 * batch, "--trace", file, server=stele,
                    label=f"turns/{name}")
            finally:
                watch.stop()
            with open(file) as lines:
                trace = [tuple(map(int, line.split())) for line in lines]
            run.lines[-1].update(summarise(trace, watch.turns, watch.prewriting, near))


def summarise(trace, turn_seqs, prewriting, near):
    """`trace`: (begun ns, answered ns, last seq), in the order of the answers."""
    seqs = [seq for _, _, seq in trace]
    start = trace[0][0]
    latencies = [(answered - begun) / 1000 for begun, answered, _ in trace]
    turns = [bisect.bisect_left(seqs, seq) for seq in turn_seqs]
    turns = [index for index in turns if index < len(trace)]
    group_of = {index: "turned" for index in turns}
    for index in turns:
        for distance in range(1, near + 1):
            group_of.setdefault(index - distance, "before")
            group_of.setdefault(index + distance, "after")
    groups = {name: [] for name in ("turned", "before", "after", "prewriting", "others")}
    for index, latency in enumerate(latencies):
        begun, answered = trace[index][0] / 1e9, trace[index][1] / 1e9
        group = group_of.get(index)
        if not group:
            is_beside = any(begun < to and answered > since for since, to in prewriting)
            group = "prewriting" if is_beside else "others"
        groups[group].append(latency)
    return {
        "turns": len(turns),
        "groups": {name: quantiles(values) for name, values in groups.items()},
        "turns_at_s": [round((trace[index][0] - start) / 1e9, 4) for index in turns],
        "prewriting_s": [[round(since - start / 1e9, 3), round(to - start / 1e9, 3)]
                         for since, to in prewriting],
        "bins": bins(trace, latencies),
        "windows": [window(latencies, index, near) for index in turns],
    }


def quantiles(values):
    values = sorted(values)
    if not values:
        return {"count": 0}

    def at(share):
        return round(values[min(len(values) - 1, int(share * len(values)))], 1)
    return {"count": len(values), "p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999),
            "max": round(values[-1], 1)}


def bins(trace, latencies):
    """[second, p50, max] of equal spans of time."""
    start, end = trace[0][0], trace[-1][0] + 1
    width = (end - start) / BINS
    gathered = {}
    for (begun, _, _), latency in zip(trace, latencies):
        gathered.setdefault(int((begun - start) / width), []).append(latency)
    return [[round((number + 0.5) * width / 1e9, 3), round(sorted(of)[len(of) // 2], 1),
             round(max(of), 1)] for number, of in sorted(gathered.items())]


def window(latencies, index, near):
    """[operations from the turn, us]"""
    return [[offset, round(latencies[index + offset], 1)] for offset in range(-near, near + 1)
            if 0 <= index + offset < len(latencies)]
