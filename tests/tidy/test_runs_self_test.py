#!/usr/bin/env python3
"""Plants each way in which a run could test the wrong program, or nothing, and expects its finding."""

import tempfile
import unittest
from pathlib import Path

from test_runs import (default_presets, joined, parsed, program_findings, skip_findings,
                       skipped_in, suites_without_sanitizer, tests_of)

ROOT = Path("/src")
RELEASE = "/src/build/release"
SANITIZED = "/src/build/asan-ubsan"


def planted(name, preset, program, *words, environment=()):
    """A test as ctest tells it."""
    return parsed({"name": name, "command": [program, *words], "properties": [
        {"name": "ENVIRONMENT", "value": list(environment)},
        {"name": "WORKING_DIRECTORY", "value": f"/src/build/{preset}/tests/process"}]})


def programs(build, sanitized):
    return (f"STELE_STELED={build}/bin/steled", f"STELE_STELE={build}/bin/stele",
            *(["STELE_SANITIZED=1"] if sanitized else []))


def release(suite="kill_test", **given):
    return planted(f"release.process.{suite}", "release", f"{RELEASE}/bin/process_test",
                   f"--run_test={suite}", **given)


def sanitized(suite="kill_test", environment=programs(SANITIZED, True), **given):
    return planted(f"asan-ubsan.process.{suite}", "asan-ubsan", f"{RELEASE}/bin/process_test",
                   f"--run_test={suite}", environment=environment, **given)


def sentences(*tests, without=frozenset()):
    return [sentence for _, sentence in program_findings(ROOT, tests, set(without))]


class Programs(unittest.TestCase):
    def test_each_preset_with_its_own_programs_is_sound(self):
        self.assertEqual(sentences(release(), sanitized(), without={"kill_test"}), [])

    def test_a_release_test_with_the_sanitized_daemon(self):
        found = sentences(release(environment=programs(SANITIZED, True)), sanitized())
        self.assertEqual(found[:2], ["STELE_STELED is that of asan-ubsan",
                                     "STELE_STELE is that of asan-ubsan"])

    def test_a_sanitized_test_without_its_programs(self):
        self.assertIn("runs a program of release, which runs those of release",
                      sentences(sanitized(environment=())))
        self.assertIn("runs a program of release, which runs those of release",
                      sentences(sanitized(environment=programs(SANITIZED, True)[1:])))

    def test_another_presets_folder_as_an_argument(self):
        test = planted("release.systemd.units", "release", "/usr/bin/python3", "units.py", SANITIZED)
        self.assertEqual(sentences(test), [f"is given {SANITIZED}"])

    def test_a_name_that_two_presets_have(self):
        found = sentences(
            planted("process.kill_test", "release", f"{RELEASE}/bin/process_test"),
            planted("process.kill_test", "asan-ubsan", f"{SANITIZED}/bin/process_test"))
        self.assertIn("its name does not begin with release., that of its build", found)
        self.assertIn("its name is that of another test: ctest mixes their properties", found)

    def test_the_same_work_in_two_presets(self):
        rules = ("/usr/bin/python3", "tidy.py", "/src")
        found = sentences(planted("release.tidy.rules", "release", *rules),
                          planted("asan-ubsan.tidy.rules", "asan-ubsan", *rules))
        self.assertEqual(found, ["does again what release.tidy.rules does"])

    def test_a_suite_that_only_a_sanitized_program_would_run(self):
        found = sentences(sanitized("clock_test"), without={"clock_test"})
        self.assertEqual(found, ["no preset runs it without a sanitizer, and with one it is skipped"])
        self.assertEqual(sentences(sanitized("clock_test"), release("clock_test"),
                                   without={"clock_test"}), [])

    def test_a_program_that_is_not_there(self):
        test = parsed({"name": "release.a", "properties": [
            {"name": "WORKING_DIRECTORY", "value": RELEASE}]})
        self.assertEqual(sentences(test), ["its program is not built"])

    def test_preconditions_that_ask_for_no_sanitizer_are_found(self):
        own = ("assertion_result has_clock(test_unit_id) {\n  return !is_sanitized();\n}\n"
               "SUITE(a, *precondition(has_clock))\n")
        other = "assertion_result is_root(test_unit_id) {\n  return true;\n}\n*precondition(is_root)\n"
        self.assertEqual(suites_without_sanitizer(
            {"own": own, "shared": "precondition(has_no_sanitizer)", "other": other}),
            {"own", "shared"})


