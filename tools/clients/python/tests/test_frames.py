"""pandas and pyarrow, where they are installed; a clear text where they are not."""

import datetime
import sys
import unittest

from support import AS_OF, Server, candidate, rouse
from rouse import frames

try:
    import pandas
except ImportError:
    pandas = None
try:
    import pyarrow
except ImportError:
    pyarrow = None


class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.client = cls.server.client()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()

    def test_without_them(self):
        hidden = {name: sys.modules.get(name) for name in ("pandas", "pyarrow")}
        sys.modules.update({"pandas": None, "pyarrow": None})
        try:
            for ask, name in ((frames.to_pandas, "pandas"), (frames.to_arrow, "pyarrow")):
                with self.assertRaises(ImportError) as caught:
                    ask([])
                self.assertIn(f"pip install {name}", str(caught.exception))
        finally:
            for name, module in hidden.items():
                del sys.modules[name]
                if module is not None:
                    sys.modules[name] = module
        with self.assertRaises(rouse.InvalidInput):
            frames.candidates([{"user_id": "u"}])

    def columns(self):
        zone = datetime.timezone(datetime.timedelta(hours=8))
        return {
            "user_id": ["u1", "u2", "u3"],
            "registered_at": [datetime.datetime(2025, 12, 1, 16, tzinfo=zone)] * 3,
            "credit_granted_at": [datetime.datetime(2026, 1, 30, 11, 30, tzinfo=zone), None, None],
            "credit_limit": [3000.0, None, 5000.0],
            "sms_ok": [True, None, False],
            "device.os": ["android", None, "ios"],
        }

    def expected(self):
        early = "2025-12-01T08:00:00Z"
        return [
            {"user_id": "u1", "registered_at": early, "credit_granted_at": "2026-01-30T03:30:00Z", "credit_limit": 3000.0,
             "sms_ok": True, "device.os": "android"},
            {"user_id": "u2", "registered_at": early},
            {"user_id": "u3", "registered_at": early, "credit_limit": 5000.0, "sms_ok": False, "device.os": "ios"},
        ]

    def same_decisions(self, source):
        wanted = self.client.score(self.expected(), as_of=AS_OF)
        self.assertEqual(self.client.score(source, as_of=AS_OF).results, wanted.results)
        self.assertEqual(self.client.rank(source, as_of=AS_OF).plan.lines, 3)

    @unittest.skipUnless(pandas, "pandas is not installed")
    def test_pandas(self):
        frame = pandas.DataFrame(self.columns())
        frame["credit_granted_at"] = pandas.to_datetime(frame["credit_granted_at"], utc=True)
        source = frames.candidates(frame)
        self.assertEqual(list(source()), self.expected())
        self.same_decisions(source)
        frame["plain"] = pandas.to_datetime(["2026-01-01"] * 3)
        with self.assertRaises(rouse.InvalidInput) as caught:
            list(frames.candidates(frame)())
        self.assertIn("time zone", str(caught.exception))
        found = list(frames.candidates(frame, timezone=datetime.timezone.utc)())
        self.assertEqual(found[0]["plain"], "2026-01-01T00:00:00Z")
        with self.assertRaises(rouse.InvalidInput):
            frames.candidates(frame.rename(columns={"user_id": "id"}))
        decisions = frames.to_pandas(self.client.score_stream([candidate(1), {"user_id": "u2"}], as_of=AS_OF))
        self.assertEqual(list(decisions["user_id"]), ["u00000001", "u2"])
        self.assertEqual(decisions["best_channel"][0], "sms")
        self.assertTrue(pandas.isna(decisions["best_p"][1]) and pandas.isna(decisions["points"][1]))
        self.assertEqual(decisions["reasons"][1], ["I02"])
        self.assertEqual(len(frames.to_pandas([])), 0)

    @unittest.skipUnless(pyarrow, "pyarrow is not installed")
    def test_arrow(self):
        table = pyarrow.table(self.columns())
        source = frames.candidates(table)
        found = list(source())
        for each in found:
            for name in ("registered_at", "credit_granted_at"):
                if name in each:
                    moment = datetime.datetime.fromisoformat(each[name].replace("Z", "+00:00"))
                    each[name] = moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(found, self.expected())
        self.same_decisions(source)
        self.same_decisions(frames.candidates(table.to_batches()[0]))
        decisions = frames.to_arrow(self.client.rank([candidate(1), {"user_id": "u2"}], as_of=AS_OF, rows="all"))
        self.assertEqual(decisions.column("user_id").to_pylist(), ["u00000001", "u2"])
        self.assertEqual(decisions.column("best_channel").to_pylist()[1], None)
        self.assertEqual(frames.to_arrow([]).num_rows, 0)


if __name__ == "__main__":
    unittest.main()
