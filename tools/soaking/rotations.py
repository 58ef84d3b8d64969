"""Certificates change under load: new connections get the new one, old ones live on, and none fails."""
import hashlib
import os
import shutil
import ssl
import time

from .load import Asker, stop
from .peer import Peer, is_ok, now
from .report import Report
from .server import Server, init_home, replace


def options(parser):
    parser.add_argument("--count", type=int, default=10, help="rotations")
    parser.add_argument("--lasting", type=int, default=3, help="connections that stay")
    parser.add_argument("--fresh", type=int, default=3, help="peers that come anew for each request")


def fingerprint(peer):
    return hashlib.sha256(peer.socket.getpeercert(binary_form=True)).digest()


class Resuming:
    """Comes again with the ticket of the time before, which an older certificate may have given."""

    def __init__(self, server, context):
        self.server, self.context, self.session = server, context, None
        self.resumed = self.count = 0

    def come(self):
        import socket
        with socket.create_connection(self.server.address, 10) as raw:
            with self.context.wrap_socket(
                    raw, server_hostname=self.server.address[0], session=self.session) as tls:
                tls.sendall(b'{"op":"info"}\n')
                answer = tls.recv(1 << 16)
                self.count += 1
                self.resumed += tls.session_reused
                self.session = tls.session
                return is_ok(answer)


def run(arguments, binaries):
    report = Report("rotations")
    with Server(binaries) as server:
        # Every authority is trusted from the start, on both sides: what rotates is the server's certificate and key.
        homes = []
        for number in range(arguments.count):
            home = os.path.join(server.root, f"next-{number}")
            init_home(binaries, home)
            homes.append(home)
        authorities = os.path.join(server.root, "authorities.pem")
        with open(authorities, "wb") as out:
            for home in [server.home] + homes:
                with open(os.path.join(home, "tls/ca.pem"), "rb") as file:
                    out.write(file.read())
        shutil.copy(authorities, server.file("tls/ca.pem"))
        server.hang_up()
        time.sleep(1)

        def context_of(home):
            context = ssl.create_default_context(cafile=authorities)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(os.path.join(home, "tls/client.pem"), os.path.join(home, "tls/client.key"))
            return context

        contexts = [context_of(home) for home in [server.home] + homes]
        turn = iter(range(1 << 60))
        lasting = [Asker(server, lambda: contexts[0], seed) for seed in range(arguments.lasting)]
        fresh = [
            Asker(server, lambda: contexts[next(turn) % len(contexts)], 100 + seed, lasting=False)
            for seed in range(arguments.fresh)
        ]
        for asker in lasting + fresh:
            asker.start()
        resuming = Resuming(server, context_of(server.home))
        faults, waits = [], []
        for number, home in enumerate(homes):
            with open(os.path.join(home, "tls/server.pem")) as file:
                wanted = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest()
            names = ["server.key", "server.pem"]
            if number % 2:
                names.reverse()
            replace(os.path.join(home, "tls", names[0]), server.file("tls/" + names[0]))
            # Every third time the two do not fit each other for a while: nothing changes, until they do.
            if number % 3 == 2:
                time.sleep(0.4)
            replace(os.path.join(home, "tls", names[1]), server.file("tls/" + names[1]))
            if number % 4 == 0:
                server.hang_up()
            start = now()
            while True:
                with Peer(server, contexts[0]) as peer:
                    if fingerprint(peer) == wanted:
                        break
                if now() - start > 10:
                    faults.append(f"rotation {number} is not in force after 10 seconds")
                    break
                time.sleep(0.01)
            waits.append(now() - start)
            for _ in range(2):
                if not resuming.come():
                    faults.append(f"rotation {number}: a resumed connection was not served")
            time.sleep(0.05)
        alive = all(asker.is_alive() for asker in lasting)
        answered, failed = stop(lasting + fresh)
        report.add("rotations", len(homes))
        report.exactly("rotations that failed", faults[:3], [])
        report.most("in force after, most ms", 1000 * max(waits), 2000)
        report.exactly("old connections live on", alive, True)
        report.add("requests answered", answered)
        report.add("connections made", sum(asker.answered for asker in fresh))
        report.exactly("requests or connections that failed", failed[:3], [])
        report.add("resumed", f"{resuming.resumed} of {resuming.count}")
        report.exactly("exit code", server.terminate(), 0)
    return report
