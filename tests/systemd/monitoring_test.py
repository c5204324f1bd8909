"""The metrics, and the alert rules and the dashboard over them: monitoring_test.py SOURCE_DIR
BUILD_DIR. 77: there is no promtool."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest


def promtool(*words, **options):
    return subprocess.run(["promtool", *words], capture_output=True, text=True, **options)


def names_in(text: str) -> set:
    return set(re.findall(r"\bstele_[a-z_]+", text))


class Monitoring(unittest.TestCase):
    source: pathlib.Path
    build: pathlib.Path

    @classmethod
    def setUpClass(cls):
        cls.monitoring = cls.source / "systemd/monitoring"
        with tempfile.TemporaryDirectory() as scratch:
            socket = f"{scratch}/stele.sock"
            stele = [cls.build / "bin/stele", "--socket", socket]
            daemon = subprocess.Popen([cls.build / "bin/steled", "--data-dir", f"{scratch}/data",
                                       "--socket", socket], stderr=subprocess.DEVNULL)
            try:
                deadline = time.monotonic() + 60
                while subprocess.run([*stele, "write", "one"], capture_output=True).returncode:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
                cls.metrics = subprocess.run([*stele, "stats", "--prometheus"], check=True,
                                             capture_output=True, text=True).stdout
                cls.others = subprocess.run([*stele, "stats", "--prometheus", "--log", "other"],
                                            check=True, capture_output=True, text=True).stdout
            finally:
                daemon.terminate()
                daemon.wait()

    def test_prometheus_takes_the_metrics(self):
        run = promtool("check", "metrics", input=self.metrics)
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

    def test_metrics_of_two_logs_are_different_series_of_the_same_metrics(self):
        def series(text: str) -> set:
            return {line.rsplit(" ", 1)[0] for line in text.splitlines() if line[:1] != "#"}

        def heads(text: str) -> set:
            return {line for line in text.splitlines() if line[:1] == "#"}

        self.assertEqual(series(self.metrics) & series(self.others), set())
        self.assertEqual(heads(self.metrics), heads(self.others))

    def test_the_rules_are_sound_and_tell_what_they_should(self):
        rules = self.monitoring / "stele.rules.yml"
        self.assertEqual(promtool("check", "rules", rules).returncode, 0)
        with tempfile.TemporaryDirectory() as scratch:
            shutil.copy(rules, scratch)
            shutil.copy(pathlib.Path(__file__).with_name("alerts_test.yml"), scratch)
            run = promtool("test", "rules", "alerts_test.yml", cwd=scratch)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_each_rule_has_its_tests(self):
        names = re.findall(r"- alert: (\w+)", (self.monitoring / "stele.rules.yml").read_text())
        tested = pathlib.Path(__file__).with_name("alerts_test.yml").read_text()
        self.assertEqual([name for name in names if f"alertname: {name}}}" not in tested], [])

    def test_rules_dashboard_and_guide_name_metrics_that_there_are(self):
        shipper = (self.source / "client-lib/ship/ship_metrics.cpp").read_text()
        there = names_in(self.metrics) | names_in(shipper)
        guide = (self.source / "systemd/README.md").read_text()
        for text in ((self.monitoring / "stele.rules.yml").read_text(),
                     (self.monitoring / "stele-dashboard.json").read_text(),
                     "\n".join(re.findall(r"(?m)^\| `?.*stele_.*$", guide))):
            # Errors have their lines once there was one.
            self.assertEqual(names_in(text) - there - {"stele_errors_total"}, set())

    def test_the_dashboard_asks_in_prometheus_language(self):
        dashboard = json.loads((self.monitoring / "stele-dashboard.json").read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                words = target["expr"].replace("$__rate_interval", "5m").replace(
                    "$instance", ".*").replace("$log", ".*")
                rule = {"groups": [{"name": "x", "rules": [{"record": "x", "expr": words}]}]}
                with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                    json.dump(rule, file)
                    file.flush()
                    run = promtool("check", "rules", file.name)
                    self.assertEqual(run.returncode, 0, f"{panel['title']}: {run.stderr}")


if __name__ == "__main__":
    if not shutil.which("promtool"):
        print("skipped: there is no promtool")
        sys.exit(77)
    Monitoring.source, Monitoring.build = map(pathlib.Path, sys.argv[1:])
    unittest.main(argv=sys.argv[:1], verbosity=2)
