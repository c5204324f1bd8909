"""`stele read --from` of streams that are longer than memory: read_cases.py BUILD_DIR [case…]. 77:
there is no nats-server, or stele-ship was not built. STELE_READ_ENTRIES: of the long stream."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import nats_cluster
from nats_cluster import Cluster, NatsReader, free_port

ENTRIES = int(os.environ.get("STELE_READ_ENTRIES", "400000"))
MEMORY_MIB = 160
PATIENCE_S = 600
STORE = "00000000-0000-4000-8000-000000000001"


def line(seq: int, timestamp_us: int, host: str = "web1") -> bytes:
    return (f'{{"seq":{seq},"timestamp":{timestamp_us},"level":"info","message":"entry {seq}",'
            f'"metadata":{{"unit":"web"}},"version":1,"origin":{{"pid":1,"uid":0,"gid":0}},'
            f'"time":"2026-01-01T00:00:00.000000Z","host":"{host}"}}').encode()


class Read(unittest.TestCase):
    build: pathlib.Path
    number = 0

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(scratch.cleanup)
        cls.monitor = free_port()
        cls.cluster = Cluster(pathlib.Path(scratch.name), 1,
                              f'http: "127.0.0.1:{cls.monitor}"\n')
        cls.addClassCleanup(cls.cluster.stop_all)
        cls.cluster.start_all()
        cls.now_us = time.time_ns() // 1000

    def stream(self, lines, name=None) -> str:
        """A stream with these messages, or more of them at its end."""
        if name is None:
            Read.number += 1
            name = f"R{Read.number}"
            with NatsReader(self.cluster.ports) as reader:
                reader.ask(f"$JS.API.STREAM.CREATE.{name}", name=name, subjects=[f"{name}.>"],
                           storage="file", num_replicas=1)
        with socket.create_connection(("127.0.0.1", self.cluster.ports[0])) as peer:
            peer.recv(4096)
            peer.sendall(b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n')
            piece, count = bytearray(), 0
            for body in lines:
                piece += b"PUB %s.x %d\r\n%s\r\n" % (name.encode(), len(body), body)
                count += 1
                if len(piece) > 1 << 20:
                    peer.sendall(piece)
                    piece.clear()
            before = self.messages(name) if count else 0
            peer.sendall(piece + b"PING\r\n")
            while b"PONG" not in peer.recv(4096):
                pass
        self.wait_for(name, before, count)
        return name

    def messages(self, name: str) -> int:
        with NatsReader(self.cluster.ports) as reader:
            return reader.stream_info(name)["state"]["messages"]

    def wait_for(self, name: str, before: int, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        last = -1
        while (now := self.messages(name)) != last or now < count:
            self.assertLess(time.monotonic(), deadline)
            last = now
            time.sleep(0.2)

    def delivered(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/varz") as reply:
            return json.load(reply)["out_msgs"]

    def read(self, *words, streams=(), url=None):
        """What was printed, and the peak of its memory in MiB."""
        names = [word for name in streams for word in ("--stream", name)]
        command = [self.build / "bin/stele", "read", "--from", url or self.cluster.urls, *names,
                   "-o", "json", *words]
        out = tempfile.TemporaryFile()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
        errors = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.stderr.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return out, process.returncode, errors, usage.ru_maxrss / 1024

    def seqs(self, *words, **options) -> list:
        out, code, errors, _ = self.read(*words, **options)
        self.assertEqual((code, errors), (0, ""))
        return [json.loads(text)["seq"] for text in out]

    def test_a_long_stream_comes_whole_and_by_time_in_bounded_memory(self):
        # Each hundred comes in the opposite order of its times.
        def swapped(seq: int) -> int:
            return seq + 99 - 2 * (seq % 100)

        name = self.stream(line(seq, self.now_us + swapped(seq) - ENTRIES)
                           for seq in range(1, ENTRIES + 1))
        start = time.monotonic()
        out, code, errors, peak_mib = self.read(streams=[name])
        took = time.monotonic() - start
        self.assertEqual((code, errors), (0, ""))
        last, count = 0, 0
        for count, text in enumerate(out, 1):
            timestamp = int(text[text.index(b'"timestamp":') + 12:].split(b",", 1)[0])
            self.assertLess(last, timestamp)
            last = timestamp
        self.assertEqual(count, ENTRIES)
        print(f"{ENTRIES} messages in {took:.1f} s, at most {peak_mib:.0f} MiB", flush=True)
        self.assertLess(peak_mib, MEMORY_MIB)

    def test_the_newest_and_a_start_time_do_not_read_the_whole_stream(self):
        old = 20_000
        name = self.stream(line(seq, self.now_us) for seq in range(1, old + 1))
        time.sleep(1)
        between_us = time.time_ns() // 1000
        time.sleep(1)
        # From a machine whose clock is ahead by as much as is looked back, and a little.
        ahead_us = time.time_ns() // 1000 + 600_000_000
        self.stream((line(seq, ahead_us + seq) for seq in range(old + 1, old + 101)), name)
        for words, wanted in ((["-n", "5"], range(old + 96, old + 101)),
                              (["-n", "5", "-r"], range(old + 100, old + 95, -1)),
                              (["--since", f"@{(between_us + 600_000_000) / 1e6:.6f}"],
                               range(old + 1, old + 101))):
            before = self.delivered()
            self.assertEqual(self.seqs(*words, streams=[name]), list(wanted))
            self.assertLess(self.delivered() - before, old / 4, words)
        self.assertEqual(self.seqs("-n", "+3", streams=[name]), [1, 2, 3])
        self.assertEqual(len(self.seqs("-n", "19000", streams=[name])), 19_000)
        self.assertEqual(self.seqs("-n", "0", streams=[name]), [])

    def test_streams_are_merged_and_the_newest_are_those_of_all(self):
        one = self.stream(line(seq, 1000 + 2 * seq) for seq in range(1, 2001))
        two = self.stream(line(seq, 1001 + 2 * seq) for seq in range(1, 2001))
        both = [seq for seq in range(1, 2001) for _ in range(2)]
        self.assertEqual(self.seqs(streams=[one, two]), both)
        self.assertEqual(self.seqs("-n", "7", streams=[one, two]), both[-7:])
        self.assertEqual(self.seqs("-n", "+7", "-r", streams=[one, two]), both[6::-1])

    def test_a_stream_whose_end_was_removed_ends(self):
        name = self.stream(line(seq, seq) for seq in range(1, 101))
        with NatsReader(self.cluster.ports) as reader:
            for seq in (1, 50, 99, 100):
                reader.ask(f"$JS.API.STREAM.MSG.DELETE.{name}", seq=seq)
        self.assertEqual(len(self.seqs(streams=[name])), 96)
        self.assertEqual(self.seqs("-n", "1", streams=[name]), [98])

    def test_a_follow_shows_what_comes_and_ends_with_its_reader(self):
        name = self.stream(line(seq, self.now_us + seq) for seq in range(1, 21))
        command = [self.build / "bin/stele", "read", "--from", self.cluster.urls, "--stream", name,
                   "-o", "json", "-f", "-n", "2"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.addCleanup(process.kill)
        self.assertEqual([json.loads(process.stdout.readline())["seq"] for _ in range(2)],
                         [19, 20])
        for seq in range(21, 24):
            self.stream([line(seq, self.now_us + seq)], name)
            self.assertEqual(json.loads(process.stdout.readline())["seq"], seq)
        self.cluster.kill(0)
        self.cluster.start(0)
        self.cluster.wait_until_ready()
        self.stream([line(24, self.now_us + 24)], name)
        self.assertEqual(json.loads(process.stdout.readline())["seq"], 24)
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_who_interrupts_it_is_obeyed(self):
        name = self.stream([line(1, 1)])
        command = [self.build / "bin/stele", "read", "--from", self.cluster.urls, "--stream", name,
                   "-f"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE_S), 130)
        process.stdout.close()

    def test_what_does_not_answer_is_given_up(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            nobody = f"nats://127.0.0.1:{free_port()}"
            deaf = f"nats://127.0.0.1:{silent.getsockname()[1]}"
            for url in (nobody, deaf):
                start = time.monotonic()
                _, code, errors, _ = self.read("--timeout", "2", streams=["X"], url=url)
                self.assertEqual(code, 3)
                self.assertIn("no server can be reached", errors)
                self.assertLess(time.monotonic() - start, 30)
        _, code, errors, _ = self.read(streams=["NONE"])
        self.assertEqual(code, 1)
        self.assertIn("stream NONE", errors)
        for words in (["--cursor", "x"], ["--timeout", "0"], ["--show-cursor"]):
            self.assertEqual(self.read(*words, streams=["X"])[1], 2)


if __name__ == "__main__":
    Read.build = pathlib.Path(sys.argv[1])
    if not nats_cluster.is_there() or not (Read.build / "bin/stele-ship").exists():
        print("skipped: needs nats-server, and libnats-dev when stele is built")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2, warnings="ignore")
