"""Runs under a systemd of its own (boot.sh): the units as they are installed."""
import contextlib
import json
import os
import pathlib
import pwd
import re
import socket
import subprocess
import textwrap
import unittest

from common_cases import (SOCKET, Peer, Writer, messages, show, start, stop_and_check, systemctl,
                          wait_for)

CONFIG = pathlib.Path("/usr/local/etc/stele/steled.conf")
LOG = pathlib.Path("/run/steled.log")


@contextlib.contextmanager
def settings(text: str):
    """The installed configuration with these lines more, for as long as this lasts."""
    before = CONFIG.read_text()
    CONFIG.write_text(before + text)
    try:
        yield
    finally:
        CONFIG.write_text(before)


class RealSystemd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        start("steled.service", LOG)

    def setUp(self):
        systemctl("reset-failed", "steled.service")

    def main_pid(self) -> int:
        return int(show("MainPID"))

    def status(self, name: str) -> str:
        for line in pathlib.Path(f"/proc/{self.main_pid()}/status").read_text().splitlines():
            key, value = line.split(":", 1)
            if key == name:
                return value.strip()
        raise KeyError(name)

    def test_1_the_first_client_starts_the_service(self):
        self.assertEqual(show("ActiveState"), "inactive")
        self.assertTrue(Peer().ask(op="ping")["ok"])
        wait_for("active", lambda: show("ActiveState") == "active")
        self.assertNotEqual(show("StatusText"), "")

    def test_2_it_is_confined_as_the_unit_says(self):
        Peer().ask(op="ping")
        self.assertEqual(self.status("Uid").split()[1], str(pwd.getpwnam("stele").pw_uid))
        self.assertEqual(self.status("NoNewPrivs"), "1")
        self.assertEqual(self.status("Seccomp"), "2")
        self.assertNotIn("no seccomp filter", LOG.read_text())
        self.assertEqual(int(self.status("CapBnd"), 16), 0)
        limits = pathlib.Path(f"/proc/{self.main_pid()}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0")
        found = os.stat(SOCKET)
        self.assertEqual((found.st_uid, found.st_mode & 0o777), (0, 0o660))
        self.assertEqual(found.st_gid, pwd.getpwnam("stele").pw_gid)
        self.assertEqual(os.stat("/var/lib/stele").st_mode & 0o777, 0o700)

    def test_3_clients_are_known_by_their_real_user(self):
        write = ["stele", "--socket", SOCKET, "write"]
        subprocess.run([*write, "by root"], check=True)
        subprocess.run([*write, "by a member"], check=True, user=1234,
                       group=pwd.getpwnam("stele").pw_gid, extra_groups=[])
        stranger = subprocess.run([*write, "by a stranger"], user=1234, group=1234,
                                  extra_groups=[], capture_output=True)
        self.assertNotEqual(stranger.returncode, 0)
        reply = subprocess.run(["stele", "--socket", SOCKET, "read", "-o", "json", "--contains",
                                "by "], capture_output=True, text=True, check=True).stdout
        users = {entry["message"]: entry["origin"]["uid"]
                 for entry in map(json.loads, reply.splitlines())}
        self.assertEqual(users, {"by root": 0, "by a member": 1234})

    def test_4_writers_lose_and_double_nothing_over_restarts(self):
        restarts = int(os.environ.get("STELE_RESTARTS", "3"))
        writers = [Writer(number) for number in range(1, 17)]
        for writer in writers:
            writer.start()
        for _ in range(restarts):
            before = sum(writer.acknowledged for writer in writers)
            self.assertEqual(systemctl("restart", "steled.service").returncode, 0)
            wait_for("entries", lambda: sum(w.acknowledged for w in writers) > before + 200)
        print(f"{restarts} restarts, {stop_and_check(self, writers)}")

    def test_5_after_a_kill_it_is_started_again_and_the_log_is_whole(self):
        Peer().ask(op="write_log", entry={"message": "before the kill"})
        pid, restarts = self.main_pid(), int(show("NRestarts"))
        os.kill(pid, 9)
        wait_for("a restart", lambda: int(show("NRestarts")) > restarts)
        self.assertEqual(messages("before the kill"), ["before the kill"])
        self.assertNotEqual(self.main_pid(), pid)

    def test_6_a_loop_that_is_stuck_is_restarted(self):
        Peer().ask(op="ping")
        pid, restarts = self.main_pid(), int(show("NRestarts"))
        os.kill(pid, 19)
        wait_for("a restart", lambda: int(show("NRestarts")) > restarts)
        self.assertTrue(Peer().ask(op="ping")["ok"])
        self.assertNotEqual(self.main_pid(), pid)

    def test_7_a_reload_applies_what_can_change_and_names_what_cannot(self):
        Peer().ask(op="ping")
        pid = self.main_pid()
        with settings("\nretain-bytes = 2G\nsegment-bytes = 32M\n"):
            self.assertEqual(systemctl("reload", "steled.service").returncode, 0)
            wait_for("the reload", lambda: "reload: retain-bytes has changed" in LOG.read_text())
            wait_for("the rest", lambda: "segment-bytes has changed in the file; it needs a restart"
                     in LOG.read_text())
            self.assertEqual(self.main_pid(), pid)

    def test_7a_without_io_uring_it_says_so_in_a_line_and_goes_on(self):
        drop_in = pathlib.Path("/etc/systemd/system/steled.service.d/no_aio.conf")
        drop_in.write_text("[Service]\nSystemCallFilter=~@aio\nMemoryMax=infinity\n")
        try:
            systemctl("daemon-reload")
            before = len(LOG.read_text())
            self.assertEqual(systemctl("restart", "steled.service").returncode, 0)
            lines = LOG.read_text()[before:].splitlines()
            self.assertEqual(len([line for line in lines if "io_uring" in line]), 1, lines)
            self.assertTrue(Peer().ask(op="write_log", entry={"message": "by calls"})["ok"])
            # The unit sees no /proc/meminfo.
            total = int(re.search(r"MemTotal: +(\d+)",
                                  pathlib.Path("/proc/meminfo").read_text())[1]) * 1024
            known = Peer().ask(op="stats")["memory"]["machine_bytes"]
            self.assertTrue(0 < known <= total, known)
        finally:
            drop_in.unlink()
            systemctl("daemon-reload")
        self.assertEqual(systemctl("restart", "steled.service").returncode, 0)

    def test_7c_who_is_ordered_as_the_guide_says_has_its_first_and_last_words_on_disk(self):
        for name in ("Before", "Conflicts"):
            self.assertIn("shutdown.target", show(name))
        self.assertIn("/var/lib/stele", show("RequiresMountsFor"))
        guide = pathlib.Path("/usr/local/share/doc/stele/systemd.md").read_text()
        order = re.search(r"unit of a program that logs has\n\n((?:    .*\n)+)", guide)[1]
        client = pathlib.Path("/run/systemd/system/client.service")
        write = "/usr/local/bin/stele write"
        client.write_text(textwrap.dedent(order) + "PartOf=machine.target\n"
                          "[Service]\nType=oneshot\n"
                          f"RemainAfterExit=yes\nExecStart={write} first words\n"
                          f"ExecStop=/bin/sleep 0.5\nExecStop={write} last words\n")
        machine = client.with_name("machine.target")
        machine.write_text("[Unit]\nWants=client.service steled.service steled.socket\n")
        drop_ins = [pathlib.Path(f"/etc/systemd/system/steled.{kind}.d/order.conf")
                    for kind in ("service", "socket")]
        for drop_in in drop_ins:
            drop_in.parent.mkdir(exist_ok=True)
            drop_in.write_text("[Unit]\nPartOf=machine.target\n")
        systemctl("daemon-reload")
        systemctl("stop", "steled.socket", "steled.service")
        # All are started, and stopped, by one transaction each, as at boot and shutdown.
        self.assertEqual(systemctl("start", "machine.target").returncode, 0)
        wait_for("the client", lambda: show("ActiveState", "client.service") == "active")
        self.assertEqual(systemctl("stop", "machine.target").returncode, 0)
        wait_for("the end", lambda: show("ActiveState") == "inactive")
        left = [int(show("InactiveEnterTimestampMonotonic", unit))
                for unit in ("client.service", "steled.service")]
        self.assertEqual(left, sorted(left))
        for path in (client, machine, *drop_ins):
            path.unlink()
        systemctl("daemon-reload")
        self.assertEqual(systemctl("start", "steled.socket").returncode, 0)
        for words in ("first words", "last words"):
            self.assertEqual(messages(words), [words])

    def doctor(self, *words) -> str:
        run = subprocess.run(["stele", "doctor", *words], capture_output=True, text=True)
        return run.stdout + run.stderr

    def test_7b_the_doctor_looks_at_the_service(self):
        Peer().ask(op="ping")
        visit = self.doctor()
        self.assertRegex(visit, r"ok +socket +0660 root:stele\n")
        self.assertRegex(visit, r"ok +daemon +steled .*, state ok\n")
        self.assertRegex(visit, r"ok +io_uring +works here; the daemon writes by io_uring, ")
        self.assertRegex(visit, r"warn +file system +overlay on ")
        unit = pathlib.Path("/usr/local/lib/systemd/system/steled.service")
        self.assertRegex(visit, r"ok +unit +exposure 0\.\d of 10\n")
        opened = pathlib.Path("/run/opened.service")
        opened.write_text(unit.read_text().replace("PrivateNetwork=yes", "")
                          .replace("CapabilityBoundingSet=", "").replace("ProtectHome=yes", ""))
        self.assertRegex(self.doctor("--unit", str(opened)), r"warn +unit +exposure \d")
        # Where a filter refuses rings.
        output = pathlib.Path("/run/doctor.out")
        pathlib.Path("/run/systemd/system/doctor.service").write_text(
            "[Service]\nType=oneshot\nExecStart=-/usr/local/bin/stele doctor\n"
            "SystemCallFilter=~io_uring_setup\nSystemCallErrorNumber=EPERM\n"
            f"StandardOutput=truncate:{output}\n")
        systemctl("daemon-reload")
        self.assertEqual(systemctl("start", "doctor.service").returncode, 0)
        self.assertRegex(output.read_text(),
                         r"note +io_uring +not to be had: a seccomp filter refuses it")

    def test_8_a_wrong_configuration_is_not_tried_again_and_again(self):
        systemctl("stop", "steled.socket", "steled.service")
        with settings("\nretain-bytes = soon\n"):
            self.assertNotEqual(systemctl("start", "steled.service").returncode, 0)
            self.assertEqual(show("ExecMainStatus"), "78")
            self.assertEqual(show("ActiveState"), "failed")

    def test_9_clients_of_a_log_that_cannot_start_are_refused_until_a_person_mends_it(self):
        units = ["steled.service", "steled.socket"]
        systemctl("stop", *units)
        with settings("\nretain-bytes = soon\n"):
            self.assertEqual(systemctl("start", "steled.socket").returncode, 0)
            waiting = socket.socket(socket.AF_UNIX)
            waiting.connect(SOCKET)
            wait_for("the end", lambda: show("ActiveState", "steled.socket") == "failed")
            waiting.close()
            with self.assertRaises(OSError):
                Peer()
        systemctl("reset-failed", *units)
        self.assertEqual(systemctl("start", *units).returncode, 0)
        self.assertTrue(Peer().ask(op="ping")["ok"])


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
