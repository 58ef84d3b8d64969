"""Every op, by both clients, against the real server."""

import datetime
import itertools
import json
import threading
import unittest

from support import AS_OF, KINDS, Server, candidate, candidates, rouse


class Ops:
    kind = "sync"

    @classmethod
    def setUpClass(cls):
        cls.server = Server(tokens={"crm": "score"})
        cls.client = cls.server.client(KINDS[cls.kind])

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()

    def test_ping(self):
        self.assertIsNone(self.client.ping())
        self.assertIsNone(self.client.ping(x_mark="ours"))

    def test_info(self):
        info = self.client.info()
        self.assertEqual((info.name, info.protocol, info.identity), ("rouse-server", "rouse/1", "operator"))
        self.assertEqual(info.limits["line_bytes"], 1048576)
        self.assertEqual(info.ledger.state, "sound")
        self.assertIn("rank", info.ops)
        self.assertEqual(info.extra, {})

    def test_fields(self):
        fields = self.client.fields()
        self.assertIn("registered_at", [field.name for field in fields.fields])
        self.assertIn("I01", fields.reasons)
        self.assertEqual(fields.policy, self.client.info().policy)

    def test_token(self):
        identity = self.client.auth(self.server.tokens["crm"])
        self.assertEqual((identity.identity, list(identity.roles)), ("crm", ["score"]))
        self.assertEqual(self.client.info().identity, "operator", "a tried token changes nobody's identity")
        with self.server.client(KINDS[self.kind], token=self.server.tokens["crm"]) as other:
            self.assertEqual(other.info().identity, "crm")

    def test_score(self):
        users = candidates(3) + [{"user_id": ""}]
        result = self.client.score(users, as_of=AS_OF)
        self.assertEqual(result.as_of, AS_OF)
        self.assertEqual([each.user_id for each in result][:3], ["u00000000", "u00000001", "u00000002"])
        self.assertEqual(result.results[3].status, "invalid")
        self.assertEqual(result.summary.lines, 4)
        self.assertEqual(sum(result.summary.status.values()), 4)
        self.assertIsInstance(result.results[0].best, rouse.Best)
        moment = datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
        again = self.client.score(users, as_of=moment)
        self.assertEqual(again.as_of, "2026-03-01T10:00:00+08:00")
        self.assertEqual(again.results, result.results)

    def test_explain_and_valid_until(self):
        decision = self.client.score([candidate(1)], as_of=AS_OF, explain=True, valid_until=True).results[0]
        self.assertIn("facts", decision.explain)
        self.assertIsNotNone(decision.valid_until)

    def test_inline_and_streamed_are_alike(self):
        users = candidates(300)
        inline = self.client.score(users, as_of=AS_OF)
        for lines in (
            iter(users), (json.dumps(each).encode() for each in users), (json.dumps(each) + "\n" for each in users),
            lambda: iter(users), [b"\n".join(json.dumps(each).encode() for each in users)],
            itertools.chain(users[:5], (json.dumps(each).encode() for each in users[5:])),
        ):
            streamed = self.client.score(lines, as_of=AS_OF)
            self.assertEqual(streamed.results, inline.results)
            self.assertEqual(streamed.summary, inline.summary)

    def test_score_stream(self):
        users = candidates(5000)
        stream = self.client.score_stream(iter(users), as_of=AS_OF)
        with self.assertRaises(rouse.RouseError):
            stream.summary
        rows = list(stream)
        self.assertEqual([row.user_id for row in rows], [user["user_id"] for user in users])
        self.assertEqual(stream.summary.lines, 5000)
        self.assertEqual(stream.as_of, AS_OF)
        raw = self.client.score_stream(iter(users), as_of=AS_OF, raw=True)
        lines = list(raw)
        self.assertEqual([json.loads(line) for line in lines], [row.to_dict() for row in rows])
        self.assertEqual(raw.policy, stream.policy)
        self.assertEqual(list(self.client.score_stream([], as_of=AS_OF)), [])

    def test_rows_come_while_candidates_go(self):
        taken = []

        def source():
            for number in range(200000):
                taken.append(number)
                yield candidate(number)

        stream = self.client.score_stream(source(), as_of=AS_OF)
        next(stream)
        self.assertLess(len(taken), 100000, "rows come while candidates still go")
        stream.close()
        before = len(taken)
        self.assertIsNone(self.client.ping())
        self.assertEqual(len(taken), before)

    def test_leaving_a_stream(self):
        with self.client.score_stream((candidate(n) for n in range(50000)), as_of=AS_OF) as stream:
            for row in stream:
                break
        self.assertIsNone(self.client.ping())

    def test_rank(self):
        users = candidates(2500)
        result = self.client.rank(users, as_of=AS_OF, limit=7)
        self.assertEqual([row.rank for row in result], list(range(1, 8)))
        self.assertEqual([row.rank for row in result.rows], list(range(1, 8)), "rows can be read again")
        self.assertEqual((len(result), result.plan.contacts, result.plan.lines), (7, 7, 2500))
        bound = self.client.rank(users, as_of=AS_OF, budget=40)
        self.assertEqual((bound.plan.cut[0].limit, bound.plan.cut[0].max), ("budget", 40))
        inline = self.client.rank(users[:900], as_of=AS_OF, limit=5, capacity={"call": 0}, budget=None, capital=None)
        streamed = self.client.rank(iter(users[:900]), as_of=AS_OF, limit=5, capacity={"call": 0}, budget=None, capital=None)
        self.assertEqual(list(inline), list(streamed))
        self.assertEqual(inline.plan, streamed.plan)
        everyone = self.client.rank(iter(users), as_of=AS_OF, rows="all", limit=1)
        self.assertEqual(len(everyone), 2500)
        self.assertEqual(len(list(everyone.rows.raw())), 2500)
        self.assertEqual(sum(map(len, everyone.rows.batches())), 2500)
        everyone.rows.close()
        self.assertEqual(list(everyone), [])

    def test_ledger(self):
        client = self.client
        mine = f"{self.kind}-"
        users = [{**candidate(n), "user_id": f"{mine}{n}"} for n in range(30)]
        loaded = client.load(users)
        self.assertEqual((loaded.loaded, loaded.invalid), (30, 0))
        loaded = client.load(iter([*users[:2], {"user_id": mine + "29", "gone": True}, b"7"]))
        self.assertEqual((loaded.loaded, loaded.removed, loaded.invalid, loaded.first_invalid), (2, 1, 1, 4))
        condition = "credit_limit > 0"
        scored = client.score(audience=condition)
        self.assertEqual(scored.summary.lines, len(scored.results))
        self.assertGreaterEqual(len(list(client.score_stream(audience=condition))), 29)

        now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
        events = [{"key": f"{mine}k{n}", "user_id": f"{mine}{n}", "kind": "login", "at": now} for n in range(5)]
        first = client.record(events + [{"key": mine + "bad", "user_id": "u", "kind": "nonsense", "at": now}])
        self.assertEqual((first.recorded, first.replayed, first.refused["unknown_kind"]), (5, 0, 1))
        self.assertEqual(first.results[5].result, "unknown_kind")
        stream = client.record_stream(iter(events))
        self.assertEqual([row.result for row in stream], ["replayed"] * 5)
        self.assertEqual(stream.result.replayed, 5)
        many = client.record([{**events[0], "key": f"{mine}m{n}"} for n in range(1500)])
        self.assertEqual((many.recorded, len(many.results)), (1500, 1500))

        key = mine + "march"
        plan = client.rank(audience="TRUE", limit=3, commit=True, plan_key=key, campaign="march")
        self.assertFalse(plan.replayed)
        again = client.rank(audience="TRUE", limit=3, commit=True, plan_key=key, campaign="march")
        self.assertTrue(again.replayed)
        self.assertEqual((again.plan_id, list(again)), (plan.plan_id, list(plan)))
        found = client.plans(limit=1)[0]
        self.assertEqual((found.plan_id, found.plan_key, found.contacts), (plan.plan_id, key, plan.plan.contacts))
        shown = client.plan(plan.plan_id)
        self.assertEqual((list(shown), shown.plan), (list(plan), plan.plan))
        self.assertEqual(shown.request["limit"], 3)
        self.assertEqual(client.plans(before="P1"), [])

        user = client.user(mine + "1")
        self.assertEqual((user.event_count, user.events[0].kind), (1, "login"))
        self.assertIsInstance(user.decision, rouse.Decision)
        erased = client.erase([mine + "1", mine + "nobody"])
        self.assertEqual((erased.erased, erased.unknown), (1, 1))
        self.assertEqual(client.erase(mine + "2").erased, 1)
        with self.assertRaises(rouse.NotFound):
            client.user(mine + "1")

    def test_policy(self):
        client = self.client
        live = client.policy.show()
        self.assertEqual((live.format, live.policy), ("yaml", client.info().policy))
        checked = client.policy.check(live.text)
        self.assertEqual((checked.valid, checked.policy), (True, live.policy))
        faulty = client.policy.check("version: 2\n")
        self.assertFalse(faulty.valid)
        self.assertTrue(faulty.diagnostics[0].message)
        other = live.text + "\n# another\n"
        done = client.policy.activate(other, against=live.policy)
        self.assertEqual(done.was, live.policy)
        with self.assertRaises(rouse.Conflict) as caught:
            client.policy.activate(live.text, against=live.policy)
        self.assertEqual(caught.exception.at, "/against")
        with self.assertRaises(rouse.BadRequest) as caught:
            client.policy.activate("version: 2\n", against=done.policy)
        self.assertTrue(caught.exception.diagnostics)
        pinned = client.score([candidate(1)], as_of=AS_OF, policy=live.policy)
        self.assertEqual(pinned.policy, live.policy)
        history = client.policy.history()
        self.assertTrue(history.versions[0].live)
        self.assertEqual(history.versions[0].policy, done.policy)
        client.policy.activate(live.text, against=done.policy)

    def test_generic_request(self):
        reply = self.client.request("score", users=[candidate(1)], as_of=AS_OF, id="ours")
        self.assertEqual(reply["results"][0]["user_id"], "u00000001")
        reply = self.client.request("score", lines=candidates(3), as_of=AS_OF)
        self.assertEqual([row["user_id"] for row in reply.rows], ["u00000000", "u00000001", "u00000002"])
        self.assertIn("summary", reply)

    def test_what_cannot_be_sent(self):
        cases = [
            (lambda: self.client.score([{"user_id": "u", "a": float("nan")}]), "NaN"),
            (lambda: self.client.score([{"user_id": "\ud800"}]), "surrogate"),
            (lambda: self.client.score([{"user_id": "u", "at": datetime.datetime(2026, 1, 1)}]), "time zone"),
            (lambda: self.client.score([{"user_id": "u", "at": object()}]), "object"),
            (lambda: self.client.score(iter([candidate(1), {"user_id": "u", "a": float("inf")}])), "candidate 2"),
            (lambda: self.client.rank(iter([candidate(1), {"op": "end"}])), "take its 'op' out"),
            (lambda: self.client.rank(iter([b'{"user_id":"u1"}', b'{"\\u006fp":"cancel"}'])), "take its 'op' out"),
            (lambda: self.client.rank(['{"user_id":"u1"}\n{"op":"end"}\n{"op":"ping"}']), "take its 'op' out"),
            (lambda: self.client.score({"user_id": "u"}), "put it in a list"),
            (lambda: self.client.score(iter([7])), "candidate 1 is int"),
            (lambda: self.client.score(), "users or an audience"),
            (lambda: list(self.client.record_stream(["{}\n{}"])), "exactly one line"),
        ]
        for ask, part in cases:
            with self.assertRaises(rouse.InvalidInput) as caught:
                ask()
            self.assertIn(part, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))
        self.assertIsNone(self.client.ping())

    def test_a_source_that_fails_sends_no_end(self):
        class Ours(Exception):
            pass

        def source():
            yield from candidates(3000)
            raise Ours("the database went away")

        before = len(self.client.plans())
        with self.assertRaises(Ours):
            self.client.rank(source(), commit=True, plan_key=self.kind + "-failing")
        self.assertEqual(len(self.client.plans()), before)
        with self.assertRaises(Ours):
            list(self.client.score_stream(source(), as_of=AS_OF))
        self.assertIsNone(self.client.ping())


