"""Runs under a systemd of its own (boot.sh): the packages, from their first installation on to the
purge. The cases follow one another."""
import pathlib
import pwd
import subprocess
import unittest

from common_cases import (SOCKET, Peer, Writer, messages, show, stop_and_check, systemctl, wait_for,
                          write_to)

PACKAGES = pathlib.Path("/run/packages")
CONFIG = pathlib.Path("/etc/stele/steled.conf")
NAMES = ("libstele-dev", "libstele0", "python3-stele", "stele-daemon", "stele-ship",
         "stele-tools")
LOG = pathlib.Path("/run/steled.log")
WEB = "steled@web.service"
SHIP = "stele-ship@web.service"


def dpkg(*words) -> str:
    print("# dpkg", *(str(word).removeprefix(str(PACKAGES) + "/") for word in words), flush=True)
    run = subprocess.run(["dpkg", "--force-unsafe-io", *words], capture_output=True, text=True,
                         stdin=subprocess.DEVNULL)
    print(run.stdout + run.stderr, end="", flush=True)
    assert run.returncode == 0
    return run.stdout


def install(release: int) -> None:
    dpkg("-i", *sorted(PACKAGES.glob(f"*-{release}_*.deb")))


def start_shipper() -> None:
    """Without a receiver: what the packages do to its process is the same."""
    drop_in = pathlib.Path("/etc/systemd/system/stele-ship@.service.d/test.conf")
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/bin/sleep infinity\n")
    CONFIG.with_name("ship-web.conf").write_text("STELE_SHIP_OPTIONS=\n")
    systemctl("daemon-reload")
    assert systemctl("start", SHIP).returncode == 0, systemctl("status", SHIP).stdout


def version(package: str) -> str:
    query = ["dpkg-query", "-W", "-f=${Status} ${Version}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout


def left_behind() -> list:
    """Of the packages; the group's user stays, as Debian wants it."""
    found = []
    for place in ("/usr", "/etc", "/var/lib", "/run"):
        words = ["find", place, "-xdev", "-name", "*stele*", "-not", "-path", "/run/packages*",
                 "-not", "-path", "/etc/systemd/*", "-not", "-path", "/var/lib/dpkg/*"]
        found += subprocess.run(words, capture_output=True, text=True).stdout.split()
    return found


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = set(left_behind())  # Other things that are called so.
        write_to(LOG, "steled.service")
        write_to(LOG, WEB)

    def test_1_installed_it_runs_and_a_member_of_the_group_writes(self):
        install(1)
        for unit in ("steled.socket", "steled.service"):
            self.assertEqual(show("ActiveState", unit), "active")
            self.assertEqual(show("UnitFileState", unit), "enabled")
        subprocess.run(["stele", "write", "by a member"], check=True, user=1234,
                       group=pwd.getpwnam("stele").pw_gid, extra_groups=[])
        self.assertEqual(messages("by a member"), ["by a member"])
        libraries = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
        self.assertIn("libstele.so.0 ", libraries)
        subprocess.run(["pkg-config", "--exists", "stele-client"], check=True)
        subprocess.run(["/usr/bin/python3", "-c",
                        "import stele; stele.Client().write_log('by Python')"], check=True)
        self.assertEqual(messages("by Python"), ["by Python"])
        ship = subprocess.run(["stele", "ship", "--to", "nats://nowhere"], capture_output=True,
                              text=True)
        self.assertIn("--stream is missing", ship.stderr)

    def test_2_an_upgrade_keeps_data_and_settings_and_refuses_no_client(self):
        with open(CONFIG, "a", encoding="utf-8") as file:
            file.write("\nmax-connections = 500\n")
        CONFIG.with_name("web.conf").write_text("retain-age = 7d\n")
        self.assertEqual(systemctl("start", WEB).returncode, 0, systemctl("status", WEB).stdout)
        start_shipper()
        services = ("steled.service", WEB, SHIP)
        pids = {unit: show("MainPID", unit) for unit in services}
        writers = [Writer(number) for number in range(1, 17)]
        for writer in writers:
            writer.start()
        wait_for("writes", lambda: sum(w.acknowledged for w in writers) > 200)
        install(2)
        before = sum(writer.acknowledged for writer in writers)
        wait_for("writes", lambda: sum(w.acknowledged for w in writers) > before + 200)
        print("an upgrade under", stop_and_check(self, writers))
        for name in NAMES:
            self.assertEqual(version(name), "install ok installed 0.1.0-2")
        for unit, pid in pids.items():
            self.assertNotIn(show("MainPID", unit), (pid, "0"))
        self.assertEqual(messages("by a member"), ["by a member"])
        self.assertIn("max-connections = 500", CONFIG.read_text())
        self.assertEqual(Peer().ask(op="stats")["limits"]["connections_max"], 500)

    def test_3_removed_it_stops_and_the_log_and_the_settings_stay(self):
        systemctl("stop", WEB, "steled@web.socket")
        dpkg("-r", "stele-ship")
        self.assertEqual(show("MainPID", SHIP), "0")
        dpkg("-r", "stele-daemon")
        self.assertNotEqual(show("ActiveState"), "active")
        with self.assertRaises(OSError):
            Peer()
        self.assertFalse(pathlib.Path("/usr/sbin/steled").exists())
        self.assertIn("max-connections = 500", CONFIG.read_text())
        run = subprocess.run(["stele", "verify", "/var/lib/stele"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_4_installed_again_it_serves_the_same_log(self):
        install(2)
        self.assertEqual(show("ActiveState"), "active")
        self.assertEqual(messages("by a member"), ["by a member"])

    def test_5_what_an_administrator_disabled_stays_so(self):
        systemctl("disable", "--now", "steled.socket", "steled.service")
        install(2)
        for unit in ("steled.socket", "steled.service"):
            self.assertEqual(show("UnitFileState", unit), "disabled")
            self.assertEqual(show("ActiveState", unit), "inactive")
        systemctl("enable", "--now", "steled.socket", "steled.service")
        self.assertTrue(Peer().ask(op="ping")["ok"])

    def test_6_purged_it_leaves_nothing_but_what_is_another_instances(self):
        dpkg("-P", *NAMES)
        self.assertNotEqual(show("ActiveState"), "active")
        own = {str(LOG), "/etc/stele", "/var/lib/stele-web", "/run/stele-web"}
        self.assertEqual(set(left_behind()) - self.before - own, set())
        self.assertFalse(pathlib.Path(SOCKET).exists())


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
