"""`stele ship` against a cluster of NATS JetStream: ship_cases.py BUILD_DIR [case…]. 77: there is
no nats-server, or stele-ship was not built.

What the streams hold is read by a reader that shares no code with the shipper. STELE_SHIP_ENTRIES:
of each store under kills, of which there are one or more in each of STELE_SHIP_ROUNDS.
STELE_SHIP_AWAY_S: how long the cluster is away under load."""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import nats_cluster
import nats_keys
from fake_nats import FakeNats
from nats_cluster import Cluster, NatsError, NatsReader, last_seqs

ENTRIES = int(os.environ.get("STELE_SHIP_ENTRIES", "3000"))
ROUNDS = int(os.environ.get("STELE_SHIP_ROUNDS", "5"))
AWAY_S = int(os.environ.get("STELE_SHIP_AWAY_S", "3"))
SEED = int(os.environ.get("STELE_SEED", random.randrange(1 << 30)))
PATIENCE_S = 120


def wait_for(what, is_true, patience_s=PATIENCE_S):
    deadline = time.monotonic() + patience_s
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.05)


class Store:
    """A daemon with a directory of its own, which outlives its processes: one machine."""

    def __init__(self, bin_dir: pathlib.Path, folder: pathlib.Path, *flags):
        folder.mkdir()
        self.bin, self.folder, self.flags = bin_dir, folder, flags
        self.socket = folder / "stele.sock"
        self.process = None
        self.start()

    def start(self) -> None:
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [self.bin / "steled", "--data-dir", self.folder / "data", "--socket", self.socket,
             *self.flags], stderr=log)
        wait_for("the daemon", lambda: self.stele("ping").returncode == 0)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stele(self, *words, **options) -> subprocess.CompletedProcess:
        return subprocess.run([self.bin / "stele", "--socket", self.socket, *words],
                              capture_output=True, text=True, **options)

    def write(self, count: int, start: int = 0, tail: str = "") -> None:
        text = "".join(f"{self.folder.name} {start + i}{tail}\n" for i in range(count))
        assert self.stele("import", "-", input=text).returncode == 0

    def stats(self) -> dict:
        return json.loads(self.stele("stats", "--json").stdout)

    def ship(self, *words) -> subprocess.Popen:
        log = open(self.folder / "ship.log", "ab")
        return subprocess.Popen([self.bin / "stele", "--socket", self.socket, "ship", "--host",
                                 self.folder.name, *words], stdout=log, stderr=log)


