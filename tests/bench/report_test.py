"""The report says what its figures say: medians, verdicts, guards, texts. Run by ctest."""

import unittest

import checks
import curve_texts
import results_html
import results_md
import turn_trace
from results import Results
from targets import targets, verdict

FACTS = {"machine": [["processor", "a < b"]], "run": "One round."}


def write(label, rate=1000.0, p50=100.0, number=0, **more):
    return {"label": label, "round": number, "peer": label.split("/")[1].split()[0],
            "durability": "acknowledged after sync", "entries_per_s": rate,
            "mb_per_s": rate * 250 / 1e6, "generator_cpu": 0.1, "server_cpu": 0.3,
            "server_loop_cpu": 0.3, "others_cpu": 0.0, "disk_busy": 0.5, "operations": 100,
            "entries": 100, "seconds": 1.0,
            "latency_us": {"p50": p50, "p90": p50, "p99": 2 * p50, "p99.9": 3 * p50,
                           "max": 4 * p50},
            "latency_curve_us": [[0, p50], [0.5, p50]],
            "wal": {"commits": 50, "commit_entries": 100, "commit_bytes": 51200,
                    "segment_waits": 0}, **more}


def single_writes(stele_p50, **floor):
    return Results([write("w1/floor", p50=100.0, **floor),
                    write("w1/stele posix", p50=stele_p50)])


def verdict_of(results):
    return verdict(targets(results)[0], checks.find(results))


class Medians(unittest.TestCase):
    def test_the_median_of_the_rounds_is_shown_and_ratios_are_taken_round_by_round(self):
        lines = []
        for number, (floor, stele) in enumerate(((100, 110), (200, 240), (400, 400))):
            lines += [write("w1/floor", p50=floor, number=number),
                      write("w1/stele posix", p50=stele, number=number)]
        results = Results(lines)
        self.assertEqual(results.get("w1/floor")["latency_us"]["p50"], 200)
        self.assertEqual(sorted(results.ratios("latency_us/p50", "w1/stele posix", "w1/floor")),
                         [1.0, 1.1, 1.2])

    def test_a_curve_of_percentiles_has_the_points_that_all_rounds_have(self):
        results = Results([write("w1/redis", latency_curve_us=[[0, 1], [0.5, 3], [0.9, 9]]),
                           write("w1/redis", latency_curve_us=[[0, 2], [0.5, 5]], number=1)])
        self.assertEqual(results.get("w1/redis")["latency_curve_us"], [[0, 1.5], [0.5, 4]])

    def test_a_peer_that_does_not_run_is_left_out_with_the_reason(self):
        results = Results([{"label": "w1/postgres", "round": 0, "not_running": "no such package"}])
        self.assertIsNone(results.get("w1/postgres"))
        self.assertEqual(results.not_running("w1/postgres"), "no such package")


class Verdicts(unittest.TestCase):
    def test_a_ratio_within_the_limit_is_met(self):
        self.assertEqual(verdict_of(single_writes(110.0))[0], "met")

    def test_a_ratio_beyond_the_limit_is_not_met(self):
        self.assertEqual(verdict_of(single_writes(120.0))[0], "not met")

    def test_nothing_that_syncs_can_be_faster_than_the_floor(self):
        said, why = verdict_of(single_writes(4.0))
        self.assertEqual(said, "void")
        self.assertIn("cannot be", why)

    def test_other_work_on_the_machine_makes_a_figure_void(self):
        said, why = verdict_of(single_writes(110.0, others_cpu=0.6))
        self.assertEqual(said, "void")
        self.assertIn("other programs took 0.60 of a core", why)

    def test_more_than_the_disk_can_take_is_void(self):
        results = Results([write("bandwidth/1 MiB", rate=1000.0),
                           write("batch/stele posix", rate=2000.0)])
        self.assertTrue(any("above the disk" in finding.text for finding in checks.find(results)))

    def test_a_busy_generator_is_remarked(self):
        results = Results([write("w64/redis", generator_cpu=0.97)])
        finding, = checks.find(results)
        self.assertIn("generator", finding.text)
        self.assertFalse(finding.is_void)

    def test_what_was_not_measured_has_no_verdict(self):
        self.assertEqual(targets(Results([write("w64/redis")])), [])


