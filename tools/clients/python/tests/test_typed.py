"""Every op and every `do` of the protocol has a method, and every member of an answer its place in a result."""

import collections.abc
import dataclasses
import datetime
import json
import os
import pickle
import re
import time
import typing
import unittest

from support import KINDS, ROOT, Server, candidate, candidates, rouse
from rouse._lenient import Lenient, Sides
from rouse.aio import AsyncPolicies
from rouse.client import Policies

SCHEMAS = os.path.join(ROOT, "proto-spec", "schemas")
METHODS = {
    ("policy", do): do for do in (
        "show", "check", "activate", "approve", "withdraw", "rollback", "history", "shadow", "compare", "backtest", "fit")}
METHODS[("review", None)] = METHODS[("review", "period")] = "review"
METHODS[("review", "replay")] = "replay"

# The schema of an answer, the member of it that is the result, and the result.
RESULTS = [
    ("reply.auth", None, rouse.Identity), ("reply.info", None, rouse.Info), ("reply.fields", None, rouse.Fields),
    ("reply.score", None, rouse.ScoreResult), ("reply.rank", None, rouse.RankResult),
    ("reply.record", None, rouse.RecordResult),
    ("reply.load", None, rouse.LoadResult), ("reply.erase", None, rouse.EraseResult), ("reply.user", None, rouse.User),
    ("reply.plan", None, rouse.PlanResult), ("reply.stats", None, rouse.Stats),
    ("reply.policy.show", None, rouse.PolicyText), ("reply.policy.check", None, rouse.PolicyCheck),
    ("reply.policy.activate", None, rouse.PolicyActivation), ("reply.policy.approve", None, rouse.PolicyActivation),
    ("reply.policy.withdraw", None, rouse.PolicyActivation), ("reply.policy.rollback", None, rouse.PolicyActivation),
    ("reply.policy.history", None, rouse.PolicyHistory), ("reply.policy.shadow", None, rouse.Shadow),
    ("reply.policy.compare", "comparison", rouse.Comparison), ("reply.policy.backtest", "backtest", rouse.Backtest),
    ("reply.policy.fit", "fit", rouse.Fit), ("reply.review.period", "review", rouse.Review),
    ("reply.review.replay", "replay", rouse.Replay),
]
ELSEWHERE = {"reply", "reply.error", "reply.ping", "reply.plans"}  # an exception, nothing, and a list of PlanEntry


def schema(name):
    with open(os.path.join(SCHEMAS, name)) as file:
        return json.load(file)


def kind_of_rows(hint, name):
    """A rank within its line: its results become the rows."""
    return hint is rouse.RankResult and name == "results"


class Schemas:
    """Walks an answer's schema beside the annotations of its result."""

    def __init__(self):
        self.faults = []

    def resolve(self, found, root):
        while "$ref" in found:
            name, _, path = found["$ref"].partition("#")
            root = schema(name) if name else root
            found = root
            for step in path.strip("/").split("/") if path else []:
                found = found[step]
        return found, root

    def alternatives(self, found, root):
        found, root = self.resolve(found, root)
        if "anyOf" in found and "properties" not in found:
            return [each for part in found["anyOf"] for each in self.alternatives(part, root)]
        return [(found, root)]

    def walk(self, found, root, hint, path):
        origin, words = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Union:
            hint = next(each for each in words if each is not type(None))
            origin, words = typing.get_origin(hint), typing.get_args(hint)
        for part, home in self.alternatives(found, root):
            if part.get("type") == "array" and origin is collections.abc.Sequence:
                self.walk(part.get("items", {}), home, words[0], path + "[]")
            elif "properties" in part and origin is Sides:
                for name in part["properties"]:
                    if name not in ("old", "new"):
                        self.faults.append(f"{path}.{name}")
                    self.walk(part["properties"][name], home, words[0], f"{path}.{name}")
            elif isinstance(hint, type) and issubclass(hint, Lenient):
                hints = typing.get_type_hints(hint)
                for name, member in part.get("properties", {}).items():
                    ours = name if name in hints else name + "_"
                    if kind_of_rows(hint, name):
                        continue
                    if name in ("id", "ok") and path.count(".") == 0 and name not in hints:
                        continue
                    if ours not in hints:
                        self.faults.append(f"{path}.{name}")
                    else:
                        self.walk(member, home, hints[ours], f"{path}.{name}")
            elif isinstance(part.get("additionalProperties"), dict) and origin is collections.abc.Mapping:
                self.walk(part["additionalProperties"], home, words[1], path + "{}")


