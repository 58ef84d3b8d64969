"""What the tests stand on: the real server with a home of its own, a peer that says what a test wants, and one face for
both clients."""

import asyncio
import contextlib
import inspect
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(PACKAGE)))
sys.path.insert(0, PACKAGE)

import rouse  # noqa: E402

AS_OF = "2026-03-01T02:00:00Z"
NO_RETRY = rouse.NEVER
QUICK = rouse.Retry(attempts=4, first_pause=0.05, longest_pause=0.5)


def server_binary():
    named = os.environ.get("ROUSE_SERVER_BIN")
    if named:
        if not os.access(named, os.X_OK):
            sys.exit(f"ROUSE_SERVER_BIN={named} cannot be run; build it with: swift build --product rouse-server")
        return named
    for kind in ("debug", "release"):
        path = os.path.join(ROOT, ".build", kind, "rouse-server")
        if os.access(path, os.X_OK):
            return path
    sys.exit("no rouse-server: build it with 'swift build --product rouse-server', or set ROUSE_SERVER_BIN")


class Server:
    """A rouse-server on a free port of loopback. `limits` and `settings` replace what init wrote."""

    def __init__(self, limits=None, settings=None, ledger=True, tokens=()):
        self.folder = tempfile.mkdtemp(prefix="rouse-python-")
        self.home = os.path.join(self.folder, "home")
        self.binary = server_binary()
        subprocess.run([self.binary, "init", self.home], check=True, stdout=subprocess.DEVNULL)
        self.config = os.path.join(self.home, "server.yaml")
        with open(self.config) as file:
            text = file.read()
        for name, value in {**(limits or {}), **(settings or {})}.items():
            line = re.compile(rf"^(\s*)(?:# )?{name}:.*$", re.M)
            assert line.search(text), name
            text = line.sub(rf"\g<1>{name}: {value}", text, count=1)
        if not ledger:
            text = re.sub(r"^ledger:\n(?:  .*\n?)*", "", text, flags=re.M)
        with open(self.config, "w") as file:
            file.write(text)
        self.tokens = {}
        for name, roles in dict(tokens).items():
            made = subprocess.run(
                [self.binary, "token", "add", name, "--roles", roles, "--config", self.config], check=True,
                capture_output=True, text=True)
            self.tokens[name] = made.stdout.split()[-1]
        self.profile = os.path.join(self.home, "client.yaml")
        self.ca = os.path.join(self.home, "tls", "ca.pem")
        self.process = None
        self.address = "127.0.0.1:0"
        self.start()

    def start(self):
        """Starts it, again on the port that it had."""
        port_file = os.path.join(self.folder, "port")
        with contextlib.suppress(FileNotFoundError):
            os.remove(port_file)
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "run", "--config", self.config, "--listen", self.address, "--port-file", port_file],
                stderr=log, stdout=log)
        for _ in range(600):
            if os.path.exists(port_file):
                break
            if self.process.poll() is not None:
                with open(self.log) as log:
                    raise AssertionError("the server ended: " + log.read()[-2000:])
            time.sleep(0.05)
        with open(port_file) as file:
            self.address = file.read().strip()

    def client(self, kind=None, **settings):
        settings.setdefault("retry", NO_RETRY)
        settings.setdefault("timeout", 60)
        if not {"token", "ca"} & set(settings):
            settings.setdefault("profile", self.profile)
        if "token" in settings:
            settings["ca"] = self.ca
        return (kind or rouse.Client)(self.address, **settings)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def tell(self, signal_number=signal.SIGTERM):
        self.process.send_signal(signal_number)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Peer:
    """A TLS server with the certificate of a home. `talk(connection, number)` says what it does with each connection."""

    def __init__(self, server, talk, context=None):
        if context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(
                os.path.join(server.home, "tls", "server.pem"), os.path.join(server.home, "tls", "server.key"))
        self._context = context
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.connections = 0
        self.faults = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(raw, self.connections), daemon=True).start()

    def _one(self, raw, number):
        try:
            with self._context.wrap_socket(raw, server_side=True) as secured:
                self._talk(Talk(secured), number)
        except (OSError, EOFError):
            pass
        except Exception as fault:  # a test's own mistake
            self.faults.append(fault)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()


class Talk:
    def __init__(self, secured):
        self.socket = secured
        self._rest = b""

    def line(self):
        while b"\n" not in self._rest:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        return line

    def say(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def reset(self):
        """Goes away without a word, as a killed machine does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        os.close(self.socket.detach())


class Awaited:
    """An AsyncClient with the face of a Client: each call is run to its end on a loop of its own."""

    def __init__(self, *words, **settings):
        self._client = rouse.AsyncClient(*words, **settings)
        self._loop = asyncio.new_event_loop()
        self.policy = _Awaited(self, self._client.policy)

    def __getattr__(self, name):
        return _call(self, getattr(self._client, name))

    def run(self, awaitable):
        return self._loop.run_until_complete(awaitable)

    def close(self):
        if not self._loop.is_closed():
            self.run(self._client.aclose())
            self.run(self._loop.shutdown_asyncgens())
            self.run(asyncio.sleep(0.01))
            self._loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Awaited:
    def __init__(self, face, inner):
        self._face, self._inner = face, inner

    def __getattr__(self, name):
        return _call(self._face, getattr(self._inner, name))


class _Rows:
    """An asynchronous stream with the face of a plain one."""

    def __init__(self, face, stream):
        self._face, self._stream = face, stream

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return self._face.run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self):
        self._face.run(self._stream.aclose())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getattr__(self, name):
        return getattr(self._stream, name)


def _call(face, method):
    def call(*words, **members):
        found = method(*words, **members)
        if inspect.isawaitable(found):
            return face.run(found)
        return _Rows(face, found) if hasattr(found, "__aiter__") else found

    return call


KINDS = {"sync": rouse.Client, "asyncio": Awaited}


def candidate(number):
    """One whom the shipped policy may choose."""
    return {
        "user_id": "u%08d" % number, "registered_at": "2025-12-01T08:00:00Z", "credit_granted_at": "2026-01-30T03:30:00Z",
        "credit_limit": 3000 + number % 9 * 1000, "sms_ok": True, "region": "CN-33", "device": {"os": "android"},
    }


def candidates(count):
    return [candidate(number) for number in range(count)]


def resident():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
