"""Runs under a systemd of its own (boot.sh): what the guide says under "Procedures", word for word,
one after the other on one machine."""
import json
import pathlib
import re
import shutil
import subprocess
import unittest

from common_cases import PATIENCE_S, Peer, messages, show, start, systemctl, wait_for

GUIDE = pathlib.Path("/usr/local/share/doc/stele/systemd.md")
DATA = pathlib.Path("/var/lib/stele")
NATS = pathlib.Path("/run/nats")


def procedures() -> dict:
    """Of each heading its indented blocks."""
    text = GUIDE.read_text().split("\n## Procedures\n", 1)[1].split("\n## ", 1)[0]
    found = {}
    for part in text.split("\n### ")[1:]:
        name, _, body = part.partition("\n")
        blocks = re.findall(r"(?m)(?:^    .*\n?)+", body)
        found[name] = ["".join(line[4:] for line in block.splitlines(True)) for block in blocks]
    return found


def audit() -> dict:
    return Peer().ask(op="audit")


def read_stream() -> str:
    run = subprocess.run(["stele", "read", "--from", "nats://localhost:4222", "--stream", "web1",
                          "-o", "cat"], capture_output=True, text=True)
    return run.stdout


class Procedures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = procedures()
        cls.tried = set()
        start("steled.service", pathlib.Path("/run/steled.log"))
        systemctl("enable", "steled.socket", "steled.service")
        pathlib.Path("/etc/stele").symlink_to("/usr/local/etc/stele")
        NATS.mkdir()
        (NATS / "conf").write_text('listen: "127.0.0.1:4222"\n'
                                   f'jetstream {{ store_dir: "{NATS}" }}\n')
        cls.nats = subprocess.Popen(["nats-server", "-c", NATS / "conf"], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.nats.wait)
        cls.addClassCleanup(cls.nats.kill)

    def follow(self, name: str, block=None) -> str:
        """Each block of the procedure, or one of them."""
        self.tried.add(name)
        blocks = self.all[name]
        out = ""
        for text in blocks if block is None else [blocks[block]]:
            run = subprocess.run("set -eo pipefail\n" + text, shell=True, executable="/bin/bash",
                                 capture_output=True, text=True, timeout=PATIENCE_S)
            self.assertEqual(run.returncode, 0, f"{name}: {run.stdout}{run.stderr}")
            out += run.stdout
        return out

    def write(self, message: str) -> None:
        subprocess.run(["stele", "write", message], check=True)

    def test_1_back_up_and_try_it(self):
        self.write("one")
        self.follow("Back up", 0)
        self.write("two")
        self.follow("Back up", 1)
        self.assertIn("seqs 1…2 complete", self.follow("Try a backup"))
        self.assertFalse(pathlib.Path("/var/tmp/stele-try").exists())

    def test_2_restore(self):
        self.write("not in the backup")
        before = Peer().ask(op="hello")["store_id"]
        self.assertIn("seqs 1…2 complete", self.follow("Restore"))
        self.assertEqual(messages(""), ["one", "two"])
        self.assertEqual(Peer().ask(op="hello")["store_id"], before)
        self.assertEqual(show("ActiveState"), "active")

    def test_3_move(self):
        self.write("three")
        self.follow("Move", 0)
        shutil.rmtree(DATA)  # Another machine has a log of its own.
        systemctl("start", "steled.socket", "steled.service")
        self.write("of the new machine")
        self.assertIn("seqs 1…3 complete", self.follow("Move", 1))
        self.assertEqual(messages(""), ["one", "two", "three"])

    def test_4_ship_for_the_first_time(self):
        self.follow("Ship for the first time")
        wait_for("the entries", lambda: read_stream() == "one\ntwo\nthree\n")
        figures = pathlib.Path("/run/stele-ship/web/stele-ship.prom")

        def read_as_somebody() -> str:
            run = subprocess.run(["/usr/bin/head", "-c", "9999", figures], capture_output=True,
                                 text=True, user=1234, group=1234, extra_groups=[])
            return run.stdout

        # Who collects metrics is nobody special.
        wanted = 'stele_ship_acknowledged_seq{log="stele",stream="web1"} 3\n'
        wait_for("the figures", lambda: wanted in read_as_somebody())

    def test_5_upgrade(self):
        pid = show("MainPID")
        self.follow("Upgrade")
        self.assertNotEqual(show("MainPID"), pid)

    def test_6_salvage(self):
        for number in range(4, 200):
            self.write(f"entry {number}")
        wait_for("the entries", lambda: read_stream().endswith("entry 199\n"))
        systemctl("stop", "steled.socket", "steled.service")
        segment = next(file for file in DATA.glob("wal-*.seg")
                       if b'"entry 100"' in file.read_bytes())
        damaged = bytearray(segment.read_bytes())
        at = damaged.index(b'"entry 100"')
        damaged[at:at + 9] = b"#########"
        segment.write_bytes(damaged)
        systemctl("start", "steled.socket", "steled.service")
        self.assertEqual(Peer().ask(op="stats")["state"], "damaged")
        self.follow("Salvage", 0)
        lost = audit()
        self.assertGreater(lost["damaged"], 0)
        self.assertEqual(Peer().ask(op="stats")["state"], "damaged")
        self.follow("Salvage", 1)
        known = audit()
        self.assertEqual((known["acknowledged"], known["damaged"]),
                         (lost["damaged"], lost["damaged"]))
        self.assertEqual(Peer().ask(op="stats")["state"], "ok")
        systemctl("restart", "steled.service")
        self.assertEqual(Peer().ask(op="stats")["state"], "ok")
        self.assertEqual(audit()["acknowledged"], lost["damaged"])

    def test_7_ship_after_a_salvage(self):
        wait_for("the end of the shipper",
                 lambda: show("ActiveState", "stele-ship@web") == "failed")
        self.write("after the salvage")
        self.follow("Ship after a salvage")
        wait_for("the entry", lambda: read_stream().endswith("after the salvage\n"))
        self.assertEqual(len(read_stream().splitlines()), 200)

    def test_8_each_procedure_of_the_guide_was_tried(self):
        self.assertEqual(self.tried, set(self.all))

    def test_9_a_reload_of_wrong_settings_fails_and_changes_nothing(self):
        config = pathlib.Path("/usr/local/etc/stele/steled.conf")
        before = config.read_text()
        pid = show("MainPID")
        config.write_text(before + "\nmax-connections = many\n")
        self.assertNotEqual(systemctl("reload", "steled.service").returncode, 0)
        self.assertEqual((show("ActiveState"), show("MainPID")), ("active", pid))
        config.write_text(before + "\nmax-connections = 77\n")
        self.assertEqual(systemctl("reload", "steled.service").returncode, 0)
        wait_for("the setting",
                 lambda: Peer().ask(op="stats")["limits"]["connections_max"] == 77)
        config.write_text(before)

    def test_9_a_credential_is_for_the_shipper_alone_and_a_wrong_setting_is_not_tried_again(self):
        conf = pathlib.Path("/etc/stele/ship-x.conf")
        secret = pathlib.Path("/etc/stele/x.auth")
        secret.write_text("no header\n")
        secret.chmod(0o600)
        drop_in = pathlib.Path("/etc/systemd/system/stele-ship@x.service.d/x.conf")
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text(f"[Service]\nLoadCredential=x.auth:{secret}\n")
        systemctl("daemon-reload")
        conf.write_text("STELE_SHIP_OPTIONS=--to http://127.0.0.1:1/v1/logs --state "
                        "/var/lib/stele-ship/x/state --header-file x.auth\n")
        systemctl("start", "stele-ship@x")
        # It was read: what is in it is what is wrong.
        wait_for("the end", lambda: show("ActiveState", "stele-ship@x") == "failed")
        self.assertEqual(show("ExecMainStatus", "stele-ship@x"), "2")
        self.assertEqual(show("NRestarts", "stele-ship@x"), "0")
        secret.write_text("Authorization: Bearer x\n")
        systemctl("reset-failed", "stele-ship@x")
        systemctl("start", "stele-ship@x")
        state = pathlib.Path("/var/lib/stele-ship/x/state")
        wait_for("the state, before anything is sent", state.exists)
        self.assertEqual(state.parent.stat().st_mode & 0o777, 0o700)
        self.assertEqual(show("ActiveState", "stele-ship@x"), "active")
        systemctl("stop", "stele-ship@x")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