class TheProtocol(unittest.TestCase):
    def test_every_op_has_a_method(self):
        ops = [each["$ref"].split(".")[1] for each in schema("request.schema.json")["anyOf"]]
        ops.remove("schema")  # control.schema.json: what ends a stream
        self.assertGreater(len(ops), 14)
        for op in ops:
            dos = schema(f"request.{op}.schema.json")["properties"].get("do", {}).get("enum")
            for do in dos or [None]:
                name = METHODS.get((op, do), op)
                kinds = (Policies, AsyncPolicies) if op == "policy" else (rouse.Client, rouse.AsyncClient)
                for kind in kinds:
                    self.assertTrue(callable(getattr(kind, name, None)), f"{kind.__name__} has no method for {op} {do or ''}")
        with open(os.path.join(ROOT, "proto-spec", "protocol.md")) as file:
            table = re.search(r"## 7\. Operations\n(.*?)\n### ", file.read(), re.S).group(1)
        told = {op for row in re.findall(r"^\| (`.*?) \|", table, re.M) for op in re.findall(r"`(\w+)`", row)}
        self.assertEqual(told - {"end", "cancel"}, set(ops))

    def test_every_member_of_an_answer_is_typed(self):
        walked = Schemas()
        for name, member, kind in RESULTS:
            root = schema(name + ".schema.json")
            for part, home in walked.alternatives(root, root):
                if member is None:
                    walked.walk(part, home, kind, kind.__name__)
                else:
                    walked.walk(part["properties"][member], home, kind, kind.__name__)
        decision = schema("decision.schema.json")
        walked.walk(decision, decision, rouse.Decision, "Decision")
        self.assertEqual(walked.faults, [], "members that the results do not have")
        files = {each[:-len(".schema.json")] for each in os.listdir(SCHEMAS) if each.startswith("reply")}
        self.assertEqual(files, {name for name, _, _ in RESULTS} | ELSEWHERE)


def unknown(value, path=""):
    """The members of a result that this client does not know."""
    if isinstance(value, Lenient):
        found = [f"{path}.{name}" for name in value.extra]
        return found + [each for name, member in value.__dict__.items() for each in unknown(member, f"{path}.{name}")]
    if isinstance(value, list):
        return [each for member in value for each in unknown(member, path + "[]")]
    if isinstance(value, dict):
        return [each for name, member in value.items() for each in unknown(member, f"{path}.{name}")]
    return []


