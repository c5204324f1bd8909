#!/usr/bin/env python3
"""Do others notice? How long the writes of one client take beside the floods of another.

usage: witness.py BIN_DIR [SECONDS] [FLOOD...]

For each flood a steled from BIN_DIR is started on a new directory. The witness writes an entry of
100 bytes every 5 ms and waits for each acknowledgement; the flood comes from another process, as
another user if this one is root. "p99 / reference" is the witness's p99 against the one that it
has beside one well-behaved client which writes batches of 64 KB one after the other. All figures
are medians of STELE_WITNESS_ROUNDS rounds (1), the ratio is that of the
rounds' ratios.

What binds it is measured beside it, each in a process of its own: "ping" is the p99 of a ping
every 5 ms, which needs the daemon's loop and no disk; "disk" is that of a write of 4 KiB into
another file of that disk, synced, every 5 ms, which needs no daemon. The row "no daemon" is what
no log with huge batches is below: 15 MB are written and synced again and again, and in between
what a witness wants to have written, 4 KiB.
"""

import json
import mmap
import os
import queue
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

from servers import connected

FLOOD_USER = 65533
PAUSE_SECONDS = 0.005


def frame(text):
    return struct.pack(">I", len(text)) + text


def batch(entries, message_bytes):
    entry = b'{"message":"' + b"x" * message_bytes + b'"}'
    return frame(b'{"op":"write_many_logs","entries":[' + b",".join([entry] * entries) + b"]}")


SMALL = {
    "tiny unknown operations": b'{"op":"x"}',
    "stats": b'{"op":"stats"}',
    "audit": b'{"op":"audit"}',
    "cancel": b'{"op":"cancel","target":"t"}',
    "help": b'{"op":"help"}',
    "hello": b'{"op":"hello","client":"' + b"c" * 250 + b'","writer":"' + b"ab" * 16 + b'"}',
    "bad JSON": b'{"op":"write_log","entry":{"message":"m","level":',
}
# name -> connections, bytes of a request, how many of them are sent before the replies are read
FLOODS = {
    "one busy client, 64 KB batches": (1, batch(64, 1000), 1),
    "nothing": (0, b"", 1),
    "4 clients, 15 MB batches": (4, batch(17, 900_000), 1),
    "64 clients, 15 MB batches": (64, batch(17, 900_000), 1),
    "64 clients, 900 KB batches": (64, batch(1, 900_000), 1),
    "64 clients, 64 KB batches": (64, batch(64, 1000), 1),
    "4 clients, batches of 100,000 tiny entries": (4, batch(100_000, 1), 1),
    "4 clients, 15 MB of bad JSON": (4, frame(b'{"op":"write_many_logs","entries":['
                                              + b'{"message":"m"},' * 1_000_000), 1),
} | {f"64 clients, {name}": (64, frame(text), 50) for name, text in SMALL.items()}
REFERENCE = next(iter(FLOODS))
NO_DAEMON = "no daemon: 15 MB and 4 KiB by turns"


def read_frames(peer, count, kept=b""):
    """Skips this many frames; returns what came behind them."""
    data = bytearray(kept)
    while count > 0:
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            part = peer.recv(1 << 18)
            if not part:
                raise EOFError
            data += part
        del data[:4 + struct.unpack(">I", data[:4])[0]]
        count -= 1
    return bytes(data)


def flood_one(path, request, many):
    try:
        peer = connected(path)
        kept = b""
        while True:
            peer.sendall(request * many)
            kept = read_frames(peer, many, kept)
    except (OSError, EOFError):
        return


def flood(path, clients, request, many):
    """In a process of its own, until that is killed."""
    pid = os.fork()
    if pid:
        return pid
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(FLOOD_USER, FLOOD_USER, FLOOD_USER)
        os.setresuid(FLOOD_USER, FLOOD_USER, FLOOD_USER)
    for _ in range(clients):
        threading.Thread(target=flood_one, args=(path, request, many)).start()
    while True:
        signal.pause()


def again_and_again(action, seconds):
    """Milliseconds that it takes each time, sorted."""
    latencies = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        action()
        latencies.append((time.monotonic() - begun) * 1e3)
        time.sleep(PAUSE_SECONDS)
    return sorted(latencies)


def asking(path, request):
    peer = connected(path)

    def ask():
        peer.sendall(request)
        read_frames(peer, 1)
    return ask


