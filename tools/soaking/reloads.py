"""Policies change under load, by file, by SIGHUP and by the op: no request fails, and memory is flat."""
import json
import time

from .load import Asker, stop
from .peer import Peer, error, is_ok, now
from .report import Report
from .server import MIB, Server, write


def options(parser):
    parser.add_argument("--count", type=int, default=500, help="reloads")
    parser.add_argument("--peers", type=int, default=4, help="that ask all the while")
    parser.add_argument("--by", default="activate,SIGHUP,activate,SIGHUP,file", help="how, by turns")


class Desk:
    """Who changes the policy, and sees to it that it has come into force."""

    def __init__(self, server, context):
        self.server = server
        self.peer = Peer(server, context)
        with open(server.file("policy.yaml")) as file:
            self.text = file.read()
        self.live = self.version()

    def version(self):
        return json.loads(self.peer.ask(b'{"op":"policy","do":"history"}\n'))["policy"]

    def change(self, how, number):
        text = f"{self.text}# change {number}\n"
        if how == "activate":
            line = {"op": "policy", "do": "activate", "against": self.live, "text": text}
            answer = self.peer.ask(json.dumps(line).encode() + b"\n")
            if not is_ok(answer):
                return answer[:300]
            self.live = json.loads(answer)["policy"]
            return None
        write(text, self.server.file("policy.yaml"))
        if how == "SIGHUP":
            self.server.hang_up()
        return self.wait()

    def wait(self):
        before, end = self.live, now() + 10
        while now() < end:
            self.live = self.version()
            if self.live != before:
                return None
            time.sleep(0.002)
        return f"{before} is live after 10 seconds still"

    def spoil(self):
        """A faulty one: the old one stays, and info says why. Put right again."""
        with open(self.server.file("policy.yaml")) as file:
            good = file.read()
        write(good + "surprise: 1\n", self.server.file("policy.yaml"))
        self.server.hang_up()
        for wanted in (True, False):
            end = now() + 10
            while (json.loads(self.peer.ask(b'{"op":"info"}\n'))["policy_state"]["rejected"] is not None) != wanted:
                if now() > end:
                    return "a faulty policy is not told of" if wanted else "it is told of still"
                time.sleep(0.002)
            if wanted:
                write(good, self.server.file("policy.yaml"))
                self.server.hang_up()
        return None if self.version() == self.live else "a faulty policy has changed what is live"


def run(arguments, binaries):
    report = Report("reloads")
    ways = arguments.by.split(",")
    # The first tenth warms up: allocators, and the 16 versions that can be pinned.
    warm = max(50, arguments.count // 10)
    memory, faults = [], []
    with Server(binaries) as server:
        context = server.client()
        desk = Desk(server, context)
        askers = [Asker(server, lambda: context, seed) for seed in range(arguments.peers)]
        for asker in askers:
            asker.start()
        start = now()
        for number in range(1, arguments.count + 1):
            fault = desk.change(ways[number % len(ways)], number)
            if not fault and number % 100 == 0:
                fault = desk.spoil()
            if fault:
                faults.append((number, ways[number % len(ways)], fault))
                if len(faults) > 5:
                    break
                desk.live = desk.version()
            if number >= warm:
                memory.append(server.resident())
            if number % 1000 == 0:
                print(f"  {number} reloads, {server.resident() / MIB:.1f} MiB, {now() - start:.0f} s", flush=True)
        answered, failed = stop(askers)
        report.add("reloads", f"{number} in {now() - start:.0f} s, by {arguments.by}")
        report.exactly("reloads that failed", faults[:3], [])
        report.add("requests answered", answered)
        report.exactly("requests that failed", failed[:3], [])
        report.add("policy versions seen in answers", len(set().union(*(asker.versions for asker in askers))))

        def mean(values):
            return sum(values) / len(values)

        part = max(1, len(memory) // 10)
        first, last = mean(memory[:part]), mean(memory[-part:])
        report.add("resident after warming up, MiB", f"{first / MIB:.1f}")
        report.add("resident at the end, most, MiB", f"{last / MIB:.1f}, {max(memory) / MIB:.1f}")
        report.most("growth, %", 100 * (last / first - 1), 5)
        report.exactly("exit code", server.terminate(), 0)
    return report
