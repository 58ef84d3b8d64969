"""The parts without sockets: lines, answers, profiles, results."""

import ast
import dataclasses
import json
import os
import random
import stat
import tempfile
import unittest

from support import PACKAGE, rouse
from rouse import _core
from rouse.settings import Settings, endpoint


class Lines(unittest.TestCase):
    def test_bytes_come_in_any_pieces(self):
        rows = [json.dumps({"user_id": f"u{n}", "why": [["device.integrity", "ok", 5]], "x": "\u2028é\"ok\":"},
                           ensure_ascii=False) for n in range(200)]
        closing = '{"id":7,"ok":true,"summary":{}}'
        event = '{"event":"weather","sunny":true}'
        whole = "\n".join([*rows[:100], event, *rows[100:], closing, event, ""]).encode()
        chance = random.Random(7)
        for _ in range(60):
            for form in (_core.PARSED, _core.RAW, _core.BLOCK):
                splitter, answer, found = _core.Splitter(), _core.Answer(7, form), []
                at = 0
                while at < len(whole):
                    size = chance.choice((1, 7, 100, 5000, 60000))
                    for batch in answer.batches(splitter.feed(whole[at:at + size])):
                        self.assertTrue(batch)
                        found += batch
                    at += size
                if form == _core.PARSED:
                    self.assertEqual(found, [json.loads(row) for row in rows])
                elif form == _core.RAW:
                    self.assertEqual([each.decode() for each in found], rows)
                else:
                    self.assertEqual(b"".join(found).decode().split("\n")[:-1], rows)
                self.assertEqual(answer.finish(), {"summary": {}})

    def test_a_line_without_end_is_bounded(self):
        splitter = _core.Splitter(longest=1000)
        with self.assertRaises(rouse.ProtocolError):
            for _ in range(20):
                splitter.feed(b"x" * 100)

    def test_slow_and_fast_sources(self):
        feed = _core.Feed(_core.Source({"user_id": "u%d" % n} for n in range(20000)))
        sizes = []
        while not feed.done:
            sizes.append(len(feed.next()))
        self.assertTrue(all(size >= _core.BATCH for size in sizes[:-1]), sizes)
        self.assertLess(max(sizes), 4 * _core.BATCH)

    def test_events_without_an_answer_go_again(self):
        feed = _core.EventFeed(_core.Source({"key": str(n)} for n in range(10)), batch=40)
        first = feed.next()
        self.assertEqual(feed.waiting, first.count(b"\n"))
        feed.answered(2)
        feed.restart()
        seen = b""
        while not feed.done:
            seen += feed.next()
        keys = [json.loads(line).get("key") for line in seen.split(b"\n")[:-1]]
        self.assertEqual(keys, [str(n) for n in range(2, 10)] + [None])
        self.assertEqual(feed.waiting, 8)
        with self.assertRaises(rouse.ProtocolError):
            feed.answered(9)

    def test_fast_and_plain_encoders_agree(self):
        value = {"a": [1, 2.5, None, True, "é\n\"\\"], "b": {"c": {}}, "d": []}
        self.assertEqual(_core._encode(value), _core._ENCODER.encode(value))