class Ctest(unittest.TestCase):
    """What ctest makes of two trees that have a test of the same name: the fault itself."""

    def test_ctest_mixes_the_properties_of_tests_of_one_name(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            for preset, value in (("release", "R=1"), ("asan-ubsan", "S=1")):
                build = root / "build" / preset
                build.mkdir(parents=True)
                (build / "CTestTestfile.cmake").write_text(
                    f'add_test(a "/bin/true")\nadd_test({preset}.b "/bin/true")\n'
                    f'set_tests_properties(a {preset}.b PROPERTIES ENVIRONMENT {value})\n')
            tests = tests_of(root, ["release", "asan-ubsan"])
            self.assertEqual([(name, environment) for name, _, environment, _ in tests], [
                ("a", {"R": "1", "S": "1"}), ("release.b", {"R": "1"}),
                ("a", {"S": "1"}), ("asan-ubsan.b", {"S": "1"})])

    def test_the_presets_of_ci_are_those_of_run_sh(self):
        root = Path(__file__).resolve().parents[2]
        self.assertIn("release", default_presets(root))
        self.assertEqual(joined(root, ["a"]), f'subdirs("{root}/build/a")\n')


def log_of(*tests):
    """ctest's LastTest.log. `tests`: (name, output, whether it is skipped)."""
    return "".join(f"{number}/{len(tests)} Testing: {name}\n{number}/{len(tests)} Test: {name}\n"
                   f"Output:\n-----\n{output}<end of output>\n-----\n"
                   f"Test {'Skipped' if skipped else 'Passed'}.\n"
                   for number, (name, output, skipped) in enumerate(tests, 1))


class Skipped(unittest.TestCase):
    LINE = "skipped: stele/clock_test/it_jumps: needs a daemon without sanitizers\n"

    def found(self, *tests, lacks=()):
        return [" ".join(finding) for finding in skip_findings(log_of(*tests), lacks)]

    def test_skipped_in_both_presets(self):
        found = self.found(("release.faults.clock_test", self.LINE, True),
                           ("asan-ubsan.faults.clock_test", self.LINE, True))
        self.assertEqual(found, ["faults.clock_test clock_test/it_jumps is skipped everywhere: "
                                 "needs a daemon without sanitizers"])

    def test_skipped_in_one_preset_and_run_in_the_other(self):
        self.assertEqual(self.found(("release.faults.clock_test", "", False),
                                    ("asan-ubsan.faults.clock_test", self.LINE, True)), [])

    def test_one_case_of_a_test_that_passed(self):
        self.assertEqual(len(self.found(("release.faults.clock_test", self.LINE, False))), 1)

    def test_a_script_that_is_skipped(self):
        self.assertEqual(self.found(("release.systemd.packages", "skipped: no mood\n", True)),
                         ["systemd.packages is skipped everywhere: no mood"])

    def test_a_run_of_sanitized_programs_alone_may_skip_what_needs_others(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for preset, flags in (("release", ""), ("tsan", "-fsanitize=thread")):
                (root / "build" / preset).mkdir(parents=True)
                (root / "build" / preset / "CMakeCache.txt").write_text(f"CMAKE_CXX_FLAGS={flags}\n")
            log = root / "LastTest.log"
            self.assertEqual(len(skipped_in(root, log)), 1)
            log.write_text(log_of(("tsan.faults.clock_test", self.LINE, True)))
            self.assertEqual(skipped_in(root, log), [])
            log.write_text(log_of(("tsan.faults.clock_test", self.LINE, True),
                                  ("release.faults.clock_test", self.LINE, True)))
            self.assertEqual(len(skipped_in(root, log)), 1)

    def test_what_the_machine_lacks_is_no_finding_and_what_it_has_is(self):
        test = ("release.process.access_test", "skipped: stele/a/b: needs root\n", True)
        self.assertEqual(self.found(test, lacks=[("needs root", lambda: False)]), [])
        self.assertEqual(len(self.found(test, lacks=[("needs root", lambda: True)])), 1)


if __name__ == "__main__":
    unittest.main()