class Shipper(threading.Thread):
    """A shipper that is killed (-9) and started again, as often as wanted."""

    def __init__(self, store: Store, *words):
        super().__init__()
        self.store, self.words = store, words
        self.stopped = threading.Event()
        self.kills = 0
        self.process = store.ship(*words)

    def kill_and_restart(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.process = self.store.ship(*self.words)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def contents(cluster: Cluster, stream: str) -> dict:
    """Of each store what the stream holds: lists of parsed lines, in its order."""
    for attempt in range(5):
        found = {}
        try:
            with NatsReader(cluster.ports) as reader:
                for _, _, body in reader.messages(stream):
                    for line in map(json.loads, body.splitlines()):
                        found.setdefault(line.pop("host"), []).append(line)
            return found
        except (OSError, NatsError) as error:
            print(f"reading again: {error}", flush=True)
    raise AssertionError("the stream cannot be read")


class Ship(unittest.TestCase):
    build: pathlib.Path

    number = 0  # Of the case.

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(scratch.cleanup)
        cls.cluster = Cluster(pathlib.Path(scratch.name))
        cls.addClassCleanup(cls.cluster.stop_all)
        cls.cluster.start_all()

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        # A name is never used again: 2.9 may then answer with what was there before.
        Ship.number += 1
        self.own, self.shared = f"OWN{Ship.number}", f"SHARED{Ship.number}"
        self.stores = []
        self.addCleanup(lambda: [store.kill() for store in self.stores])

    def store(self, name: str, *flags) -> Store:
        self.stores.append(Store(self.build / "bin", self.folder / name, *flags))
        return self.stores[-1]

    def to(self, stream: str, *words) -> list:
        """Each stream has subjects of its own."""
        pattern = stream + (".{host}" if "--batch" in words else ".{host}.{level}")
        return ["--to", self.cluster.urls, "--stream", stream, "--create-replicas", "3",
                "--subject-pattern", pattern, *words]

    def assert_all_of(self, store: Store, lines: list) -> None:
        text = store.stele("read", "-o", "json").stdout
        stored = [json.loads(line) for line in text.splitlines()]
        stored.sort(key=lambda entry: entry["seq"])
        self.assertEqual([entry["seq"] for entry in lines], list(range(1, len(stored) + 1)))
        self.assertEqual(lines, stored)

    def test_each_entry_arrives_once_and_in_order_whatever_is_killed(self):
        print(f"STELE_SEED={SEED}", flush=True)
        dice = random.Random(SEED)
        one, two = self.store("one"), self.store("two")
        shippers = [Shipper(one, *self.to(self.own)),
                    Shipper(one, *self.to(self.shared, "--batch")),
                    Shipper(two, *self.to(self.shared, "--batch"))]
        self.addCleanup(lambda: [shipper.stop() for shipper in shippers])
        wait_for("the streams", lambda: self.has_streams(self.own, self.shared))
        server_kills = store_kills = 0
        for number in range(ROUNDS):
            for store in (one, two):
                store.write(ENTRIES // ROUNDS, number * (ENTRIES // ROUNDS))
            what = number % 3
            if what == 0:
                victim = dice.randrange(3)
                self.cluster.kill(victim)
                time.sleep(dice.random() * 2)
                self.cluster.start(victim)
                self.cluster.wait_until_ready()
                server_kills += 1
            if what == 1:
                dice.choice((one, two)).kill()
                for store in (one, two):
                    if store.process.poll() is not None:
                        store.start()
                        store_kills += 1
            for shipper in dice.sample(shippers, 2):
                time.sleep(dice.random())
                shipper.kill_and_restart()
        written = ENTRIES // ROUNDS * ROUNDS
        wait_for("all of it", lambda: last_seqs(self.cluster, self.own) == {"one": written}
                 and last_seqs(self.cluster, self.shared) == {"one": written, "two": written}, 900)
        own, shared = contents(self.cluster, self.own), contents(self.cluster, self.shared)
        self.assert_all_of(one, own["one"])
        self.assert_all_of(one, shared["one"])
        self.assert_all_of(two, shared["two"])
        print(f"{3 * written} entries in two streams: each once and in order; kill -9 of "
              f"{server_kills} servers, {sum(s.kills for s in shippers)} shippers, "
              f"{store_kills} daemons", flush=True)

    def has_streams(self, *names) -> bool:
        try:
            with NatsReader(self.cluster.ports) as reader:
                return all(reader.stream_info(name) for name in names)
        except (OSError, NatsError):
            return False

    def test_two_shippers_of_one_log_cannot_interleave(self):
        store = self.store("one")
        for stream, words in ((self.own, []), (self.shared, ["--batch"])):
            store.write(2000)
            pair = [store.ship(*self.to(stream, *words)) for _ in range(2)]
            store.write(2000)
            newest = store.stats()["wal"]["durable_seq"]
            wait_for("all of it", lambda: self.has_streams(stream)
                     and last_seqs(self.cluster, stream) == {"one": newest})
            for process in pair:
                process.kill()
                process.wait()
            self.assert_all_of(store, contents(self.cluster, stream)["one"])

    def test_what_retention_took_first_is_named(self):
        store = self.store("one", "--segment-bytes", "1M", "--retain-bytes", "4M")
        store.write(20000, tail=" " + "x" * 400)
        self.assertEqual(store.ship(*self.to(self.own), "--until-caught-up").wait(PATIENCE_S), 0)
        lines = contents(self.cluster, self.own)["one"]
        gap = lines[0]["gap"]
        self.assertEqual((gap["first_seq"], gap["reason"]), (1, "expired"))
        self.assertEqual([entry["seq"] for entry in lines[1:]],
                         list(range(gap["last_seq"] + 1, 20001)))
        self.assertIn(f"{gap['last_seq']} entries will not be shipped",
                      (store.folder / "ship.log").read_text())

    def test_retention_waits_for_what_is_not_shipped(self):
        store = self.store("one", "--segment-bytes", "1M", "--retain-bytes", "4M",
                           "--consumers", "cluster", "--hold-bytes", "64M")
        words = [*self.to(self.own), "--hold-retention", "cluster"]
        store.write(20000, tail=" " + "x" * 400)
        store.kill()
        store.start()
        store.write(1000, 20000)
        self.assertIsNone(store.stats()["consumers"]["cluster"]["confirmed_seq"])
        shipper = store.ship(*words)
        wait_for("all of it", lambda: self.has_streams(self.own)
                 and last_seqs(self.cluster, self.own) == {"one": 21000})
        wait_for("word of it", lambda: store.stats()["consumers"]["cluster"]
                 == {"confirmed_seq": 21000, "unconfirmed": 0, "lost": 0})
        self.assert_all_of(store, contents(self.cluster, self.own)["one"])
        store.write(20000, 21000, tail=" " + "x" * 400)
        wait_for("retention", lambda: store.stats()["missing"]["expired"] > 0)
        shipper.kill()
        shipper.wait()
        lost = store.ship(*self.to(self.own), "--hold-retention", "nobody").wait(PATIENCE_S)
        self.assertEqual(lost, 4)
        self.assertIn('there is no consumer "nobody"', (store.folder / "ship.log").read_text())

    def test_memory_is_bounded_while_the_cluster_is_away(self):
        store = self.store("one", "--retain-bytes", "0")
        metrics = self.folder / "ship.prom"
        process = store.ship(*self.to(self.own), "--metrics", str(metrics))
        store.write(1000)
        wait_for("the start", lambda: self.has_streams(self.own)
                 and last_seqs(self.cluster, self.own) == {"one": 1000})
        for number in range(3):
            self.cluster.kill(number)
        until = time.monotonic() + AWAY_S
        written = 1000
        while time.monotonic() < until:
            store.write(10000, written)
            written += 10000
            time.sleep(1)
        lag = re.compile(r"stele_ship_lag_entries\{.*\} [1-9]")
        wait_for("the lag", lambda: lag.search(metrics.read_text()))
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        peak_kb = int(re.search(r"VmHWM:\s+(\d+)", status)[1])
        self.assertLess(peak_kb, 64 * 1024)
        for number in range(3):
            self.cluster.start(number)
        self.cluster.wait_until_ready()
        wait_for("all of it", lambda: last_seqs(self.cluster, self.own) == {"one": written}, 900)
        process.kill()
        process.wait()
        self.assert_all_of(store, contents(self.cluster, self.own)["one"])
        self.assertIn(f'stream="{self.own}"}} {written}',
                      metrics.read_text())
        print(f"the cluster was away for {AWAY_S} s, in which {written - 1000} entries were "
              f"written: at most {peak_kb / 1024:.1f} MiB", flush=True)

    def test_reads_of_many_machines_are_merged_by_time(self):
        one, two = self.store("one"), self.store("two")
        for number in range(6):
            store = (one, two)[number % 2]
            store.stele("write", "--timestamp", f"@{1000 + number}", "-p",
                        "warn" if number < 4 else "info", "--metadata", '{"unit":"web"}',
                        f"number {number}")
        for store in (one, two):
            words = [*self.to(self.shared, "--batch"), "--until-caught-up"]
            self.assertEqual(store.ship(*words).wait(PATIENCE_S), 0)

        def read(*words) -> str:
            return one.stele("read", "--from", self.cluster.urls, "--stream", self.shared,
                             *words).stdout

        self.assertEqual(read("-o", "cat"), "".join(f"number {n}\n" for n in range(6)))
        self.assertEqual(read("-o", "cat", "-r", "-n", "2"), "number 5\nnumber 4\n")
        self.assertEqual(read("-o", "cat", "-p", "warn", "-n", "+2"), "number 0\nnumber 1\n")
        self.assertEqual(read("-o", "cat", "--since", "@1002", "--until", "@1003"),
                         "number 2\nnumber 3\n")
        self.assertEqual(read("-o", "cat", "--where", "unit=db"), "")
        self.assertEqual(len(read("-o", "cat", "--where", "unit=web", "-g", "number").split("\n")),
                         7)
        self.assertEqual([line.split()[0] for line in read("--utc").splitlines()],
                         ["one", "two"] * 3)
        entry = json.loads(read("-o", "json", "-n", "1"))
        self.assertEqual((entry["host"], entry["message"]), ("two", "number 5"))

    def test_over_tls_and_only_to_a_server_that_is_trusted(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        for name in ("ca", "other"):
            openssl("req", "-x509", *key, "-nodes", "-keyout", f"{name}.key", "-out",
                    f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")
        for name in ("server", "client"):
            openssl("req", *key, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                    "-subj", "/CN=localhost")
            (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")
        folder = self.folder / "tls"
        folder.mkdir()
        guarded = Cluster(folder, 1, f'tls {{ cert_file: "{self.folder}/server.pem", key_file: '
                          f'"{self.folder}/server.key", ca_file: "{self.folder}/ca.pem", '
                          'verify: true }\n')
        self.addCleanup(guarded.stop_all)
        guarded.start(0)
        store = self.store("one")
        store.write(100)
        own = ["--tls-cert", str(self.folder / "client.pem"), "--tls-key",
               str(self.folder / "client.key")]
        words = ["--to", f"nats://localhost:{guarded.ports[0]}", "--stream", "S",
                 "--create-replicas", "1", "--until-caught-up", "--tls"]
        trusting = [*words, "--tls-ca", str(self.folder / "ca.pem"), *own]
        self.assertEqual(store.ship(*trusting).wait(PATIENCE_S), 0)
        read = store.stele("read", "--from", words[1], "--stream", "S", "--tls", "--tls-ca",
                           str(self.folder / "ca.pem"), *own, "-o", "cat")
        self.assertEqual(len(read.stdout.splitlines()), 100)
        distrusting = store.ship(*words, "--tls-ca", str(self.folder / "other.pem"), *own)
        time.sleep(2)
        self.assertNotEqual(distrusting.poll(), 0)
        distrusting.kill()
        distrusting.wait()

    def test_by_an_nkey_or_by_credentials_and_not_without(self):
        store = self.store("one")
        store.write(100)
        for kind in (nats_keys.with_nkey, nats_keys.with_credentials):
            folder = self.folder / kind.__name__
            folder.mkdir()
            told, known = kind(folder)
            guarded = Cluster(folder, 1, told)
            self.addCleanup(guarded.stop_all)
            guarded.start(0)
            to = ["--to", guarded.urls, "--stream", "S"]
            words = [*to, "--create-replicas", "1", "--until-caught-up"]
            self.assertEqual(store.ship(*words, *known).wait(PATIENCE_S), 0)
            read = ["read", "--from", guarded.urls, "--stream", "S", "-o", "cat"]
            done = store.stele(*read, *known)
            self.assertEqual(len(done.stdout.splitlines()), 100, done.stderr)
            self.assertEqual(store.stele(*read).stdout, "")

    def test_what_cannot_work_is_said(self):
        one, two = self.store("one"), self.store("two")
        one.write(1)
        two.write(1)
        missing = one.stele("ship", "--to", self.cluster.urls, "--stream", "NONE")
        self.assertEqual(missing.returncode, 4)
        self.assertIn("there is no stream NONE", missing.stderr)
        self.assertEqual(one.ship(*self.to(self.own), "--until-caught-up").wait(PATIENCE_S), 0)
        words = self.to(self.own)
        foreign = two.stele("ship", "--host", "one", *words)
        self.assertEqual(foreign.returncode, 4)
        self.assertIn("not of this store", foreign.stderr)
        continued = two.ship("--continue-store", one.stats()["store_id"], *words,
                             "--until-caught-up")
        self.assertEqual(continued.wait(PATIENCE_S), 0)
        for wrong in (["--stream", "X"], ["--to", "nats://127.0.0.1:1"],
                      [*self.to("X"), "--subject-pattern", "a..b"],
                      [*self.to("X"), "--batch"], [*self.to("X"), "--nkey", "U"]):
            self.assertEqual(one.stele("ship", *wrong).returncode, 2, wrong)


class UntrueServer(unittest.TestCase):
    """What a cluster says while it loses what it has acknowledged, or is about to."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(scratch.cleanup)
        self.store = Store(Ship.build / "bin", pathlib.Path(scratch.name) / "one")
        self.addCleanup(self.store.kill)
        self.id = self.store.stats()["store_id"]
        self.server = FakeNats("S")

    def ship(self, *more) -> list:
        """The seqs that the stream has then, in its order."""
        process = self.store.ship("--to", self.server.url, "--stream", "S", "--subject-pattern",
                                  "x.{host}.{level}", "--until-caught-up", *more)
        self.assertEqual(process.wait(PATIENCE_S), 0)
        return [json.loads(body)["seq"] for _, body in self.server.stored]

    def test_a_last_message_that_is_lost_again_leaves_no_hole(self):
        self.store.write(3)
        self.assertEqual(self.ship(), [1, 2, 3])
        self.store.write(9, 3)
        self.server.phantoms = [(8, {"Nats-Msg-Id": f"{self.id}:8"})]
        self.assertEqual(self.ship(), list(range(1, 13)))

    def test_duplicates_of_messages_that_are_not_there_leave_no_hole(self):
        self.store.write(9)
        self.server.unkept = {f"{self.id}:{seq}" for seq in (8, 9)}
        self.assertEqual(self.ship(), list(range(1, 10)))

    def test_a_signature_that_the_library_leaves_out_is_made_again(self):
        self.store.write(1)
        seed = self.store.folder / "user.nk"
        seed.write_text(nats_keys.seed_of(nats_keys.USER, bytes(32)))
        # With this key, the signature of the first of them begins with a zero byte.
        self.server.nonces = ["nonce-000000211", "nonce-000000212"]
        self.assertEqual(self.ship("--nkey", "U" * 56, "--nkey-seed", str(seed)), [1])
        self.assertEqual(self.server.nonces, [])


if __name__ == "__main__":
    Ship.build = pathlib.Path(sys.argv[1])
    if not nats_cluster.is_there() or not (Ship.build / "bin/stele-ship").exists():
        print("skipped: needs nats-server, and libnats-dev when stele is built")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2, warnings="ignore")
