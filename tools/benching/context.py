"""What all measurements of a run share: binaries, inputs, sizes, servers."""
import json
import os
import shutil
import subprocess
import tempfile

from benching.measure import Failed, Run
from soaking.server import Binaries, Server

AS_OF = "2026-03-01T02:00:00Z"
# Only the request's own limit binds: what a query that sorts and cuts does.
ONLY_LIMIT = ["--capacity", "call=none", "--quota", "never_logged_in=none"]
CONTACTS = 10_000
LIMIT = ["--limit", str(CONTACTS)]


class Context:
    def __init__(self, root, binaries, arguments):
        self.root = root
        self.binaries = Binaries(binaries)
        self.users = arguments.users
        self.audience = arguments.audience
        self.seconds = arguments.seconds
        self.folder = tempfile.mkdtemp(prefix="rouse-bench-")
        self.candidates = self.make(self.users)
        self.home = self.path("home")
        subprocess.run(
            [self.binaries.path("rouse-server"), "init", self.home], check=True, stdout=subprocess.DEVNULL)
        self.policy = os.path.join(self.home, "policy.yaml")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, count):
        """A file of so many made-up candidates, all with 18 values and about 374 bytes."""
        path = self.path(f"candidates-{count}.ndjson")
        if not os.path.exists(path):
            self.binaries.candidates(path, count)
        return path

    def rouse(self, *arguments, server=None, output=None):
        """Runs the client; against a server, with its home's certificate."""
        command = [self.binaries.path("rouse"), *arguments]
        if server:
            command += ["--profile", server.file("client.yaml"), "--server", address(server)]
        return Run(command, output=output, server=server and server.process.pid)

    def offline(self, command, threads, *arguments, policy=None, file=None, output=None):
        return self.rouse(
            command, "--policy", policy or self.policy, "--threads", str(threads), "--as-of", AS_OF, "--json",
            *arguments, file or self.candidates, output=output)

    def load(self, server, *arguments, certificate=True, file=True):
        """What `rouse bench` tells; an answer that is an error fails it."""
        command = [self.binaries.path("rouse"), "bench", "--json", "--server", address(server), *arguments]
        command += ["--server-pid", str(server.process.pid)]
        command += ["--profile", server.file("client.yaml")] if certificate else ["--ca", server.file("tls/ca.pem")]
        if file:
            command += ["--as-of", AS_OF, self.candidates]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode != 0:
            raise Failed(f"{' '.join(command)}: {ended.stderr}{ended.stdout[-300:]}")
        return json.loads(ended.stdout)

    def server(self, **options):
        return Server(self.binaries, **options)


def address(server):
    return "%s:%d" % server.address


def same(one, other, what):
    """Two files must have the same bytes."""
    with open(one, "rb") as a, open(other, "rb") as b:
        while True:
            left, right = a.read(1 << 20), b.read(1 << 20)
            if left != right:
                raise Failed(f"{what}: the answers differ")
            if not left:
                return
