"""Peers that cost memory: lines that do not end, replies that are not read, silence, and streams that drip."""
import asyncio
import threading
import time

from .candidates import request, stream_head, text
from .peer import Line, Peer, error, is_ok, now
from .report import Report
from .server import MIB, Server

# What may be used beyond the base: of each connection, and of all.
OWN, COMMON = 256 * 1024, 64 * MIB


def options(parser):
    parser.add_argument("--long", type=int, default=400, help="peers with a line of 1 MB that does not end")
    parser.add_argument("--slow", type=int, default=200, help="peers that ask for much and do not read")
    parser.add_argument("--idle", type=int, default=600, help="peers that are silent")
    parser.add_argument("--dripping", type=int, default=1000, help="streams that drip")
    parser.add_argument("--seconds", type=int, default=4, help="of each")
    parser.add_argument("--rounds", type=int, default=2, help="of all; the later ones may not take more")


class Crowd:
    """Many connections, and what became of them."""

    def __init__(self):
        self.peers = []
        self.refused = {}
        self.failed = []

    async def join(self, server, context, count, **options):
        # Some at a time: the server gives a handshake 5 seconds, and all share two cores.
        for start in range(0, count, 32):
            some = await asyncio.gather(
                *(Line.open(server, context, **options) for _ in range(min(32, count - start))), return_exceptions=True)
            for peer in some:
                if isinstance(peer, BaseException):
                    self.failed.append(repr(peer))
                else:
                    self.peers.append(peer)

    async def refusals(self):
        """Coded lines that came to those who were to get none."""
        for peer in self.peers:
            try:
                line = await asyncio.wait_for(peer.reader.readline(), 0.002)
            except asyncio.TimeoutError:
                continue
            except OSError as fault:
                line = repr(fault).encode()
            code = error(line).get("code") if line.startswith(b"{") else repr(line[:60])
            self.refused[code] = self.refused.get(code, 0) + 1

    def leave(self):
        for peer in self.peers:
            peer.close()
        self.peers = []


async def long_lines(crowd, server, context, arguments):
    await crowd.join(server, context, arguments.long)
    line = request("score", 1000 * 1000 // 330)[:-1]
    line = line + b" " * (1_000_000 - len(line))
    for start in range(0, 1_000_000, 100_000):
        for peer in crowd.peers:
            try:
                peer.send(line[start:start + 100_000])
            except OSError:
                pass
        await asyncio.sleep(0.05)
    await asyncio.sleep(arguments.seconds)
    await crowd.refusals()
    return {"overloaded"}


async def slow_readers(crowd, server, context, arguments):
    await crowd.join(server, context, arguments.slow, receive_buffer=4096)
    inline = request("score", 100, explain=True)
    stream = stream_head("score", explain=True) + (text(1) + "\n").encode() * 2000
    for number, peer in enumerate(crowd.peers):
        peer.writer.transport.pause_reading()
        # Half ask many times, half send one long stream.
        peer.send(inline * 30 if number % 2 else stream)
    await asyncio.sleep(arguments.seconds)
    return set()


async def silent(crowd, server, context, arguments):
    await crowd.join(server, context, arguments.idle)
    for peer in crowd.peers:
        peer.send(b'{"op":"ping"}\n')
    for peer in crowd.peers:
        if not is_ok(await peer.answer()):
            crowd.failed.append("no ping")
    for peer in crowd.peers:
        peer.send(request("score", 3))
    for peer in crowd.peers:
        if not is_ok(await peer.answer()):
            crowd.failed.append("no score")
    await asyncio.sleep(arguments.seconds)
    await crowd.refusals()
    return set()


async def dripping(crowd, server, context, arguments):
    await crowd.join(server, context, arguments.dripping)
    for number, peer in enumerate(crowd.peers):
        peer.send(stream_head("rank" if number % 2 else "score"))
    end = now() + arguments.seconds
    sent = 0
    while now() < end:
        for peer in crowd.peers:
            peer.send((text(sent) + "\n").encode())
        sent += 1
        await asyncio.sleep(0.3)
    for peer in crowd.peers:
        peer.send(b'{"op":"end"}\n')
    for peer in crowd.peers:
        try:
            if not is_ok(answer := await peer.answer()):
                crowd.failed.append(answer[:200])
        except Exception as fault:
            crowd.failed.append(repr(fault))
    return set()


def settled(server):
    """Resident bytes once they no longer fall."""
    last = server.resident()
    for _ in range(20):
        time.sleep(0.25)
        current = server.resident()
        if current >= last and _ >= 7:
            break
        last = current
    return current


def run(arguments, binaries):
    report = Report("memory")
    with Server(binaries, limits={"connections": 2000}) as server:
        context = server.client()
        with Peer(server, context) as first:
            for op in ("score", "rank"):
                first.ask(request(op, 900))
                first.ask(request(op, 3))
        base = settled(server)
        report.add("base, MiB", f"{base / MIB:.1f}")
        after = {}
        for round in range(1, arguments.rounds + 1):
            for name, count, work in (
                ("unfinished lines", arguments.long, long_lines), ("slow readers", arguments.slow, slow_readers),
                ("silent", arguments.idle, silent), ("dripping streams", arguments.dripping, dripping),
            ):
                crowd = Crowd()
                server.forget_peak()
                stopping = threading.Event()
                pings = []

                def probe():
                    with Peer(server, context) as peer:
                        while not stopping.is_set():
                            start = now()
                            if not is_ok(peer.ask(b'{"op":"ping"}\n')):
                                crowd.failed.append("ping")
                            pings.append(now() - start)
                            time.sleep(0.02)

                prober = threading.Thread(target=probe)
                prober.start()

                async def main():
                    expected = await work(crowd, server, context, arguments)
                    held = server.resident()
                    count = len(crowd.peers)
                    crowd.leave()
                    await asyncio.sleep(0.1)
                    return expected, held, count

                expected, held, joined = asyncio.run(main())
                stopping.set()
                prober.join()
                name = f"{count} {name}"
                most = base + count * OWN + COMMON
                report.most(f"{round}: {name}: most, MiB", server.peak() / MIB, most / MIB)
                report.add(f"{round}: {name}: a connection, KiB", f"{(held - base) / 1024 / max(1, joined):.0f}")
                report.exactly(f"{round}: {name}: failed", crowd.failed[:3], [])
                report.add(f"{round}: {name}: refused", crowd.refused, sorted(expected), set(crowd.refused) <= expected)
                report.add(f"{round}: {name}: pings beside, most ms", f"{1000 * max(pings):.0f}")
                current = settled(server)
                after.setdefault(name, []).append(current)
                report.most(f"{round}: {name}: after, MiB", current / MIB, (base + COMMON) / MIB)
        for name, figures in after.items():
            if len(figures) > 1:
                report.most(f"{name}: after the last round against the first", figures[-1] / figures[0], 1.1, "{:.2f}")
    return report
