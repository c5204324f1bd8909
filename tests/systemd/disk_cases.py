"""Runs under a systemd of its own (boot.sh): a disk that is full, and one that does not answer."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import threading
import time
import unittest

from common_cases import PATIENCE_S, WATCHDOG_S, Peer, show, start, systemctl, wait_for

SERVICE = "steled@disk.service"
SOCKET = "/run/stele-disk/stele.sock"
DISK = pathlib.Path("/var/lib/stele-disk")
CONFIG = pathlib.Path("/usr/local/etc/stele/disk.conf")
LOG = pathlib.Path("/run/steled-disk.log")
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
BACKENDS = ("io_uring", "posix")


@contextlib.contextmanager
def stalled_disk():
    """Every write waits, for as long as this lasts: the file system is frozen (fsfreeze)."""
    disk = os.open(DISK, os.O_RDONLY)
    fcntl.ioctl(disk, FIFREEZE, 0)
    try:
        yield
    finally:
        fcntl.ioctl(disk, FITHAW, 0)
        os.close(disk)


@contextlib.contextmanager
def full_disk():
    """Somebody else takes all that is left, for as long as this lasts."""
    filler = DISK / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()


def answers_soon() -> bool:
    try:
        return Peer(SOCKET, patience_s=0.3).ask(op="ping")["ok"]
    except TimeoutError:
        return False


class Writer(threading.Thread):
    """Writes large entries, a dozen to a segment, until it is stopped."""

    def __init__(self):
        super().__init__()
        self.stop = threading.Event()
        self.acknowledged = 0
        self.error = None

    def run(self):
        try:
            peer = Peer(SOCKET)
            while not self.stop.is_set():
                reply = peer.ask(op="write_log", entry={"message": "x" * 80_000})
                assert reply["ok"], reply
                self.acknowledged += 1
        except Exception as error:
            self.error = error


class RealDisk(unittest.TestCase):
    def setUp(self):
        # The disk is there; nothing is on it but what the file system itself made.
        shutil.chown(DISK, "stele", "stele")

    def serve(self, backend: str) -> int:
        """A service on the empty disk; its process."""
        systemctl("stop", SERVICE)
        for file in DISK.iterdir():
            if file.is_file():
                file.unlink()
        CONFIG.write_text(f"segment-bytes = 1M\nretain-bytes = 0\nwal-backend = {backend}\n")
        self.assertEqual(systemctl("start", SERVICE).returncode, 0)
        return int(show("MainPID", SERVICE))

    def assert_not_restarted(self, pid: int) -> None:
        self.assertEqual(int(show("MainPID", SERVICE)), pid)
        self.assertEqual(show("NRestarts", SERVICE), "0")
        self.assertEqual(show("ActiveState", SERVICE), "active")

    def test_1_a_full_disk_refuses_writes_and_heals_without_a_restart(self):
        for backend in BACKENDS:
            with self.subTest(backend):
                pid = self.serve(backend)
                peer = Peer(SOCKET)
                acknowledged = 0
                with full_disk():
                    for size in (80_000, 2000, 1):  # Smaller ones fit for longer.
                        entry = {"message": "x" * size}
                        while (reply := peer.ask(op="write_log", entry=entry))["ok"]:
                            acknowledged += 1
                        self.assertEqual(reply["error"]["code"], "no_space")
                    wait_for("the status", lambda: "no space" in show("StatusText", SERVICE))
                    time.sleep(2 * WATCHDOG_S)
                    self.assertEqual(peer.ask(op="count_logs")["count"], acknowledged)
                    self.assert_not_restarted(pid)
                wait_for("space", lambda: peer.ask(op="write_log", entry=entry)["ok"])
                wait_for("the status", lambda: "no space" not in show("StatusText", SERVICE))
                self.assert_not_restarted(pid)

    def test_2_a_disk_that_does_not_answer_is_waited_for(self):
        for backend in BACKENDS:
            with self.subTest(backend):
                pid = self.serve(backend)
                acknowledged = []

                def write():
                    acknowledged.append(Peer(SOCKET).ask(op="write_log", entry={"message": "late"}))

                peer = Peer(SOCKET)
                self.assertTrue(peer.ask(op="write_log", entry={"message": "before"})["ok"])
                time.sleep(0.2)  # For the record that proves it.
                with stalled_disk():
                    writer = threading.Thread(target=write)
                    writer.start()
                    wait_for("the status",
                             lambda: "has not answered" in show("StatusText", SERVICE))
                    deadline = time.monotonic() + 3 * WATCHDOG_S
                    while time.monotonic() < deadline:
                        self.assertEqual(peer.ask(op="count_logs")["count"], 1)
                        time.sleep(0.1)
                    self.assertEqual(acknowledged, [])
                    self.assert_not_restarted(pid)
                writer.join(PATIENCE_S)
                self.assertTrue(acknowledged[0]["ok"])
                self.assertIn("the disk has not answered", LOG.read_text())

    def test_3_a_loop_that_waits_for_the_disk_itself_is_not_taken_for_stuck(self):
        for backend in BACKENDS:
            with self.subTest(backend):
                pid = self.serve(backend)
                writer = Writer()
                writer.start()
                for attempts in range(1, 1000):
                    before = writer.acknowledged
                    wait_for("writes", lambda: writer.acknowledged > before or writer.error)
                    with stalled_disk():
                        if answers_soon():
                            continue  # Only writes were under way, which are beside the loop.
                        time.sleep(2.5 * WATCHDOG_S)
                        self.assert_not_restarted(pid)
                    break
                print(f"{backend}: the loop waited for the disk at attempt {attempts}")
                writer.stop.set()
                writer.join(PATIENCE_S)
                self.assertIsNone(writer.error)
                self.assertEqual(Peer(SOCKET).ask(op="count_logs")["count"], writer.acknowledged)
                self.assert_not_restarted(pid)


    def test_4_the_doctor_finds_a_disk_without_barriers_and_one_without_space(self):
        def visit() -> str:
            words = ["stele", "doctor", "--socket", SOCKET, "--data-dir", str(DISK)]
            return subprocess.run(words, capture_output=True, text=True).stdout

        self.serve("posix")
        self.assertRegex(visit(), r"(ok|note) +write cache ")
        # What is left of 128 MiB is more than a segment of the default size, and not much.
        self.assertRegex(visit(), r"warn +space ")
        subprocess.run(["mount", "-o", "remount,nobarrier", DISK], check=True)
        self.assertRegex(visit(), r"bad +write cache +mounted with nobarrier")
        subprocess.run(["mount", "-o", "remount,barrier", DISK], check=True)
        self.assertRegex(visit(), r"(ok|note) +write cache ")
        with full_disk():
            self.assertRegex(visit(), r"bad +space ")


if __name__ == "__main__":
    CONFIG.write_text("segment-bytes = 1M\n")
    start(SERVICE, LOG)
    unittest.main(verbosity=2, warnings="ignore")
