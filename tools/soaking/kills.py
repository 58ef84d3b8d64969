"""The server is killed (-9) while events stream in: what it acknowledged is there afterwards, once, and nothing else is."""
import json
import random
import time

from .peer import Ended, Peer
from .report import Report
from .server import Server

USERS = 50


def options(parser):
    parser.add_argument("--count", type=int, default=50, help="times that the server is killed")
    parser.add_argument("--seed", type=int, default=1)


class Events:
    """All that were sent, by key, and what was answered."""

    def __init__(self):
        self.start = int(time.time()) - 200 * 86_400
        self.sent = []
        self.acknowledged = set()
        self.pending = []
        self.doubled = 0

    def make(self, count):
        # A second each, so that each can be told from all others.
        fresh = range(len(self.sent), len(self.sent) + count)
        self.sent += [self.line(number) for number in fresh]
        return list(fresh)

    def line(self, number):
        return json.dumps({"key": f"k{number}", "user_id": f"u{number % USERS}", "kind": "login",
                           "at": self.start + number}, separators=(",", ":"))

    def note(self, row):
        answer = json.loads(row)
        if answer.get("result") not in ("recorded", "replayed"):
            return
        number = int(answer["key"][1:])
        if answer["result"] == "recorded" and number in self.acknowledged:
            self.doubled += 1
        self.acknowledged.add(number)


def run(arguments, binaries):
    report = Report("kills")
    chance = random.Random(arguments.seed)
    events = Events()
    with Server(binaries) as server:
        context = server.client()
        for kill in range(arguments.count):
            numbers = events.pending[-100:] + events.make(400)
            load(server, context, events, numbers, chance.uniform(0, 0.06))
            events.pending = [number for number in numbers if number not in events.acknowledged]
            server.start()
            if (kill + 1) % 500 == 0:
                print(f"  {kill + 1} kills, {len(events.acknowledged)} events acknowledged", flush=True)
        check(server, context, events, report, arguments)
    return report


def load(server, context, events, numbers, seconds):
    peer = Peer(server, context)
    lines = "\n".join(events.sent[number] for number in numbers)
    try:
        peer.send(f'{{"op":"record","stream":true}}\n{lines}\n'.encode())
        time.sleep(seconds)
        server.kill()
        while True:
            events.note(peer.line())
    except (Ended, OSError):
        server.kill()
    peer.close()


def check(server, context, events, report, arguments):
    peer = Peer(server, context)
    lost = again = 0
    for first in range(0, len(events.sent), 500):
        part = events.sent[first:first + 500]
        peer.send(('{"op":"record","events":[' + ",".join(part) + "]}\n").encode())
        for place, row in enumerate(json.loads(peer.line())["results"]):
            was = first + place in events.acknowledged
            lost += was and row["result"] != "replayed"
            again += row["result"] not in ("recorded", "replayed")
    wrong = invented = 0
    for user in range(USERS):
        peer.send(f'{{"op":"user","user_id":"u{user}"}}\n'.encode())
        answer = json.loads(peer.line())
        wrong += answer["event_count"] != len(range(user, len(events.sent), USERS))
        moments = {moment(events.start + number) for number in range(user, len(events.sent), USERS)}
        invented += sum(event["at"] not in moments for event in answer["events"])
    peer.close()
    report.add("kills", arguments.count)
    report.least("events acknowledged before a kill", len(events.acknowledged), arguments.count, "{:.0f}")
    report.exactly("acknowledged and lost", lost, 0)
    report.exactly("recorded twice", events.doubled, 0)
    report.exactly("refused", again, 0)
    report.exactly("users with another number of events", wrong, 0)
    report.exactly("invented among the latest 100 of each user", invented, 0)


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
