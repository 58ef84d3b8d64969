"""Instructions a candidate of each stage of the work, on fixed inputs, and what the server asks of the heap: a guard that
no clock can mislead.

callgrind counts what a kernel executes for a few rounds and for more; the difference, over the candidates between them, is
what one costs, whatever the start costs. It counts the same today and tomorrow, on a quiet machine and on a busy one, as long
as compiler and libraries are the same. It knows no AVX-512 and no SHA extension, so what chooses its code by the processor
takes its plainer way here.
"""
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile

from benching import allocations, machine
from benching.measure import Failed

COUNT = 2000
FEW, MANY = 2, 12
# Of what costs a hundred times as much.
FEW_SLOW, MANY_SLOW = 1, 2
# Of a figure, before it is a regression. The same build differs by less than a thousandth.
TOLERANCE = 0.03
LIMITED = ["--limit", str(COUNT // 10)]
KERNELS = {
    "decode": ["decode"],
    "score": ["score"],
    "answer": ["answer"],
    "explain": ["explain"],
    "valid-until": ["valid-until"],
    "rank": ["rank", "--only-limit", *LIMITED],
    "plan": ["plan", "--only-limit", *LIMITED],
    "plan, the policy's limits": ["plan", *LIMITED],
}


def run(root, binaries, folder, accept):
    """0, or 1 where a kernel needs more instructions than before."""
    path = os.path.join(folder, "kernels.json")
    if not shutil.which("valgrind"):
        subprocess.run([os.path.join(root, "tools", "prepare"), "valgrind"], check=True)
    policy = os.path.join(root, "proto-spec", "examples", "cash-loan-recall.yaml")
    with tempfile.TemporaryDirectory() as work:
        candidates = os.path.join(work, "candidates.ndjson")
        subprocess.run(
            [os.path.join(binaries, "make-candidates"), "--benchmark", "--count", str(COUNT), "--output", candidates],
            check=True)
        # Valgrind gives up on debugging information that is newer than itself.
        program = os.path.join(work, "kernels")
        subprocess.run(["strip", "--strip-debug", "-o", program, os.path.join(binaries, "kernels")], check=True)
        measured = {}
        for name, arguments in KERNELS.items():
            command = [program, *arguments, "--policy", policy, "--candidates", candidates]
            rounds = (FEW_SLOW, MANY_SLOW) if name == "explain" else (FEW, MANY)
            counts = [instructions([*command, "--rounds", str(count)]) for count in rounds]
            measured[name] = each(counts, rounds)
            print(f"{name:26} {measured[name]:12,.1f} instructions a candidate", flush=True)
    print(f"explain against answer: {measured['explain'] / measured['answer']:.2f}")
    asked = allocations.measure(root, binaries)
    for name, value in asked.items():
        print(f"{name:42} {value:8.2f} allocations", flush=True)
    now = {"built_with": built_with(root), "instructions": {name: round(value, 1) for name, value in measured.items()},
           "allocations": {name: round(value, 2) for name, value in asked.items()}}
    if accept:
        os.makedirs(folder, exist_ok=True)
        with open(path, "w") as file:
            file.write(json.dumps(now, indent=1, ensure_ascii=False) + "\n")
        print(f"kept in {os.path.relpath(path)}")
        return 0
    if not os.path.exists(path):
        raise Failed(f"{os.path.relpath(path)} is missing; --accept writes it")
    with open(path) as file:
        before = json.load(file)
    if before["built_with"] != now["built_with"]:
        print(f"not the same tools: the committed figures are of {before['built_with']}, these of {now['built_with']}")
    lines, is_worse = compare(before["instructions"], measured)
    over, is_over = allocations.compare(before.get("allocations", {}), asked)
    print("\n".join(lines + over))
    return 1 if is_worse or is_over else 0


def each(counts, rounds):
    """Instructions a candidate, from the counts of few rounds and of many."""
    return (counts[1] - counts[0]) / ((rounds[1] - rounds[0]) * COUNT)


def instructions(command):
    ended = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command], capture_output=True, text=True,
        # What the environment holds would move the stack, and hash seeds the tables.
        env={"PATH": os.environ["PATH"], "SWIFT_DETERMINISTIC_HASHING": "1"})
    counted = re.search(r"Collected : (\d+)", ended.stderr)
    if ended.returncode != 0 or not counted:
        raise Failed(f"{' '.join(command)}: {ended.stderr[-500:]}")
    return int(counted.group(1))


def built_with(root):
    described = machine.describe(root)
    return f"Swift {described['swift']}, OpenSSL {described['openssl']}, {platform.machine()}"


def compare(before, measured):
    """A line for each figure that is not as it was, and whether one is worse."""
    lines, is_worse = [], False
    for name in sorted(before.keys() | measured.keys()):
        if name not in before or name not in measured:
            lines.append(f"{name}: {'new' if name in measured else 'gone'}; --accept keeps that")
            is_worse = True
            continue
        change = measured[name] / before[name] - 1
        if abs(change) > TOLERANCE:
            lines.append(f"{name}: {change:+.1%} against the committed {before[name]:,.1f}"
                         + (": worse" if change > 0 else "; --accept keeps that"))
            is_worse |= change > TOLERANCE
    return lines or [f"all within {TOLERANCE:.0%} of the committed figures"], is_worse
