#!/usr/bin/env python3
"""Asks a server for scores without a pause until it is told to stop (SIGTERM), and tells how that went.

    load.py HOST:PORT TLS-FOLDER CANDIDATES-FILE >report.json

Half of the clients keep their connection; the others make one for each request. What the protocol tells clients to send
again (a goodbye, a connection that ends before the answer) is sent again at once and counted as repeated. A failure is
what is left: a refused connection, an answer that is an error, another answer than before, or none in thirty seconds.
"""
import json
import signal
import socket
import ssl
import sys
import threading
import time

address, folder, file = sys.argv[1:4]
host, port = address.rsplit(":", 1)
context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
context.load_cert_chain(f"{folder}/client.pem", f"{folder}/client.key")
with open(file, "rb") as lines:
    users = [line.strip() for line, _ in zip(lines, range(20))]
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
lock = threading.Lock()
report = {"answered": 0, "repeated": 0, "failures": [], "longest_wait_ms": 0}


class Again(Exception):
    """Not answered, and to be sent on another connection."""


def connect():
    plain = socket.create_connection((host, int(port)), timeout=30)
    try:
        return context.wrap_socket(plain, server_hostname=host).makefile("rwb")
    except (ssl.SSLError, ConnectionError) as error:
        raise Again(str(error)) from error


def ask(stream, number):
    line = b'{"op":"score","id":%d,"as_of":"2026-03-01T10:00:00Z","users":[%s]}\n' % (number, b",".join(users))
    rows = []
    try:
        stream.write(line)
        stream.flush()
        while True:
            row = stream.readline()
            if not row.endswith(b"\n"):
                raise Again("the connection ended")
            value = json.loads(row)
            if value.get("event") == "goodbye" or value.get("error", {}).get("code") == "shutting_down":
                raise Again("goodbye")
            if "ok" in value:
                if not value["ok"]:
                    raise RuntimeError(row.decode().strip())
                return rows
            rows.append(row)
    except (ssl.SSLEOFError, ConnectionError, ssl.SSLZeroReturnError, ValueError) as error:
        raise Again(str(error)) from error


def work(keeps, expected):
    stream, number = None, 0
    while not stop.is_set():
        number += 1
        begun = time.monotonic()
        try:
            while True:
                try:
                    stream = stream or connect()
                    answer = ask(stream, number)
                    break
                except Again:
                    stream = None
                    with lock:
                        report["repeated"] += 1
                    if time.monotonic() - begun > 30:
                        raise
            if expected and answer != expected[0]:
                raise RuntimeError("another answer than before")
            expected[:] = [answer]
            with lock:
                report["answered"] += 1
        except Exception as error:
            stream = None
            with lock:
                report["failures"].append(f"{type(error).__name__}: {error}"[:200])
            time.sleep(0.1)
        with lock:
            report["longest_wait_ms"] = max(report["longest_wait_ms"], int((time.monotonic() - begun) * 1000))
        if not keeps:
            stream = None


expected = []
threads = [threading.Thread(target=work, args=(index % 2 == 0, expected)) for index in range(8)]
for thread in threads:
    thread.start()
stop.wait()
for thread in threads:
    thread.join()
report["failed"] = len(report["failures"])
report["failures"] = report["failures"][:5]
print(json.dumps(report))
sys.exit(1 if report["failed"] or not report["answered"] else 0)
