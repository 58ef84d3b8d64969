"""More peers than the process may have file descriptors: it rests and comes back, and says so to those it can."""
import asyncio
import resource
import time

from .peer import Line, Peer, error, is_ok, now
from .report import Report
from .server import Server


def options(parser):
    parser.add_argument("--descriptors", type=int, default=200, help="that the server may have (ulimit -n)")
    parser.add_argument("--peers", type=int, default=500, help="that come at once")
    parser.add_argument("--seconds", type=int, default=5, help="that they stay")


async def crowd(server, context, arguments, report):
    counts = {"served": 0, "refused": 0, "closed": 0, "waiting": 0}
    refusals, codes, peers = [], set(), []

    async def come():
        start = now()
        try:
            peer = await Line.open(server, context, seconds=arguments.seconds)
        except (OSError, asyncio.TimeoutError, EOFError) as fault:
            counts["waiting" if isinstance(fault, asyncio.TimeoutError) else "closed"] += 1
            return
        peers.append(peer)
        try:
            peer.send(b'{"op":"ping"}\n')
            answer = await peer.answer(arguments.seconds)
        except asyncio.TimeoutError:
            counts["waiting"] += 1
        except Exception:
            counts["closed"] += 1
        else:
            counts["served" if is_ok(answer) else "refused"] += 1
            if not is_ok(answer):
                refusals.append(now() - start)
                codes.add((error(answer)["code"], "retry_after_ms" in error(answer)))

    comers = [asyncio.create_task(come()) for _ in range(arguments.peers)]
    await asyncio.sleep(1.5)
    # All that can be taken is taken; whoever else is there waits, and the server is to wait too, not to spin.
    before, start = server.cpu(), now()
    await asyncio.sleep(arguments.seconds / 2)
    spent = (server.cpu() - before) / (now() - start)
    await asyncio.gather(*comers)
    report.add("peers", ", ".join(f"{count} {name}" for name, count in counts.items()))
    report.most("processor while they wait, %", 100 * spent, 10)
    report.least("served", counts["served"], min(arguments.peers, arguments.descriptors // 3), "{:d}")
    report.add("refusals", sorted(codes), "overloaded, with retry_after_ms", codes <= {("overloaded", True)})
    served = [peer for peer in peers if not peer.reader.at_eof()]
    for peer in served[:10]:
        peer.send(b'{"op":"ping"}\n')
        try:
            await peer.answer(5)
        except Exception:
            pass
    for peer in peers:
        peer.close()
    await asyncio.sleep(0.1)


def run(arguments, binaries):
    report = Report("descriptors")
    for name, limits, later in (
        ("limits.connections as it is", {}, False),
        ("limits.connections of a million", {"connections": 1_000_000}, False),
        # Where the server knows its limit it keeps below it; what is taken away later it finds out by failing.
        ("fewer descriptors than when it started", {}, True),
    ):
        print(f"  - {name}", flush=True)
        with Server(binaries, limits=limits, descriptors=2000 if later else arguments.descriptors) as server:
            if later:
                most = arguments.descriptors
                resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (most, most))
            context = server.client()
            for round in (1, 2):
                asyncio.run(crowd(server, context, arguments, report))
                start = now()
                with Peer(server, context, timeout=10) as peer:
                    report.exactly("a new peer afterwards is served", is_ok(peer.ask(b'{"op":"ping"}\n')), True)
                report.most("after seconds", now() - start, 1)
            time.sleep(0.5)
            files = server.open_files()
            report.most("open files afterwards", files, 60, "{:d}")
            report.exactly("exit code", server.terminate(), 0)
    return report
