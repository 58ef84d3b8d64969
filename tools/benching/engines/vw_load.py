"""vw_load.py CLIENT REQUESTS SECONDS: Vowpal Wabbit as a daemon under load, in a network namespace of its own, because it
listens on every address. `unshare -n python vw_load.py …`. Prints what it took as JSON."""
import json
import os
import subprocess
import sys
import time

PORT = "26542"
DAEMON = f"""
from vowpalwabbit import pyvw
import ctypes, signal
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
pyvw.Workspace("--daemon --foreground --num_children 1 --port {PORT} --testonly --quiet --loss_function logistic").run_parser()
"""


def cpu_of(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(client, requests, flight, seconds):
    text = subprocess.run(
        [client, PORT, requests, "\n", str(flight), seconds], check=True, capture_output=True, text=True).stdout
    count, took, p50, p99 = (float(word) for word in text.split())
    return {"rate": count / took, "p50": p50 / 1e6, "p99": p99 / 1e6}


def main(client, requests, seconds):
    if os.listdir("/sys/class/net") != ["lo"] and len(open("/proc/net/dev").readlines()) > 3:
        sys.exit("vw_load.py: not in a network namespace of its own")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            time.sleep(0.1)
            with open("/proc/net/tcp") as table:
                if f":{int(PORT):04X} " in table.read():
                    break
        before = cpu_of(daemon.pid)
        many = load(client, requests, 64, seconds)
        many["cpu"] = (cpu_of(daemon.pid) - before) / (many["rate"] * (float(seconds) + 0.5))
        print(json.dumps({"many": many, "one": load(client, requests, 1, seconds)}))
    finally:
        daemon.kill()
        daemon.wait()


main(*sys.argv[1:])