class CurveTexts(unittest.TestCase):
    def test_a_knee_is_where_the_slope_changes(self):
        points = [(x, write("clients/x", rate=1000.0 * min(x, 16))) for x in (1, 4, 16, 64, 256)]
        self.assertEqual(curve_texts.phases(points), [(0, 2), (2, 4)])
        text = " ".join(curve_texts.describe_clients(points))
        self.assertIn("Knee at 16.", text)

    def test_a_knee_is_explained_by_what_was_busy(self):
        busy = write("clients/64", server_loop_cpu=0.97)
        self.assertIn("the daemon's thread is the limit", curve_texts.because(busy))
        self.assertIn("no one part is the limit", curve_texts.because(write("clients/1")))

    def test_a_cost_of_a_fixed_part_and_a_part_for_each_byte_is_found(self):
        fixed, each = curve_texts.fit_cost([(x, 20 + 0.002 * x) for x in (50, 1000, 60_000)])
        self.assertAlmostEqual(fixed, 20, 6)
        self.assertAlmostEqual(each, 0.002, 9)

    def test_a_point_off_the_line_is_told(self):
        points = [(x, 20 + 0.002 * x) for x in (50, 1000, 30_000)] + [(60_000, 600.0)]
        fixed, each = curve_texts.fit_cost(points)
        self.assertIn("above this line", curve_texts.fit_remark(points, fixed, each, "bytes"))

    def test_a_flat_curve_is_called_flat(self):
        points = [(x, write("log-read/x", rate=1000.0 + x / 1e5)) for x in (1e4, 1e5, 1e6)]
        self.assertTrue(curve_texts.describe_growth(points, "Reads")[0].startswith("Flat"))


class TurnTraces(unittest.TestCase):
    def test_the_operation_that_turned_is_found_by_its_seq(self):
        trace = [(i * 1000, i * 1000 + (9000 if i == 60 else 500), i + 1) for i in range(120)]
        told = turn_trace.summarise(trace, [61], [], near=5)
        self.assertEqual(told["turns"], 1)
        self.assertEqual(told["groups"]["turned"], {"count": 1, "p50": 9.0, "p99": 9.0,
                                                    "p99.9": 9.0, "max": 9.0})
        self.assertEqual(told["groups"]["before"]["count"], 5)
        self.assertEqual(told["groups"]["others"]["max"], 0.5)

    def test_what_ran_while_a_segment_was_prewritten_is_told_apart(self):
        trace = [(i * 10**6, i * 10**6 + 500, i + 1) for i in range(100)]
        told = turn_trace.summarise(trace, [], [[0.0205, 0.0305]], near=5)
        self.assertEqual(told["groups"]["prewriting"]["count"], 10)


class Reports(unittest.TestCase):
    def test_both_reports_are_written_from_any_part_of_the_figures(self):
        trace = [(i * 10**6, i * 10**6 + 500_000, i + 1) for i in range(300)]
        lines = [write("w1/floor"), write("w1/stele posix", p50=110.0), write("w64/redis"),
                 write("turns/entries of 16 KiB", turns=1,
                       **{k: v for k, v in turn_trace.summarise(
                           trace, [150], [[0.1, 0.11]], 5).items() if k != "turns"}),
                 {"label": "idle/redis", "round": 0, "seconds": 10, "connections": 100,
                  "wake_ups": 3}]
        lines += [write(f"clients/{x}", rate=1000.0 * x) for x in (1, 8, 64)]
        for shown in (lines, lines[:2], lines[4:5], []):
            results = Results(shown)
            findings = checks.find(results)
            self.assertIn("# Results", results_md.render(results, FACTS, findings))
            page = results_html.render(results, FACTS, findings)
            self.assertIn("a &lt; b", page)
            self.assertEqual(page.count("<svg"), page.count("</svg>"))
        page = results_html.render(Results(lines), FACTS, [])
        self.assertEqual(page.count("<svg"), 8)


if __name__ == "__main__":
    unittest.main()
