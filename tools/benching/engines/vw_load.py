"""vw_load.py CLIENT REQUESTS SECONDS: Vowpal Wabbit as a daemon under load, in a network namespace of its own, because it
listens on every address, and in one for processes, because what it forks would outlive it:
`unshare --net --pid --fork --mount-proc --kill-child python vw_load.py …`. Prints what it took as JSON."""
import json
import os
import subprocess
import sys
import time

PORT = "26542"
DAEMON = f"""
from vowpalwabbit import pyvw
pyvw.Workspace("--daemon --foreground --num_children 1 --port {PORT} --testonly --quiet --loss_function logistic").run_parser()
"""


def used():
    """Seconds of processor time of all processes here but this one."""
    ticks = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rsplit(") ", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(client, requests, flight, seconds):
    text = subprocess.run(
        [client, PORT, requests, "\n", str(flight), seconds], check=True, capture_output=True, text=True).stdout
    count, took, p50, p99 = (float(word) for word in text.split())
    return {"rate": count / took, "p50": p50 / 1e6, "p99": p99 / 1e6}


def main(client, requests, seconds):
    if os.getpid() != 1:
        sys.exit("vw_load.py: not in namespaces of its own")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.Popen([sys.executable, "-c", DAEMON], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        time.sleep(0.1)
        with open("/proc/net/tcp") as table:
            if f":{int(PORT):04X} " in table.read():
                break
    before = used()
    many = load(client, requests, 64, seconds)
    many["cpu"] = (used() - before) / (many["rate"] * (float(seconds) + 0.5))
    # One at a time on one processor, as all engines: see OneProcessor.
    for name in os.listdir("/proc"):
        if name.isdigit():
            for thread in os.listdir(f"/proc/{name}/task"):
                os.sched_setaffinity(int(thread), {min(os.sched_getaffinity(0))})
    print(json.dumps({"many": many, "one": load(client, requests, 1, seconds)}))


main(*sys.argv[1:])
