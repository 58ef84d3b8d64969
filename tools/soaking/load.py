"""Clients that go on asking while something is done to the server, each on a thread of its own."""
import random
import threading

from .candidates import END, request, stream_head, text
from .peer import Peer, is_answer, is_ok


def mixed(random):
    """A request as any campaign would send it, and how many lines answer it before the one with ok."""
    kind = random.randrange(6)
    if kind < 3:
        return request("score", random.choice((1, 3, 60)), random.randrange(9999)), 0
    if kind == 3:
        return request("rank", 40, limit=10), 0
    rows = random.randrange(1, 30)
    lines = "".join(text(i) + "\n" for i in range(rows)).encode()
    if kind == 4:
        return stream_head("score") + lines + END, rows
    return stream_head("rank", rows="all") + lines + END, rows


class Asker(threading.Thread):
    """Asks until told to stop, on one connection or on a new one each time; every answer is to be ok and whole."""

    def __init__(self, server, contexts, seed, lasting=True):
        super().__init__(daemon=True)
        self.server, self.contexts, self.lasting = server, contexts, lasting
        self.random = random.Random(seed)
        self.answered = 0
        self.failed = []
        self.versions = set()
        self.stopping = False

    def run(self):
        try:
            while not self.stopping:
                self.converse()
        except Exception as fault:
            self.failed.append(repr(fault))

    def converse(self):
        with Peer(self.server, self.contexts()) as peer:
            while not self.stopping:
                self.one(peer)
                if not self.lasting:
                    return

    def one(self, peer):
        line, rows = mixed(self.random)
        peer.send(line)
        seen = 0
        while not is_answer(answer := peer.line()):
            seen += 1
        if not is_ok(answer) or seen != rows:
            self.failed.append((seen, rows, answer[:300]))
        start = answer.find(b'"policy":"')
        self.versions.add(answer[start + 10:answer.find(b'"', start + 10)])
        self.answered += 1


def stop(askers):
    for asker in askers:
        asker.stopping = True
    for asker in askers:
        asker.join()
    return sum(asker.answered for asker in askers), [fault for asker in askers for fault in asker.failed]
