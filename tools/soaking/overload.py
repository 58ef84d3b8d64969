"""Three times what the server can do: it does at least 80 % of its best, and tells the others to come again."""
import multiprocessing
import os
import time

from .candidates import request
from .fleet import Fleet, Load
from .peer import Ended, Peer, now, quantiles
from .report import Report
from .server import Server


def options(parser):
    parser.add_argument("--connections", type=int, default=64, help="limits.connections; twice as many more knock")
    parser.add_argument("--peers", type=int, default=400, help="that ask beyond the best rate, one at a time each")
    parser.add_argument("--users", type=int, default=200, help="of a request")
    parser.add_argument("--queued", type=int, default=16, help="limits.queued_requests beyond the best rate")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--part", choices=("connections", "requests"), help="one part alone")
    parser.add_argument("--rounds", type=int, default=3, help="of each; medians count")


def halves():
    """Processors for the server and for the peers, so that these do not take from that what is measured."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return None, None
    return {cpus[0]}, set(cpus[1:])


def knock(server, count, until, results, rest=0.0):
    """As many peers come, are refused, go, and come again, after a rest or at once."""
    os.nice(10)
    import threading

    context = server.client()
    load = Load()

    def one():
        while now() < until:
            start = now()
            try:
                with Peer(server, context, timeout=10) as peer:
                    load.note(peer.answer(), now() - start)
            except (OSError, Ended):
                # Beyond those that are told so, connections are closed without a word.
                load.closed += 1
                time.sleep(0.005)
            time.sleep(rest)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(load.__dict__)


class Rounds:
    """The best, and what comes beyond it, by turns: the machine's speed drifts."""

    def __init__(self):
        self.best, self.beyond = [], []

    def measure(self, server, figures, work):
        start, spent, own = now(), server.cpu(), time.process_time()
        rate = work()
        took = now() - start
        figures.append((rate, (server.cpu() - spent) / took, (time.process_time() - own) / took))
        return rate

    def tell(self, report, name, refusals, patience=None):
        def median(figures):
            return sorted(figures)[len(figures) // 2]

        report.add(f"{name}: best, answers a second", " ".join(f"{rate:.0f}" for rate, *_ in self.best))
        report.add(f"{name}: beyond it", " ".join(f"{rate:.0f}" for rate, *_ in self.beyond))
        report.add(f"{name}: processors of the server", " ".join(
            f"{before:.2f}/{after:.2f}" for (_, before, _), (_, after, _) in zip(self.best, self.beyond)))
        report.add(f"{name}: processors of the peers", " ".join(
            f"{before:.2f}/{after:.2f}" for (*_, before), (*_, after) in zip(self.best, self.beyond)))
        share = median([rate for rate, *_ in self.beyond]) / median([rate for rate, *_ in self.best])
        report.least(f"{name}: share of the best, %", 100 * share, 80)
        report.least(f"{name}: refused", refusals.refused, 1, "{:d}")
        report.exactly(f"{name}: wrong", refusals.wrong[:3], [])
        report.add(f"{name}: closed without a word", refusals.closed)
        waits = quantiles(refusals.waits)
        report.add(f"{name}: refused after p50 / p99 / most, ms", "%.1f / %.1f / %.1f" % waits)
        if patience:
            report.most(f"{name}: refused after p99, ms", waits[1], patience)


def connections(server, arguments, report):
    """All the connections there may be are busy, and twice as many more knock, again and again."""
    line = request("rank", arguments.users)
    fleet = Fleet(server, server.client(), arguments.connections)
    rounds, doors, load = Rounds(), Load(), Load()
    results = multiprocessing.Queue()
    for _ in range(arguments.rounds):
        rounds.measure(server, rounds.best, lambda: fleet.run(line, arguments.seconds, Overlay(load))[0])
        knocker = multiprocessing.Process(
            target=knock, args=(server, 2 * arguments.connections, now() + arguments.seconds, results))
        knocker.start()
        rounds.measure(server, rounds.beyond, lambda: fleet.run(line, arguments.seconds, Overlay(load))[0])
        found = results.get()
        knocker.join()
        for name, value in found.items():
            setattr(doors, name, getattr(doors, name) + value)
    # A peer that comes now and then is told at once, however busy the others keep the server.
    calm = Load()
    knocker = multiprocessing.Process(
        target=knock, args=(server, 1, now() + arguments.seconds, results, 0.1))
    knocker.start()
    fleet.run(line, arguments.seconds, Overlay(load))
    calm.__dict__.update(results.get())
    knocker.join()
    fleet.close()
    doors.wrong += load.wrong
    rounds.tell(report, f"{2 * arguments.connections} more knock", doors)
    waits = quantiles(calm.waits)
    report.add("1 more knocks: refused after p50 / p99 / most, ms", "%.1f / %.1f / %.1f" % waits)
    report.least("1 more knocks: refused", calm.refused, 5, "{:d}")
    report.most("1 more knocks: refused after p50, ms", waits[0], 100)


class Overlay(Load):
    """Counts from 0, and leaves what is wrong with another."""

    def __init__(self, under):
        super().__init__()
        self.wrong = under.wrong


def requests(server, arguments, report):
    """Requests come three times as fast as the server can do them."""
    line = request("rank", arguments.users)
    fleet = Fleet(server, server.client(), arguments.peers)
    rounds, busy = Rounds(), Load()
    for _ in range(arguments.rounds):
        load = Overlay(busy)
        # As many as keep it busy, and no more than may wait.
        best = rounds.measure(
            server, rounds.best, lambda: fleet.run(line, arguments.seconds, load, min(12, arguments.queued))[0])
        if load.refused:
            busy.wrong.append(f"{load.refused} refused at the best rate")
        load = Overlay(busy)
        missed = []

        def beyond():
            rate, count = fleet.run(line, arguments.seconds, load, rate=3 * best)
            missed.append(count)
            return rate

        rounds.measure(server, rounds.beyond, beyond)
        report.add("asked a second", "%.0f of %.0f; %d found no peer free" % (
            (load.answered + load.refused) / arguments.seconds, 3 * best, missed[0]))
        busy.refused += load.refused
        busy.waits += load.waits
    fleet.close()
    rounds.tell(report, f"rank of {arguments.users} at 3 times the best rate", busy, 5000)


def run(arguments, binaries):
    report = Report("overload")
    ours, theirs = halves()
    everything = os.sched_getaffinity(0)
    for limits, part in (
        ({"connections": arguments.connections}, connections), ({"queued_requests": arguments.queued}, requests),
    ):
        if arguments.part not in (None, part.__name__):
            continue
        with Server(binaries, limits=limits, cpus=ours) as server:
            if theirs:
                os.sched_setaffinity(0, theirs)
            try:
                part(server, arguments, report)
            finally:
                os.sched_setaffinity(0, everything)
    return report