class SyncOps(Ops, unittest.TestCase):
    kind = "sync"

    def test_threads_share_a_client(self):
        found, faults = [], []

        def ask(number):
            try:
                for _ in range(20):
                    result = self.client.score([candidate(number)], as_of=AS_OF)
                    found.append(result.results[0].user_id == "u%08d" % number)
            except Exception as fault:
                faults.append(fault)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((faults, found.count(True)), ([], 240))

    def test_all_connections_in_use(self):
        with self.server.client(connections=1, timeout=0.5) as client:
            with client.score_stream((candidate(n) for n in range(50000)), as_of=AS_OF) as stream:
                next(stream)
                with self.assertRaises(rouse.NoConnectionFree):
                    client.ping()
            client.ping()
        with self.assertRaises(rouse.RouseError):
            client.ping()


class AsyncOps(Ops, unittest.TestCase):
    kind = "asyncio"

    def test_many_at_once_and_asynchronous_sources(self):
        import asyncio

        async def source(count):
            for number in range(count):
                if number % 100 == 0:
                    await asyncio.sleep(0)
                yield candidate(number)

        async def run():
            async with self.server.client(rouse.AsyncClient) as client:
                results = await asyncio.gather(*[
                    client.score([candidate(number)], as_of=AS_OF) for number in range(50)])
                self.assertEqual([each.results[0].user_id for each in results], ["u%08d" % n for n in range(50)])
                rows = [row.user_id async for row in client.score_stream(source(3000), as_of=AS_OF)]
                self.assertEqual(rows, ["u%08d" % n for n in range(3000)])
                ranked = await client.rank(lambda: source(2000), as_of=AS_OF, limit=3)
                self.assertEqual((len(ranked), ranked.plan.lines), (3, 2000))
                async with client.score_stream(source(10 ** 9), as_of=AS_OF) as stream:
                    async for _ in stream:
                        break
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.rank(source(10 ** 9), as_of=AS_OF), 0.5)
                await client.ping()

        asyncio.run(run())


class Parity(unittest.TestCase):
    def test_both_clients_have_the_same_methods(self):
        import inspect

        from rouse.aio import AsyncPolicies
        from rouse.client import Policies

        for plain, other in ((rouse.Client, rouse.AsyncClient), (Policies, AsyncPolicies)):
            names = {name for name in dir(plain) if not name.startswith("_")} - {"close"}
            self.assertEqual(names, {name for name in dir(other) if not name.startswith("_")} - {"aclose"})
            for name in names:
                self.assertEqual(
                    list(inspect.signature(getattr(plain, name)).parameters),
                    list(inspect.signature(getattr(other, name)).parameters), name)


if __name__ == "__main__":
    unittest.main()
