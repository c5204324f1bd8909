#!/usr/bin/env python3
"""How long after its acknowledgement `stele tail` has printed an entry.

usage: tail_latency.py BIN_DIR [SAMPLES] [PAUSE_MS]

Starts steled from BIN_DIR on a new directory, and a tail whose output is a pipe. One writer at a
time; the pause between two entries is idle. Zero means that the tail was not later than the writer.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from servers import connected


def measure(tail, peer, samples, pause):
    acknowledged, seen = {}, {}

    def read_tail():
        for line in tail.stdout:
            seen[int(line)] = time.monotonic()
            if int(line) == samples - 1:
                return

    reader = threading.Thread(target=read_tail)
    reader.start()
    replies = peer.makefile("rb")
    for number in range(samples):
        request = {"op": "write_log", "entry": {"message": str(number)}}
        peer.sendall(json.dumps(request).encode() + b"\n")
        replies.readline()
        acknowledged[number] = time.monotonic()
        time.sleep(pause)
    reader.join(10)
    return sorted(max(0.0, seen[n] - acknowledged[n]) * 1e3 for n in range(samples))


def main():
    binaries = sys.argv[1]
    samples = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    pause = (float(sys.argv[3]) if len(sys.argv) > 3 else 2.0) / 1e3
    parent = os.environ.get("STELE_BENCH_DIR", "/var/tmp")
    with tempfile.TemporaryDirectory(dir=parent) as home:
        path = home + "/stele.sock"
        daemon = subprocess.Popen([binaries + "/steled", "--data-dir", home + "/data",
                                   "--socket", path], stderr=subprocess.DEVNULL)
        tail = None
        try:
            peer = connected(path)
            tail = subprocess.Popen([binaries + "/stele", "tail", "--socket", path, "-n", "0",
                                     "-o", "cat"], stdout=subprocess.PIPE)
            time.sleep(0.3)
            late_ms = measure(tail, peer, samples, pause)
        finally:
            for program in filter(None, (tail, daemon)):
                program.terminate()
                program.wait()
    rank = {name: late_ms[min(samples - 1, int(samples * share))]
            for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))}
    print(f"{samples} entries: " + ", ".join(f"{n} {v:.3f} ms" for n, v in rank.items()))


if __name__ == "__main__":
    main()
