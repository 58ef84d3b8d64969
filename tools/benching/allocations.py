"""What the server asks of the heap for one request, or for one candidate of a stream.

A library that is loaded before the C library counts it. Of each work little is done, and then much on another connection:
the difference, over what lies between them, is what one costs, whatever a connection costs. How many requests one read
of the socket brings is chance, so the figures differ by some hundredths.
"""
import os
import shutil
import struct
import subprocess
import tempfile

from benching.context import AS_OF, LIMIT, ONLY_LIMIT, address
from benching.measure import Failed
from soaking.server import Binaries, Server

FEW, MANY = 2_000, 12_000
# Of a figure, and besides, before it is a regression.
TOLERANCE, SLACK = 0.05, 0.1
ENGINES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "engines")
REQUESTS = {
    "a request of one candidate, 64 in flight": ["--in-flight", "64"],
    "a request of one candidate, one at a time": [],
    "a request of one candidate with explain": ["--in-flight", "64", "--explain"],
    "a request of 100 candidates": ["--in-flight", "4", "--batch", "100"],
}
STREAMS = {
    "a candidate of a streamed score": ["score"],
    "a candidate of a streamed rank": ["rank", *LIMIT, *ONLY_LIMIT],
}


def measure(root, folder):
    """By what is counted."""
    if not shutil.which("cc"):
        raise Failed("allocations are counted by a library that is compiled first, and there is no C compiler (cc)")
    binaries = Binaries(folder)
    with tempfile.TemporaryDirectory() as work:
        library, counted = os.path.join(work, "allocations.so"), os.path.join(work, "counted")
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", "-o", library, os.path.join(ENGINES, "allocations.c")], check=True)
        with open(counted, "wb") as file:
            file.write(bytes(8))
        few, many = (
            binaries.candidates(os.path.join(work, f"{count}.ndjson"), count) for count in (FEW, MANY))
        with Server(binaries, environment={"LD_PRELOAD": library, "ROUSE_ALLOCATIONS": counted}) as server:

            def asked(command):
                before = read(counted)
                ended = subprocess.run(
                    [binaries.path("rouse"), *command, "--server", address(server), "--profile",
                     server.file("client.yaml"), "--as-of", AS_OF, "--json"], capture_output=True, text=True)
                if ended.returncode != 0:
                    raise Failed(f"{' '.join(command)}: {ended.stderr[-500:]}")
                return read(counted) - before

            figures = {}
            for name, flags in REQUESTS.items():
                # The pool of threads and the memory of the first connection are there from the first on.
                each(lambda count: asked(
                    ["bench", *flags, "--warm-up", "0", "--requests", str(count), few]), 100, 200)
                figures[name] = each(lambda count: asked(
                    ["bench", *flags, "--warm-up", "0", "--requests", str(count), few]), FEW, MANY)
            for name, command in STREAMS.items():
                files = {FEW: few, MANY: many}
                asked([*command, few])
                figures[name] = each(lambda count: asked([*command, files[count]]), FEW, MANY)
            if read(counted) == 0:
                raise Failed("no allocation was counted: the server does not take the preloaded library")
            return figures


def each(asked, few, many):
    return (asked(many) - asked(few)) / (many - few)


def read(path):
    with open(path, "rb") as file:
        return struct.unpack("=Q", file.read(8))[0]


def compare(before, measured):
    """A line for each figure over its budget or not among them, and whether there is one."""
    lines = []
    for name in sorted(before.keys() | measured.keys()):
        if name not in before or name not in measured:
            lines.append(f"{name}: {'new' if name in measured else 'gone'}; --accept keeps that")
        elif measured[name] > before[name] * (1 + TOLERANCE) + SLACK:
            lines.append(f"{name}: {measured[name]:.2f} allocations, against a budget of {before[name]:.2f}: worse")
    return lines or ["no more allocations than the committed budget"], bool(lines)