def writing(path):
    """By itself, into blocks that are there."""
    block = mmap.mmap(-1, 4096)  # Aligned, as direct writes must be.
    blocks = 1024
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
    for at in range(blocks):
        os.pwrite(file, block, at * len(block))
    os.fsync(file)
    places = iter(range(1 << 62))

    def write():
        os.pwritev(file, [block], next(places) % blocks * len(block), os.RWF_DSYNC)
    return write


def without_daemon(folder, seconds):
    """What it takes 4 KiB to be on disk, behind 15 MB that are on their way when they come."""
    large, small = mmap.mmap(-1, 15 << 20), writing(folder + "/small")
    large.write(os.urandom(len(large)))
    file = os.open(folder + "/large", os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
    waiting, ends = queue.SimpleQueue(), threading.Event()

    def write_by_turns():
        place = 0
        while not ends.is_set():
            os.pwritev(file, [large], place % 4 * len(large), os.RWF_DSYNC)
            place += 1
            if not waiting.empty():
                small()
                waiting.get().set()

    def wait():
        written = threading.Event()
        waiting.put(written)
        written.wait()

    writer = threading.Thread(target=write_by_turns)
    writer.start()
    time.sleep(1)  # The blocks are there now.
    took = again_and_again(wait, seconds)
    ends.set()
    writer.join()
    return took


def p99(latencies):
    return latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))]


def p99_beside(action, seconds):
    """Of another process, which begins now; it, and the end of a pipe that will say it."""
    reading, writing_end = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(writing_end, json.dumps(p99(again_and_again(action, seconds))).encode())
        os._exit(0)
    os.close(writing_end)
    return process, os.fdopen(reading, "rb")


def told(process, pipe):
    with pipe:
        text = pipe.read()
    os.waitpid(process, 0)
    return json.loads(text)


WRITE = frame(json.dumps({"op": "write_log", "entry": {"message": "w" * 100}}).encode())
PING = frame(b'{"op":"ping"}')


def measure(binaries, name, seconds):
    parent = os.environ.get("STELE_BENCH_DIR", "/var/tmp")
    if name == NO_DAEMON:
        with tempfile.TemporaryDirectory(dir=parent) as home:
            return without_daemon(home, seconds), [0.0, 0.0]
    clients, request, many = FLOODS[name]
    with tempfile.TemporaryDirectory(dir=parent) as home:
        os.chmod(home, 0o755)
        path = home + "/stele.sock"
        daemon = subprocess.Popen(
            [binaries + "/steled", "--data-dir", home + "/data", "--socket", path,
             "--socket-mode", "0666", "--retain-bytes", "1G"], stderr=subprocess.DEVNULL)
        flooder = None
        try:
            witness, pinging = asking(path, WRITE), asking(path, PING)
            disk = writing(home + "/probe")
            flooder = flood(path, clients, request, many)
            time.sleep(1)
            beside = [p99_beside(pinging, seconds), p99_beside(disk, seconds)]
            return again_and_again(witness, seconds), [told(*one) for one in beside]
        finally:
            if flooder:
                os.kill(flooder, signal.SIGKILL)
                os.waitpid(flooder, 0)
            daemon.terminate()
            daemon.wait()


def figures(took, beside):
    return [len(took), took[len(took) // 2], p99(took), took[-1], *beside]


def main():
    binaries = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
    names = [name for name in [*FLOODS, NO_DAEMON]
             if len(sys.argv) <= 3 or any(word in name for word in sys.argv[3:])]
    if REFERENCE not in names:
        names.insert(0, REFERENCE)
    rounds = [{name: figures(*measure(binaries, name, seconds)) for name in names}
              for _ in range(int(os.environ.get("STELE_WITNESS_ROUNDS", "1")))]
    print("| beside | writes | p50 ms | p99 ms | max ms | p99 / reference | ping | disk |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in names:
        count, p50, p99_, most, ping, disk = (
            statistics.median(column) for column in zip(*(each[name] for each in rounds)))
        ratio = statistics.median(each[name][2] / each[REFERENCE][2] for each in rounds)
        print(f"| {name} | {count:.0f} | {p50:.1f} | {p99_:.1f} | {most:.1f} | {ratio:.1f} "
              f"| {ping:.1f} | {disk:.1f} |")


if __name__ == "__main__":
    main()