class Results(unittest.TestCase):
    def test_unknown_members_are_kept_and_missing_ones_have_defaults(self):
        decision = rouse.Decision.from_dict({
            "user_id": "u", "status": "dancing", "mood": "good", "best": {"channel": "pigeon", "wind": 3}})
        self.assertEqual((decision.status, decision.extra, decision.best.extra), ("dancing", {"mood": "good"}, {"wind": 3}))
        self.assertEqual((decision.reasons, decision.rank, decision.best.roi), ((), None, None))
        self.assertEqual(decision.to_dict()["best"], {"channel": "pigeon", "wind": 3})
        self.assertIn("dancing", repr(decision))
        self.assertEqual(decision, rouse.Decision.from_dict({
            "user_id": "u", "status": "dancing", "best": {"channel": "pigeon"}}))
        plan = rouse.Plan.from_dict({"cut": [{"limit": "budget", "max": 5, "used": 5, "price": 0.1, "say": "x", "new": 1}]})
        self.assertEqual((plan.cut[0].limit, plan.cut[0].extra, plan.by_channel), ("budget", {"new": 1}, {}))
        self.assertEqual(rouse.Info.from_dict({}).ledger.state, "none")
        self.assertEqual(dataclasses.asdict(rouse.Summary.from_dict({"lines": 3}))["lines"], 3)

    def test_every_file_is_python_3_9(self):
        folder = os.path.join(PACKAGE, "rouse")
        for name in os.listdir(folder):
            if name.endswith(".py"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    ast.parse(file.read(), name, feature_version=(3, 9))

    def test_the_package_says_that_it_is_typed(self):
        self.assertTrue(os.path.exists(os.path.join(PACKAGE, "rouse", "py.typed")))
        for name in rouse.__all__:
            self.assertTrue(hasattr(rouse, name), name)


class Configuration(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "client.yaml")

    def read(self, text):
        with open(self.path, "w") as file:
            file.write(text)
        return rouse.Profile.read(self.path)

    def test_profile(self):
        found = self.read(
            "# ours\n---\nserver: 127.0.0.1:7411   # here\nca: tls/ca.pem\r\nkey: '/abs/a b#c.key'\nserver_name: \"x\" # y\n"
            "\ntoken_file:\ncert: ~\n")
        self.assertEqual(found.server, "127.0.0.1:7411")
        self.assertEqual(found.ca, os.path.join(self.folder.name, "tls/ca.pem"))
        self.assertEqual((found.key, found.server_name, found.token_file, found.cert), ("/abs/a b#c.key", "x", None, None))
        for text, part in (
            ("sever: x\n", "its keys are"), ("ca: a\nca: b\n", "comes twice"), ("ca: [a]\n", "plain texts"),
            (" ca: a\n", "without indentation"), ("- a\n", "key: value"), ("ca: 'a\n", "quoted"), ('ca: "a\\n"\n', "quoted"),
            ("ca: |\n", "plain texts"), ("ca:a\n", "key: value"), ("ca: &x a\n", "plain texts"), ("ca: a: b\n", "plain texts"),
        ):
            with self.subTest(text), self.assertRaises(rouse.ConfigurationError) as caught:
                self.read(text)
            self.assertIn(part, str(caught.exception))
            self.assertIn("client.yaml:", str(caught.exception))

    def test_addresses(self):
        self.assertEqual(endpoint("[::1]:7411"), ("::1", 7411))
        self.assertEqual(endpoint("rouse.example:1"), ("rouse.example", 1))
        for wrong in ("", "a", "a:", ":1", "a:0", "a:65536", "::1:7", "a b:1", "a:+1", "a/b:1"):
            with self.subTest(wrong), self.assertRaises(rouse.ConfigurationError):
                endpoint(wrong)

    def make(self, server=None, **members):
        base = dict(host=None, port=None, profile=None, ca=None, cert=None, key=None, key_password=None, token=None,
                    token_file=None, server_name=None, connect_timeout=1.0, timeout=1.0)
        return Settings.make(server, **{**base, **members})

    def test_where_the_token_comes_from(self):
        token = os.path.join(self.folder.name, "token")
        with open(token, "w") as file:
            file.write("rouse_abc\n")
        os.chmod(token, stat.S_IRUSR)
        self.read("server: a:1\ntoken_file: token\n")
        kept = {name: os.environ.pop(name, None) for name in ("ROUSE_TOKEN", "ROUSE_PROFILE")}
        try:
            self.assertEqual(self.make(profile=self.path).token, "rouse_abc")
            self.assertNotIn("abc", repr(self.make(profile=self.path)))
            self.assertEqual(self.make(profile=self.path, token=" other ").token, "other")
            os.environ["ROUSE_TOKEN"] = "third"
            self.assertEqual(self.make(profile=self.path).token, "third")
            os.environ["ROUSE_PROFILE"] = self.path
            self.assertEqual(self.make().address, "a:1")
            self.assertEqual(self.make(host="::1", port=5).address, "[::1]:5")
        finally:
            for name, value in kept.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
        for members in ({}, {"host": "a"}, {"server": "a:1", "host": "b", "port": 1}, {"server": "a:1", "port": 2},
                        {"server": "a:1", "token": "two words"}, {"server": "a:1", "timeout": 0}):
            with self.subTest(members), self.assertRaises(rouse.ConfigurationError):
                self.make(**members)


if __name__ == "__main__":
    unittest.main()