class Typed:
    """The real server's answers."""

    kind = "sync"

    @classmethod
    def setUpClass(cls):
        cls.server = Server(settings={"policy_approval": "required"}, tokens={"ann": "tune", "bob": "tune"})
        cls.addClassCleanup(cls.server.stop)
        cls.client = cls.server.client(KINDS[cls.kind])
        cls.addClassCleanup(cls.client.close)
        cls.now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        cls.look = cls.now + datetime.timedelta(minutes=5)  # plans count by the moment at which they were made
        cls.live = cls.client.policy.show()
        cls.history(cls.client)

    @classmethod
    def history(cls, client):
        """A plan whose contacts were made three weeks ago, and what came of them."""
        then = cls.now - datetime.timedelta(days=21)
        client.load([
            {**candidate(number), "last_login_at": then - datetime.timedelta(days=30 + number % 40),
             "registered_at": then - datetime.timedelta(days=200), "credit_granted_at": then - datetime.timedelta(days=90)}
            for number in range(400)])
        cls.plan = client.rank(audience="TRUE", as_of=then, limit=150, commit=True, plan_key="then", campaign="march")
        chosen = [each for each in cls.plan if each.status == "contact"]
        assert len(chosen) == 150
        events = []
        for number, each in enumerate(chosen):
            events.append({"key": f"c{number}", "user_id": each.user_id, "kind": "contact", "at": then, "cost": 0.05,
                           "plan": cls.plan.plan_id, "channel": each.best.channel})
            for share, kind in ((2, "click"), (3, "login"), (4, "withdraw"), (5, "disbursed")):
                if number % share == 0:
                    event = {"key": f"{kind}{number}", "user_id": each.user_id, "kind": kind,
                             "at": then + datetime.timedelta(days=1, minutes=share)}
                    events.append({**event, "amount": 3000} if kind == "disbursed" else event)
        done = client.record(events)
        assert done.recorded == len(events), done

    def right(self, result, kind, **raw):
        """Typed throughout, the same as the answer as it came, and may be put away."""
        self.assertIs(type(result), kind)
        self.assertEqual(unknown(result), [])
        self.assertEqual(pickle.loads(pickle.dumps(result)), result)
        self.assertIn(kind.__name__ + "(", repr(result))
        if raw:
            member = raw.pop("member", None)
            reply = self.client.request(raw.pop("op"), **raw)
            self.assertEqual(result.to_dict(), dict(reply[member] if member else reply))
        return result

    def test_small_ones(self):
        self.right(self.client.info(), rouse.Info, op="info")
        self.right(self.client.fields(), rouse.Fields, op="fields")
        self.right(self.client.user(self.plan.rows.__iter__().__next__().user_id), rouse.User)
        self.right(self.client.plan(self.plan.plan_id), rouse.PlanResult)
        self.right(self.client.score(candidates(3), explain=True), rouse.ScoreResult)
        self.right(self.client.rank(candidates(30), limit=3), rouse.RankResult)

    def test_stats(self):
        before = self.right(self.client.stats(), rouse.Stats)
        self.assertTrue(before.ready)
        self.client.score(candidates(7))
        after = self.client.stats()
        self.assertEqual(after.requests["score"].ok - (before.requests["score"].ok if "score" in before.requests else 0), 1)
        self.assertEqual(sum(after.candidates["score"].values()) - sum(before.candidates["score"].values()), 7)
        self.assertEqual((after.ledger.state, after.policy.policy), ("sound", self.live.policy))
        self.assertGreater(after.identities["operator"].ok, 0)

    def test_review(self):
        found = self.right(self.client.review(weeks=4, new_user_cost=80, as_of=self.look), rouse.Review,
                           op="review", weeks=4, new_user_cost=80, as_of=self.look, member="review")
        self.assertEqual((found.contacts.all, found.contacts.planned), (150, 150))
        steps = {step.step: step for step in found.all.funnel}
        self.assertEqual(steps["click"].per_contact.count, 75)
        self.assertEqual(steps["click"].per_contact.of, 150)
        self.assertIsInstance(found.by[0].groups[0].money.spend, float)
        self.assertIn("stage", [each.dimension for each in found.by])
        self.assertIsNone(found.lift.all.extra_low)
        self.assertTrue(found.findings[0].say)
        with self.assertRaises(rouse.InvalidInput):
            self.client.review(do="replay")
        with self.assertRaises(rouse.BadRequest):
            self.client.review(since="2026-01-01T00:00:00Z", weeks=2)

    def test_replay(self):
        found = self.right(self.client.replay(self.plan.plan_id), rouse.Replay, op="review", do="replay",
                           plan_id=self.plan.plan_id, member="replay")
        self.assertEqual((found.plan_id, found.verdict, found.rows.contacts), (self.plan.plan_id, "equal", 150))
        first = next(iter(self.plan))
        user = self.right(self.client.replay(self.plan.plan_id, user_id=first.user_id), rouse.Replay).user
        self.assertEqual((user.rank, user.channel, user.equal), (first.rank, first.best.channel, True))
        self.assertEqual((user.decision.user_id, type(user.decision.explain)), (first.user_id, dict))
        with self.assertRaises(rouse.NotFound):
            self.client.replay("P999")

    def test_backtest(self):
        found = self.right(self.client.policy.backtest(self.live.text, weeks=4, as_of=self.look), rouse.Backtest, op="policy",
                           do="backtest", text=self.live.text, weeks=4, as_of=self.look, member="backtest")
        self.assertEqual((found.log.planned, found.log.used), (150, 150))
        self.assertEqual(found.estimate is None, found.why is not None)

    def test_fit(self):
        found = self.right(self.client.policy.fit(weeks=4, as_of=self.look, holdout_share=0.3), rouse.Fit)
        self.assertTrue(found.text.startswith("#") or "version:" in found.text)
        self.assertEqual((found.policy, self.client.policy.check(found.text).policy), (self.live.policy, found.fitted))
        self.assertGreater(found.outcomes.of, 0)
        self.assertIsInstance(found.holdout.old.calibration[0].observed, rouse.Rate)
        self.assertIsInstance(found.log_likelihood, rouse.Sides)
        self.assertIsInstance(found.response[0].bins[0].verdict, str)

    def test_compare(self):
        text = re.sub(r"^  half_life: 90", "  half_life: 30", self.live.text, flags=re.M)
        self.assertNotEqual(text, self.live.text)
        users = candidates(200)
        raw = {"op": "policy", "do": "compare", "text": text, "users": users, "limit": 20, "member": "comparison",
               "as_of": "2026-03-01T02:00:00Z"}
        found = self.right(self.client.policy.compare(text, users=users, limit=20, as_of=raw["as_of"]), rouse.Comparison, **raw)
        lines = [json.dumps(each).encode() for each in users]
        self.assertEqual(found, self.client.policy.compare(text, users=lambda: iter(lines), limit=20, as_of=raw["as_of"]))
        self.assertEqual((found.lines, found.old.limits.limit, found.totals.old.contacts), (200, 20, 20))
        more = found.totals.new.contacts - found.totals.old.contacts
        self.assertEqual(more, found.swap.out_in.count - found.swap.in_out.count)
        self.assertTrue(found.say)
        self.assertEqual(self.client.policy.compare(text, audience="TRUE").lines, 400)
        with self.assertRaises(rouse.TooMany):
            self.client.policy.compare(text, users=candidates(1001))
        with self.assertRaises(rouse.InvalidInput):
            self.client.policy.compare(text, users=[{"user_id": "u", "a": float("nan")}])

    def test_versions_by_two(self):
        ann = self.server.client(KINDS[self.kind], token=self.server.tokens["ann"])
        bob = self.server.client(KINDS[self.kind], token=self.server.tokens["bob"])
        self.addCleanup(ann.close)
        self.addCleanup(bob.close)
        text = self.live.text + "# of ann's\n"
        put = self.right(ann.policy.activate(text, against=self.live.policy), rouse.PolicyActivation)
        self.assertEqual((put.was, put.state), (self.live.policy, "proposed"))
        history = self.right(ann.policy.history(), rouse.PolicyHistory)
        self.assertEqual((history.approval, history.proposals[0].policy, history.proposals[0].author),
                         ("required", put.policy, "identity:ann"))
        with self.assertRaises(rouse.Forbidden):
            ann.policy.approve(put.policy)
        back = self.right(bob.policy.withdraw(put.policy), rouse.PolicyActivation)
        self.assertEqual((back.state, back.author), ("withdrawn", "identity:ann"))
        ann.policy.activate(text, against=self.live.policy)
        made = self.right(bob.policy.approve(put.policy, against=self.live.policy), rouse.PolicyActivation)
        self.assertEqual((made.state, made.author, ann.info().policy), ("live", "identity:ann", put.policy))
        self.assertEqual(ann.policy.history().versions[0].author, "identity:ann")
        undone = self.right(ann.policy.rollback(self.live.policy, against=put.policy), rouse.PolicyActivation)
        self.assertEqual((undone.policy, undone.state), (self.live.policy, "live"))
        checked = self.right(ann.policy.check("[]", format="json"), rouse.PolicyCheck)
        self.assertEqual((checked.valid, checked.diagnostics[0].line), (False, None))

    def test_shadow(self):
        self.assertIsNone(self.right(self.client.policy.shadow(), rouse.Shadow).shadow)
        text = self.live.text + "# beside\n"
        with self.assertRaises(rouse.InvalidInput):
            self.client.policy.activate(text)
        with self.assertRaises(rouse.InvalidInput):
            self.client.policy.activate(text, against=self.live.policy, shadow=True)
        self.client.policy.activate(text, shadow=True)
        self.client.score(candidates(50))
        for _ in range(100):
            found = self.right(self.client.policy.shadow(), rouse.Shadow)
            if found.shadow.compared == 50 and found.comparison is not None:
                break
            time.sleep(0.05)
        self.assertEqual((found.shadow.compared, found.comparison.lines), (50, 50))
        self.assertIsNone(found.comparison.old.limits)
        ended = self.right(self.client.policy.shadow(shadow=False), rouse.Shadow)
        self.assertEqual((ended.policy, self.client.policy.shadow().shadow), (self.live.policy, None))
        self.assertFalse(rouse.may_repeat("policy", {"do": "shadow", "shadow": False}))


