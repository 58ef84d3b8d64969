"""How people use it: files, Ctrl-C, threads and forks, slow servers."""

import datetime
import gzip
import io
import json
import os
import pathlib
import pickle
import signal
import tempfile
import threading
import time
import unittest

from support import AS_OF, KINDS, QUICK, Peer, Server, candidate, candidates, rouse


class Use:
    kind = "sync"

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.client = cls.server.client(KINDS[cls.kind])
        cls.addClassCleanup(cls.client.close)

    def test_files_of_any_kind(self):
        users = candidates(3000)
        users[10]["x_note"] = "n" * 200000  # longer than what is read at once
        lines = [json.dumps(each).encode() for each in users]
        expected = [row.to_dict() for row in self.client.score_stream(iter(users), as_of=AS_OF)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "c.ndjson")
            content = b"\r\n".join(lines)
            with open(path, "wb") as file:
                file.write(content)
            with gzip.open(path + ".gz", "wb") as file:
                file.write(content)
            for make in (lambda: open(path, "rb"), lambda: open(path, "rb", buffering=0), lambda: open(path),
                         lambda: gzip.open(path + ".gz"), lambda: io.BytesIO(content), lambda: io.BytesIO(content + b"\n")):
                with make() as file:
                    stream = self.client.score_stream(file, as_of=AS_OF)
                    found = [row.to_dict() for row in stream]
                    self.assertEqual(found, expected)
                    self.assertEqual(stream.summary.lines, 3000)
            with open(path, "rb") as file:
                file.readline()
                self.assertEqual(self.client.rank(file, as_of=AS_OF, limit=3).plan.lines, 2999, "from where the file stands")
            read, write = os.pipe()
            with os.fdopen(read, "rb") as pipe:
                def tell():
                    with os.fdopen(write, "wb") as out:
                        for line in lines[:200]:
                            out.write(line[:20])
                            out.flush()
                            out.write(line[20:] + b"\n")
                threading.Thread(target=tell).start()
                self.assertEqual(self.client.rank(pipe, as_of=AS_OF, limit=3).plan.lines, 200)

    def test_a_file_that_would_end_the_stream(self):
        for line in (b'{"op":"end"}', b'{ "x": 1, "op" : "cancel" }', b'{"\\u006fp":"end"}'):
            content = b"\n".join([b'{"user_id":"u1"}', b'{"user_id":"u2","op":"dance"}', line, b'{"op":"ping"}', b""])
            with self.assertRaises(rouse.InvalidInput) as caught:
                self.client.rank(io.BytesIO(content))
            self.assertIn(line.decode() + " would end the stream", str(caught.exception))
        self.assertIsNone(self.client.ping())

    def test_what_is_easily_mistaken(self):
        cases = [
            (lambda: self.client.score_stream("borrowers.ndjson"), "open(path, 'rb')"),
            (lambda: self.client.rank(pathlib.Path("borrowers.ndjson")), "open(path, 'rb')"),
            (lambda: self.client.score([candidate(1)], as_of=datetime.date(2026, 3, 1)), "no time of day"),
            (lambda: self.client.review(do="replay"), "replay(plan_id)"),
        ]
        for ask, part in cases:
            with self.assertRaises(rouse.InvalidInput) as caught:
                ask()
            self.assertIn(part, str(caught.exception))

    def test_rows_before_the_answer_is_whole(self):
        stream = self.client.score_stream(candidates(2), as_of=AS_OF)
        with self.assertRaises(rouse.RouseError) as caught:
            stream.summary
        self.assertIn("read all of its rows first", str(caught.exception))
        self.assertEqual((len(list(stream)), stream.summary.lines), (2, 2))

    def test_a_slow_server_is_not_asked_again(self):
        def talk(peer, number):
            peer.line()
            time.sleep(2)

        with Peer(self.server, talk) as peer:
            client = KINDS[self.kind](peer.address, profile=self.server.profile, retry=QUICK, timeout=0.3)
            self.addCleanup(client.close)
            with self.assertRaises(rouse.TimedOut):
                client.info()
            self.assertEqual(peer.connections, 1)

    def test_results_can_be_put_away(self):
        ranked = self.client.rank(candidates(40), as_of=AS_OF, limit=5)
        again = pickle.loads(pickle.dumps(ranked))
        self.assertEqual((again, list(again), len(again)), (ranked, list(ranked), 5))
        reply = self.client.request("score", users=candidates(1), as_of=AS_OF)
        self.assertEqual(pickle.loads(pickle.dumps(reply)), reply)
        with self.assertRaises(rouse.NotFound) as caught:
            self.client.plan("P999")
        error = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((type(error), str(error)), (rouse.NotFound, str(caught.exception)))


class SyncUse(Use, unittest.TestCase):
    kind = "sync"

    def test_interrupted(self):
        # What a shell starts in the background ignores SIGINT, and Python leaves it so.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))

        def talk(peer, number):
            if number == 1:
                peer.line()
                time.sleep(30)
            peer.say('{"id":1,"ok":true}\n' if peer.line() else "")

        with Peer(self.server, talk) as peer:
            with rouse.Client(peer.address, profile=self.server.profile, connections=1) as client:
                timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
                timer.start()
                began = time.monotonic()
                with self.assertRaises(KeyboardInterrupt):
                    client.info()
                self.assertLess(time.monotonic() - began, 20)
                self.assertIsNone(client.ping(), "the one connection is free again, and is another one")
            self.assertEqual(peer.connections, 2)

    @unittest.skipUnless(hasattr(os, "fork"), "no forks here")
    def test_a_fork_has_connections_of_its_own(self):
        with self.server.client() as client:
            client.ping()
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    code = 0 if client.score([candidate(1)], as_of=AS_OF).summary.lines == 1 else 2
                finally:
                    os._exit(code)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            before = client.stats().connections.taken_in
            client.ping()
            self.assertEqual(client.stats().connections.taken_in, before, "ours is still good")

    def test_a_client_says_what_it_is(self):
        self.assertEqual(repr(self.client), f"<rouse.Client {self.server.address}, as a certificate>")
        with self.assertRaises(TypeError) as caught:
            pickle.dumps(self.client)
        self.assertIn("make one in each process", str(caught.exception))


class AsyncUse(Use, unittest.TestCase):
    kind = "asyncio"


if __name__ == "__main__":
    unittest.main()
