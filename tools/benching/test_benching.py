"""What turns counts into figures, where a slip would mislead: `python3 -m unittest` in this folder's parent."""
import os
import tempfile
import unittest

from benching import allocations, kernels, plots, report
from benching.measure import Run, Values, cpu_of, median
from benching.targets import RATIOS, ROWS, Figure


def run_of(values):
    machine = {"cpu": "c", "cores": 2, "memory_gib": 1, "kernel": "k", "openssl": "o", "swift": "s", "commit": "abc",
               "changed": False}
    settings = {"users": 1_000_000, "audience": 10_000_000, "rounds": 3}
    return report.result(values, machine, settings, "2026-03-01T00:00:00Z", [])


class Figures(unittest.TestCase):
    def test_median(self):
        self.assertEqual(median([9, 1, 5]), 5)
        self.assertEqual(median([9, 1, 5, 6]), 5.5)

    def test_met(self):
        less = Figure("µs", 1e6, 1, good=25, goal=17)
        self.assertEqual([less.met(value) for value in (17e-6, 17.2e-6, 25e-6, 26e-6)], ["goal", "good", "good", "no"])
        more = Figure("M/s", 1e-6, 2, good=1.2, goal=2.0, more_is_better=True)
        self.assertEqual([more.met(value) for value in (2e6, 1.99e6, 1.2e6, 1.1e6)], ["goal", "good", "good", "no"])
        self.assertEqual(Figure("x", good=None).met(1), "")
        # Only a "good": it is no goal that is reached.
        self.assertEqual([Figure("B", good=100).met(value) for value in (99, 101)], ["good", "no"])

    def test_result(self):
        values = Values()
        for rate, cpu in ((1e6, 3e-6), (3e6, 1e-6), (2e6, 2e-6)):
            values.add("offline-rank-2", rate=rate, cpu=cpu)
        values.add("duckdb", rate=1e6, cpu=4e-6)
        values.add("grow-rank@5000000", rate=1.5e6, server=1e-6, bytes=50)
        run = run_of(values)
        row = run["rows"][0]
        self.assertEqual((row["figures"]["rate"]["median"], row["figures"]["rate"]["least"],
                          row["figures"]["rate"]["most"], row["figures"]["rate"]["met"]), (2.0, 1.0, 3.0, "good"))
        # More is better of one, less of the other: both say that ours is twice as good.
        self.assertEqual([ratio["ratio"] for ratio in run["ratios"]], [2.0, 2.0])
        self.assertIn("5 million", run["rows"][1]["title"])
        text = report.markdown(run, "plot")
        self.assertIn("| **2** M users/s (1–3) · **2** µs CPU a user (1–3) | 2 | 3 | good |", text.replace(".0", ""))

    def test_all_ratios_name_rows(self):
        for _, ours, theirs in RATIOS:
            self.assertIn(ours[0], ROWS)
            self.assertIn(theirs[0], ROWS)
            self.assertEqual(ours[1], theirs[1])

    def test_process(self):
        run = Run(["python3", "-c", "import time; t = time.time()\nwhile time.time() < t + 0.2: pass"])
        self.assertGreater(run.cpu, 0.1)
        self.assertGreater(run.seconds, 0.2)
        self.assertGreaterEqual(cpu_of(os.getpid()), 0)
        with self.assertRaises(SystemExit):
            Run(["false"])


class Kernels(unittest.TestCase):
    def test_the_start_cancels(self):
        start, one = 50_000_000, 812
        for rounds in ((1, 2), (2, 12)):
            counts = [start + count * kernels.COUNT * one for count in rounds]
            self.assertEqual(kernels.each(counts, rounds), one)

    def test_guard(self):
        before = {"decode": 1000.0, "score": 500.0}
        self.assertEqual(kernels.compare(before, {"decode": 1029.0, "score": 486.0})[1], False)
        lines, is_worse = kernels.compare(before, {"decode": 1031.0, "score": 500.0})
        self.assertTrue(is_worse)
        self.assertIn("decode: +3.1%", lines[0])
        lines, is_worse = kernels.compare(before, {"decode": 900.0, "score": 500.0})
        self.assertFalse(is_worse)
        self.assertIn("--accept", lines[0])
        # One that is not measured any more is not one that is well.
        self.assertTrue(kernels.compare(before, {"decode": 1000.0})[1])
        self.assertTrue(kernels.compare(before, {"decode": 1000.0, "score": 500.0, "plan": 1.0})[1])

    def test_budget(self):
        # A connection costs 500, whatever is done on it.
        self.assertEqual(allocations.each(lambda count: 500 + 14 * count, 2_000, 12_000), 14)
        before = {"one": 14.0, "row": 0.2}
        self.assertEqual(allocations.compare(before, {"one": 14.7, "row": 0.29})[1], False)
        self.assertEqual(allocations.compare(before, {"one": 2.0, "row": 0.0})[1], False)
        lines, is_over = allocations.compare(before, {"one": 15.0, "row": 0.2})
        self.assertTrue(is_over)
        self.assertIn("one: 15.00 allocations, against a budget of 14.00", lines[0])
        self.assertTrue(allocations.compare(before, {"one": 14.0, "row": 1.2})[1])
        self.assertTrue(allocations.compare(before, {"one": 14.0})[1])
        self.assertTrue(allocations.compare(before, {"one": 14.0, "row": 0.2, "more": 1.0})[1])


class Pages(unittest.TestCase):
    def test_into(self):
        values = Values()
        values.add("one", p50=20e-6, p99=30e-6)
        run = run_of(values)
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "page.md")
            with open(page, "w") as file:
                file.write(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            for _ in range(2):
                report.put_into(page, run, report.save(run, os.path.join(folder, "results")))
            with open(page) as file:
                text = file.read()
            self.assertTrue(text.startswith("before\n") and text.endswith("after\n"))
            self.assertNotIn("old", text)
            self.assertEqual(text.count("one at a time"), 1)
            self.assertIn("](results/2026-03-01-abc.md)", text)
            self.assertEqual([kept["date"] for kept in report.history(os.path.join(folder, "results"))], [run["date"]])
            with open(page, "w") as file:
                file.write("no marks")
            with self.assertRaises(SystemExit):
                report.put_into(page, run, page)

    def test_plots_are_whole(self):
        from xml.dom import minidom
        values = Values()
        values.add("one", p50=20e-6, p99=30e-6)
        values.add("idle", bytes=20_000)
        run = run_of(values)
        for text in (plots.targets(run), plots.history([run, run])):
            self.assertTrue(minidom.parseString(text).getElementsByTagName("text"))


if __name__ == "__main__":
    unittest.main()
