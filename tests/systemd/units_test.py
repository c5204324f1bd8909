"""What systemd itself says of the units: units_test.py BUILD_DIR. 77: there is no systemd."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

EXPOSURE_MAX = 0.5
SERVICES = ("steled.service", "steled@one.service")


def file_of(unit: str) -> str:
    return re.sub("@[^.]+", "@", unit)


class Units(unittest.TestCase):
    build: pathlib.Path

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name)
        for component in ("daemon", "ship"):
            words = ["cmake", "--install", self.build, "--prefix", "/usr", "--component", component]
            subprocess.run(words, check=True, env={**os.environ, "DESTDIR": scratch.name},
                           stdout=subprocess.DEVNULL)
        for unit in (self.dir / "usr/lib/systemd/system").iterdir():
            # The programs are not in their places here.
            text, found = re.subn("(?m)^(Exec[A-Z][a-z]+)=/usr/s?bin/(steled?) ",
                                  rf"\1={self.build}/bin/\2 ", unit.read_text())
            self.assertEqual(found > 0, unit.suffix == ".service")
            (self.dir / unit.name).write_text(text)

    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", "--no-pager", *arguments], cwd=self.dir,
                              capture_output=True, text=True)

    def verify(self, *units):
        return self.analyze("verify", "--man=no", *(f"./{unit}" for unit in units))

    def exposure(self, unit):
        return self.analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}",
                            f"./{unit}")

    def test_verify_is_silent(self):
        for unit in SERVICES:
            with self.subTest(unit):
                run = self.verify(unit, unit.replace("service", "socket"))
                self.assertEqual(run.stdout + run.stderr, "")
                self.assertEqual(run.returncode, 0)

    def test_verify_of_the_shipper_is_silent(self):
        if not (self.dir / "stele-ship@.service").exists():
            self.skipTest("there is no libnats")
        run = self.verify("stele-ship@one.service", "steled.service", "steled.socket")
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

    def test_verify_would_name_a_mistake(self):
        unit = self.dir / "steled.service"
        unit.write_text(unit.read_text().replace("WatchdogSec=30s", "WatchdogSec=soon"))
        self.assertIn("Failed to parse", self.verify("steled.service").stderr)

    def test_the_exposure_is_low(self):
        for unit in SERVICES:
            with self.subTest(unit):
                run = self.exposure(unit)
                self.assertEqual(run.returncode, 0, run.stdout[-400:])
                found = re.search(r"exposure level for \S+: ([\d.]+)", run.stdout)
                print(f"{unit}: exposure {found[1]}")
                self.assertLessEqual(float(found[1]), EXPOSURE_MAX)

    def test_a_unit_that_may_do_more_is_caught(self):
        unit = self.dir / "steled.service"
        unit.write_text(unit.read_text().replace("PrivateNetwork=yes", "PrivateNetwork=no"))
        self.assertNotEqual(self.exposure("steled.service").returncode, 0)

    def test_clients_keep_their_users(self):
        for unit in SERVICES:
            self.assertIn("\nPrivateUsers=no\n", (self.dir / file_of(unit)).read_text())

    def test_each_line_has_its_reason(self):
        readme = pathlib.Path(__file__).parents[2] / "systemd/README.md"
        reasons = set(re.findall(r"[A-Z][A-Za-z]+", readme.read_text()))
        settings = re.findall(r"(?m)^([A-Za-z]+)=", (self.dir / "steled.service").read_text())
        unexplained = {"Description", "Documentation", "ExecStart", "Also", "WantedBy",
                       "RuntimeDirectoryMode", "StateDirectory"}
        self.assertEqual(set(settings) - reasons - unexplained, set())


if __name__ == "__main__":
    if not shutil.which("systemd-analyze"):
        print("skipped: there is no systemd-analyze")
        sys.exit(77)
    Units.build = pathlib.Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1], verbosity=2)