class SyncTyped(Typed, unittest.TestCase):
    kind = "sync"


class AsyncTyped(Typed, unittest.TestCase):
    kind = "asyncio"


class Results(unittest.TestCase):
    def test_defaults_are_there_for_every_member(self):
        for name, _, kind in RESULTS:
            empty = kind.from_dict({})
            for field in dataclasses.fields(kind):
                getattr(empty, field.name)
            self.assertEqual((empty.extra, unknown(empty)), ({}, []), name)

    def test_names_that_are_taken(self):
        from rouse.review import FunnelStep, Lift

        step = FunnelStep.from_dict({"step": "click", "from": "push", "new": 1})
        self.assertEqual((step.from_, step.extra), ("push", {"new": 1}))
        self.assertEqual(step.to_dict(), {"step": "click", "from": "push", "new": 1})
        lift = Lift.from_dict({"extra": 2.5, "chosen": {"count": 1, "of": 2}})
        self.assertEqual((lift.extra_, lift.extra, lift.chosen.of, lift.to_dict()["extra"]), (2.5, {}, 2, 2.5))

    def test_what_is_of_another_form_is_left_as_it_came(self):
        found = rouse.Comparison.from_dict({"totals": 5, "flips": {"a": 1}, "movers": {"up": [7]}, "swap": None})
        self.assertEqual((found.totals, found.flips, found.movers.up, found.swap), (5, {"a": 1}, [7], None))


if __name__ == "__main__":
    unittest.main()
