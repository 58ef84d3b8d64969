"""Connections that are cut, servers that are killed, and what is sent again."""

import asyncio
import json
import os
import threading
import time
import unittest

from support import AS_OF, KINDS, NO_RETRY, QUICK, Peer, Server, candidate, candidates, resident, rouse

NOW = "2026-03-01T01:00:00Z"


def event(number, mark=""):
    return {"key": f"{mark}k{number}", "user_id": f"{mark}u{number % 50}", "kind": "login", "at": NOW}


class Loss:
    kind = "sync"

    def server(self, **settings):
        server = Server(**settings)
        self.addCleanup(server.stop)
        return server

    def client(self, server, **settings):
        client = server.client(KINDS[self.kind], **settings)
        self.addCleanup(client.close)
        return client

    # --- killed in the middle ---

    def test_killed_while_scores_come(self):
        server = self.server()
        client = self.client(server, retry=QUICK)

        def source():
            for number in range(10 ** 9):
                if number == 30000:
                    server.kill()
                yield candidate(number)

        seen = []
        with self.assertRaises(rouse.ConnectionLost) as caught:
            for row in client.score_stream(source(), as_of=AS_OF):
                seen.append(row.user_id)
        self.assertIs(type(caught.exception), rouse.ConnectionLost)
        self.assertIn("send it again", str(caught.exception))
        self.assertEqual(seen, ["u%08d" % number for number in range(len(seen))], "each row that came is right by itself")
        self.assertLess(len(seen), 10 ** 6)

    def test_killed_while_a_rank_goes(self):
        server = self.server()
        client = self.client(server)

        def source():
            for number in range(10 ** 9):
                if number == 30000:
                    server.kill()
                yield candidate(number)

        with self.assertRaises(rouse.ConnectionLost):
            client.rank(source(), as_of=AS_OF, limit=10)
        with self.assertRaises(rouse.ConnectFailed):
            client.ping()
        server.start()
        client.ping()

    def test_rows_of_a_rank_that_is_cut_are_no_result(self):
        server = self.server()

        def talk(peer, number):
            peer.line()
            peer.say('{"user_id":"u1","status":"contact","rank":1,"reasons":[]}\n' * 1000)
            peer.reset() if number % 2 else None

        for clean in (False, True):
            with Peer(server, talk) as peer:
                peer.connections = int(clean)
                client = KINDS[self.kind](peer.address, profile=server.profile, retry=NO_RETRY, timeout=10)
                self.addCleanup(client.close)
                with self.assertRaises(rouse.ConnectionLost):
                    client.rank(audience="TRUE")
                with self.assertRaises(rouse.ConnectionLost):
                    client.plan("P1")

    def test_rows_of_a_rank_that_fails_are_no_result(self):
        server = self.server()

        def talk(peer, number):
            asked = json.loads(peer.line())
            peer.say('{"user_id":"u1","status":"contact","rank":1,"reasons":[]}\n' * 3)
            peer.say('{"id":%d,"ok":false,"error":{"code":"deadline_exceeded","message":"too late"}}\n' % asked["id"])

        with Peer(server, talk) as peer:
            client = KINDS[self.kind](peer.address, profile=server.profile, retry=NO_RETRY)
            self.addCleanup(client.close)
            with self.assertRaises(rouse.DeadlineExceeded):
                client.rank(audience="TRUE")

    def test_killed_at_twenty_points(self):
        """Wherever it stops: one exception, rows that are right, and no result that is not whole."""
        server = self.server()
        client = self.client(server)
        users = candidates(20000)
        whole = [row.to_dict() for row in client.score_stream(iter(users), as_of=AS_OF)]
        for point in range(20):
            after = [0, 1, 200, 1500, 4000, 8000, 12000, 16000, 19000, 20000][point // 2]

            def source():
                yield from users[:after]
                server.kill()
                yield from users[after:]

            seen, ask = [], None
            if point % 2:
                def ask():
                    return client.rank(source(), as_of=AS_OF, limit=10, commit=True, plan_key=f"kill-{point}")
            else:
                def ask():
                    for row in stream:
                        seen.append(row.to_dict())
                stream = client.score_stream(source(), as_of=AS_OF)
            with self.subTest(point=point, after=after):
                with self.assertRaises(rouse.ConnectionLost) as caught:
                    ask()
                self.assertIs(type(caught.exception), rouse.ConnectionLost)
                self.assertEqual(seen, whole[:len(seen)])
                if point % 2 == 0:
                    with self.assertRaises(rouse.RouseError):
                        stream.summary
                    with self.assertRaises(StopIteration):
                        next(stream)
            server.start()
            self.assertEqual(client.plans(), [], "a rank that was cut has committed nothing")

    # --- sent again ---

    def test_what_reads_is_sent_again(self):
        server = self.server()
        client = self.client(server, retry=rouse.Retry(attempts=8, first_pause=0.2, longest_pause=1))
        client.ping()
        server.kill()
        threading.Timer(0.5, server.start).start()
        self.assertEqual(client.info().name, "rouse-server")
        server.kill()
        threading.Timer(0.5, server.start).start()
        result = client.rank(candidates(2000), as_of=AS_OF, limit=5)
        self.assertEqual((len(result), result.plan.lines), (5, 2000))

    def test_a_list_is_sent_again_and_a_generator_is_not(self):
        server = self.server()
        for make, again in ((lambda: candidates(1200), True), (lambda: lambda: iter(candidates(1200)), True),
                            (lambda: iter(candidates(1200)), False)):
            def talk(peer, number):
                asked = json.loads(peer.line())
                count = 0
                while True:
                    line = peer.line()
                    if line == b'{"op":"end"}':
                        break
                    count += 1
                if number == 1:
                    return
                peer.say('{"id":%d,"ok":true,"policy":"p@1","as_of":"","plan":{"lines":%d}}\n' % (asked["id"], count))

            with Peer(server, talk) as peer:
                client = KINDS[self.kind](peer.address, profile=server.profile, retry=QUICK, timeout=10)
                self.addCleanup(client.close)
                if again:
                    self.assertEqual(client.rank(make()).plan.lines, 1200)
                    self.assertEqual(peer.connections, 2)
                else:
                    with self.assertRaises(rouse.ConnectionLost):
                        client.rank(make())
                    self.assertEqual(peer.connections, 1)
                self.assertEqual(peer.faults, [])

    def attempts(self, ask, answer=None, attempts=3):
        """How many connections a call took whose answers never come, or are `answer`."""
        server = self.plain

        def talk(peer, number):
            asked = json.loads(peer.line())
            if answer is not None:
                peer.say(json.dumps({"id": asked["id"], "ok": False, "error": {"code": answer, "message": "no"}}) + "\n")

        with Peer(server, talk) as peer:
            client = KINDS[self.kind](
                peer.address, profile=server.profile, timeout=10,
                retry=rouse.Retry(attempts=attempts, first_pause=0.01, longest_pause=0.02))
            self.addCleanup(client.close)
            with self.assertRaises(rouse.RouseError):
                ask(client)
            return peer.connections

    def test_table(self):
        self.plain = self.server()
        users, events = candidates(2), [event(1)]
        again = {
            "ping": lambda c: c.ping(), "info": lambda c: c.info(), "fields": lambda c: c.fields(),
            "stats": lambda c: c.stats(), "score": lambda c: c.score(users), "rank": lambda c: c.rank(users),
            "commit with a key": lambda c: c.rank(users, commit=True, plan_key="k"), "record": lambda c: c.record(events),
            "record_stream": lambda c: list(c.record_stream(iter(events))),
            "score_stream": lambda c: list(c.score_stream(users)), "load": lambda c: c.load(users),
            "erase": lambda c: c.erase(["u"]), "user": lambda c: c.user("u"), "plans": lambda c: c.plans(),
            "plan": lambda c: c.plan("P1"), "show": lambda c: c.policy.show(), "check": lambda c: c.policy.check("x"),
            "history": lambda c: c.policy.history(), "review": lambda c: c.review(), "replay": lambda c: c.replay("P1"),
            "fit": lambda c: c.policy.fit(),
            "compare": lambda c: c.policy.compare("x", audience="TRUE"), "backtest": lambda c: c.policy.backtest("x"),
            "shadow": lambda c: c.policy.shadow(), "request": lambda c: c.request("info"),
        }
        once = {
            "commit without a key": lambda c: c.rank(users, commit=True),
            "activate": lambda c: c.policy.activate("x", against="y"), "approve": lambda c: c.policy.approve("x"),
            "withdraw": lambda c: c.policy.withdraw("x"), "rollback": lambda c: c.policy.rollback("x"),
            "unknown": lambda c: c.request("dance"), "end of a shadow": lambda c: c.policy.shadow(shadow=False),
            "auth": lambda c: c.auth("token"),
            "generic commit": lambda c: c.request("rank", users=users, commit=True),
        }
        for name, ask in again.items():
            with self.subTest(name):
                self.assertEqual(self.attempts(ask), 3)
        for name, ask in once.items():
            with self.subTest(name):
                self.assertEqual(self.attempts(ask), 1)
                self.assertEqual(self.attempts(ask, "overloaded"), 1)
        for code in rouse.error_classes():
            with self.subTest(code):
                expected = {"overloaded": 3, "rate_limited": 3, "shutting_down": 3, "idle_timeout": 3, "internal": 2}
                self.assertEqual(self.attempts(lambda c: c.info(), code), expected.get(code, 1))

    def test_a_pause_that_the_server_asks_for(self):
        server = self.server(limits={"requests_per_second": 5})
        client = self.client(server, retry=QUICK)
        for _ in range(12):
            client.info()

    # --- once each, by their keys ---

    def test_events_count_once_though_the_server_is_killed(self):
        server = self.server()
        client = self.client(server, retry=rouse.Retry(attempts=12, first_pause=0.1, longest_pause=0.5))
        count = 6000
        killed = []

        def source():
            for number in range(count):
                if number in (2000, 4000):
                    server.kill()
                    threading.Timer(0.3, server.start).start()
                    killed.append(number)
                yield event(number)

        stream = client.record_stream(source())
        rows = list(stream)
        self.assertEqual([row.key for row in rows], [f"k{number}" for number in range(count)])
        self.assertLessEqual({row.result for row in rows}, {"recorded", "replayed"})
        self.assertEqual(stream.result.recorded + stream.result.replayed, count)
        self.assertEqual(len(killed), 2)
        self.assertEqual(sum(client.user(f"u{n}").event_count for n in range(50)), count, "each is there once")
        again = client.record([event(number) for number in range(count)])
        self.assertEqual((again.recorded, again.replayed), (0, count))

    def test_a_commit_with_a_key_is_made_once_though_its_answer_is_lost(self):
        """A peer between us and the server loses the first answer."""
        import socket
        import ssl

        server = self.server()
        direct = self.client(server)
        direct.load(candidates(50))
        tls = os.path.join(server.home, "tls")

        def talk(peer, number):
            host, port = server.address.rsplit(":", 1)
            context = ssl.create_default_context(cafile=server.ca)
            context.load_cert_chain(os.path.join(tls, "client.pem"), os.path.join(tls, "client.key"))
            with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as real:
                real.sendall(peer.line() + b"\n")
                answer = b""
                while b'"ok":' not in answer:
                    answer += real.recv(65536)
                if number > 1:
                    peer.say(answer)

        with Peer(server, talk) as peer:
            client = KINDS[self.kind](peer.address, profile=server.profile, retry=QUICK)
            self.addCleanup(client.close)
            result = client.rank(audience="TRUE", limit=3, commit=True, plan_key="march")
            self.assertEqual((peer.connections, result.replayed, len(result)), (2, True, 3))
            self.assertEqual(len(direct.plans()), 1)

    # --- memory ---

    def test_memory_is_flat(self):
        count = int(os.environ.get("ROUSE_PYTHON_MANY", "120000"))
        server = self.server()
        client = self.client(server)
        early, most = [], [0.0]

        def watched():
            for number in range(count):
                if number % 8192 == 0 and number >= count // 4:
                    now = resident()
                    early or early.append(now)
                    most[0] = max(most[0], now)
                yield candidate(number)

        seen = 0
        stream = client.score_stream(watched(), as_of=AS_OF)
        for _ in stream:
            seen += 1
        self.assertEqual((seen, stream.summary.lines), (count, count))
        grown = most[0] - early[0]
        result = client.rank(watched(), as_of=AS_OF, limit=1000)
        self.assertEqual((len(result), result.plan.lines), (1000, count))
        ranked = most[0] - early[0]
        everyone = client.rank(watched(), as_of=AS_OF, limit=1000, rows="all")
        self.assertEqual(sum(1 for _ in everyone), count)
        everyone.rows.close()
        whole = resident() - early[0]
        self.assertLess(max(grown, ranked), 12, "MiB that were added after a quarter of the candidates")
        self.assertLess(whole, 40, "MiB that all rows of a rank have added")

    def test_a_slow_reader_holds_the_source_back(self):
        server = self.server()
        client = self.client(server)
        taken = [0]

        def source():
            for number in range(10 ** 9):
                taken[0] = number
                yield candidate(number)

        with client.score_stream(source(), as_of=AS_OF) as stream:
            for row in stream:
                first = taken[0]
                time.sleep(1)
                self.assertLess(taken[0] - first, 60000)
                break


class SyncLoss(Loss, unittest.TestCase):
    kind = "sync"


class AsyncLoss(Loss, unittest.TestCase):
    kind = "asyncio"

    def test_a_slow_reader_holds_the_source_back_on_a_loop_that_turns(self):
        server = self.server()
        taken = [0]

        def source():
            for number in range(10 ** 9):
                taken[0] = number
                yield candidate(number)

        async def run():
            async with server.client(rouse.AsyncClient) as client:
                async with client.score_stream(source(), as_of=AS_OF) as stream:
                    async for _ in stream:
                        await asyncio.sleep(2)
                        held = taken[0]
                        await asyncio.sleep(1)
                        self.assertEqual(taken[0], held, "nothing more is taken once the buffers are full")
                        break

        asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
