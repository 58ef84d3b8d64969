"""Every error code as an exception of its own, from the real server where it can be made to answer so."""

import asyncio
import contextlib
import os
import pickle
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest

from support import AS_OF, KINDS, NO_RETRY, ROOT, Peer, Server, candidate, candidates, rouse

SEEN = {"sync": set(), "asyncio": set()}


def nested(depth):
    found = {}
    for _ in range(depth):
        found = {"x": found}
    return found


class Errors:
    kind = "sync"

    @classmethod
    def setUpClass(cls):
        cls.servers = contextlib.ExitStack()
        cls.server = cls.start(tokens={"crm": "score"})

    @classmethod
    def tearDownClass(cls):
        cls.servers.close()

    @classmethod
    def start(cls, **settings):
        server = Server(**settings)
        cls.servers.callback(server.stop)
        return server

    def client(self, server=None, **settings):
        client = (server or self.server).client(KINDS[self.kind], **settings)
        self.addCleanup(client.close)
        return client

    def expect(self, code, ask, at=None):
        kind = rouse.error_classes()[code]
        with self.assertRaises(rouse.ServerError) as caught:
            ask()
        error = caught.exception
        self.assertIs(type(error), kind, error)
        self.assertEqual((error.code, error.at), (code, at))
        self.assertTrue(error.message)
        self.assertNotIn("\n", str(error))
        self.assertIn("; ", str(error), "what happened; what to do")
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((type(copy), str(copy)), (type(error), str(error)))
        SEEN[self.kind].add(code)
        return error

    def scripted(self, talk, ask, **settings):
        with Peer(self.server, talk) as peer:
            client = KINDS[self.kind](peer.address, profile=self.server.profile, retry=NO_RETRY, timeout=20, **settings)
            self.addCleanup(client.close)
            try:
                return ask(client)
            finally:
                self.assertEqual(peer.faults, [])

    # --- of the line ---

    def test_of_json(self):
        client = self.client()
        error = self.expect("too_deep", lambda: client.request("ping", x_a=nested(70)))
        self.assertGreater(error.offset, 0)
        self.expect("duplicate_key", lambda: client.request("ping", x_a={1: 0, "1": 0}))
        client.ping()

    def test_of_bytes(self):
        """What this client never sends: a peer sends what the server answers to it."""
        for code in ("bad_json", "not_an_object"):
            line = b'{"op":"ping",}\n' if code == "bad_json" else b'["op","ping"]\n'
            answer = self.raw(line)

            def talk(peer, number, answer=answer):
                peer.line()
                peer.say(answer)

            error = self.expect(code, lambda: self.scripted(talk, lambda client: client.ping()))
            self.assertIsInstance(error.offset, int)

    def raw(self, line, server=None):
        """What the real server answers to bytes."""
        import socket

        server = server or self.server
        tls = os.path.join(server.home, "tls")
        context = ssl.create_default_context(cafile=server.ca)
        context.load_cert_chain(os.path.join(tls, "client.pem"), os.path.join(tls, "client.key"))
        host, port = server.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                secured.sendall(line)
                found = b""
                while not found.endswith(b"\n"):
                    more = secured.recv(65536)
                    if not more:
                        break
                    found += more
                return found

    # --- who asks ---

    def test_identity(self):
        nobody = self.client(ca=self.server.ca)
        nobody.ping()
        self.expect("unauthenticated", lambda: nobody.info())
        with self.assertRaises(rouse.Unauthenticated) as caught:
            self.client(token="rouse_wrong").ping()
        self.assertIn("the server refuses our token", str(caught.exception))
        self.assertNotIn("rouse_wrong", str(caught.exception))
        scorer = self.client(token=self.server.tokens["crm"])
        self.expect("forbidden", lambda: scorer.record([{"key": "a"}]))
        self.expect("unknown_op", lambda: scorer.request("dance"), at="/op")

    # --- what is asked ---

    def test_requests(self):
        client = self.client()
        self.expect("bad_request", lambda: client.rank([], bugdet=5), at="/bugdet")
        self.expect("bad_request", lambda: client.rank(iter([]), rows="some"), at="/rows")
        self.expect("bad_request", lambda: client.rank((candidate(n) for n in range(20000)), rows="some"), at="/rows")
        self.expect("too_many", lambda: client.request("score", users=candidates(1001)), at="/users")
        self.expect("not_found", lambda: client.user("nobody"), at="/user_id")
        self.expect("not_found", lambda: client.info(policy="other@000000000000"), at="/policy")
        text = client.policy.show().text
        self.expect("conflict", lambda: client.policy.activate(text, against="other@000000000000"), at="/against")
        client.ping()

    def test_limits(self):
        server = self.start(limits={"stream_candidates": 50, "requests_per_second": 4, "line_bytes": 4096}, ledger=False)
        client = self.client(server)
        self.expect("too_many", lambda: client.rank(iter(candidates(60)), as_of=AS_OF))
        self.expect("too_many", lambda: list(client.score_stream((candidate(n) for n in range(50000)), as_of=AS_OF)))
        self.expect("not_found", lambda: client.load([candidate(1)]), at="/op")
        self.expect("line_too_long", lambda: client.request("ping", x_a="x" * 5000))
        client.ping()
        self.expect("line_too_long", lambda: client.score(iter([{"user_id": "x" * 5000}])))

        def often():
            for _ in range(50):
                client.info()

        error = self.expect("rate_limited", often)
        self.assertGreater(error.retry_after_ms, 0)

    def test_overloaded(self):
        server = self.start(limits={"rank_bytes": 1048576})
        client = self.client(server)
        error = self.expect("overloaded", lambda: client.rank((candidate(n) for n in range(200000)), as_of=AS_OF))
        self.assertIsNotNone(error.retry_after_ms)
        client.ping()

    def test_time(self):
        client = self.client()

        def slow():
            for number in range(200):
                time.sleep(0.005)
                yield candidate(number)

        self.expect("deadline_exceeded", lambda: client.rank(slow(), timeout_ms=50))
        client.ping()

    def test_pauses(self):
        server = self.start(limits={"idle_seconds": 1, "partial_line_seconds": 1})
        client = self.client(server)

        def asleep():
            yield candidate(1)
            time.sleep(2.5)
            yield candidate(2)

        self.expect("idle_timeout", lambda: client.rank(asleep(), as_of=AS_OF))
        client.ping()
        time.sleep(1.6)
        client.ping()  # the connection that was closed for idling is not used again
        answer = self.raw(b'{"op":"ping"', server)

        def talk(peer, number):
            peer.line()
            peer.say(answer)

        self.expect("incomplete_line", lambda: self.scripted(talk, lambda client: client.ping()))

    def test_stop(self):
        server = self.start(settings={"drain_seconds": 1})
        client = self.client(server)

        def slow():
            for number in range(40):
                time.sleep(0.1)
                yield candidate(number)
                if number == 5:
                    server.tell(signal.SIGTERM)

        async def slowly():
            for number in range(40):
                await asyncio.sleep(0.1)
                yield candidate(number)
                if number == 5:
                    server.tell(signal.SIGTERM)

        source = slow if self.kind == "sync" else slowly
        self.expect("shutting_down", lambda: client.rank(source(), as_of=AS_OF))

    def test_goodbye(self):
        """A server that goes down before it has read the request says so; nothing of it was done."""
        def talk(peer, number):
            peer.line()
            peer.say('{"event":"news","x":1}\n{"event":"goodbye","reason":"draining"}\n')

        with self.assertRaises(rouse.Draining):
            self.scripted(talk, lambda client: client.ping())

    def test_storage(self):
        server = self.start()
        client = self.client(server)
        live = client.policy.show()
        shutil.move(os.path.join(server.home, "policy.yaml"), os.path.join(server.home, "policy.was"))
        os.symlink("/dev/full", os.path.join(server.home, "policy.yaml"))
        try:
            client.policy.activate(live.text + "# more\n", against=live.policy)
        except rouse.ServerError as error:
            if error.code != "storage_failed":
                # A policy file that others changed is found before a disk that is full.
                self.assertEqual(error.code, "conflict")
                self.of_script("storage_failed")
            else:
                SEEN[self.kind].add("storage_failed")

    def of_script(self, code, **members):
        import json

        def talk(peer, number):
            asked = json.loads(peer.line())
            error = {"code": code, "message": "as the script says", **members}
            peer.say(json.dumps({"id": asked["id"], "ok": False, "error": error}) + "\n")

        return lambda: self.scripted(talk, lambda client: client.info())

    def test_by_script(self):
        self.expect("cancelled", self.of_script("cancelled"))
        self.expect("internal", self.of_script("internal"))
        self.expect("storage_failed", self.of_script("storage_failed"))
        for code in rouse.error_classes():
            self.expect(code, self.of_script(code))
        with self.assertRaises(rouse.UnknownCode) as caught:
            self.of_script("too_purple", shade=7)()
        self.assertEqual((caught.exception.code, caught.exception.extra), ("too_purple", {"shade": 7}))
        with self.assertRaises(rouse.Internal) as caught:
            self.of_script("internal", message="two\nlines \x1b[31m")()
        self.assertNotIn("\n", str(caught.exception))
        self.assertNotIn("\x1b", str(caught.exception))


class SyncErrors(Errors, unittest.TestCase):
    kind = "sync"


class AsyncErrors(Errors, unittest.TestCase):
    kind = "asyncio"


class TheList(unittest.TestCase):
    def test_there_is_a_class_for_each_code_of_the_specification(self):
        with open(os.path.join(ROOT, "proto-spec", "errors.md")) as file:
            table = file.read().split("## Finer than the table")[0]
        codes = re.findall(r"^\| `([a-z_]+)` \|", table, re.M)
        self.assertEqual(codes, list(rouse.error_classes()))
        self.assertEqual(len(set(rouse.error_classes().values())), len(codes))


class WayThere(unittest.TestCase):
    """What goes wrong before there is an answer, and what to do about it."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.other = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.other.stop()

    def fails(self, kind, part, server=None, **settings):
        for name, client_kind in KINDS.items():
            with self.subTest(name):
                with self.assertRaises(kind) as caught:
                    with (server or self.server).client(client_kind, **settings) as client:
                        client.info()
                self.assertIn(part, str(caught.exception))
                self.assertNotIn("\n", str(caught.exception))

    def test_another_authority(self):
        self.fails(rouse.TLSFailed, "give its CA file as ca", profile=self.server.profile, ca=self.other.ca)

    def test_our_certificate_is_of_another_authority(self):
        tls = os.path.join(self.other.home, "tls")
        self.fails(
            rouse.TLSFailed, "the server refuses our certificate", profile=self.server.profile,
            cert=os.path.join(tls, "client.pem"), key=os.path.join(tls, "client.key"))

    def test_another_name(self):
        self.fails(rouse.TLSFailed, "server_name", profile=self.server.profile, server_name="other.example")

    def test_a_certificate_is_wanted(self):
        server = Server(settings={"client_certificate": "required"})
        self.addCleanup(server.stop)
        self.fails(rouse.TLSFailed, "give cert and key", server=server, ca=server.ca)

    def test_nobody_there(self):
        for name, kind in KINDS.items():
            for address, part in (("127.0.0.1:9", "is the server running there?"), ("nobody.invalid:7411", "check its name")):
                with self.subTest(name), self.assertRaises(rouse.ConnectFailed) as caught:
                    with kind(address, profile=self.server.profile, retry=NO_RETRY) as client:
                        client.ping()
                self.assertIn(part, str(caught.exception))

    def test_no_tls_there(self):
        import socket

        for name, kind in KINDS.items():
            with self.subTest(name), socket.create_server(("127.0.0.1", 0)) as listener:
                def answer():
                    with contextlib.suppress(OSError):
                        peer, _ = listener.accept()
                        peer.sendall(b"220 smtp.example ESMTP\r\n")
                        peer.recv(65536)
                        peer.close()

                threading.Thread(target=answer, daemon=True).start()
                address = "127.0.0.1:%d" % listener.getsockname()[1]
                with self.assertRaises(rouse.TLSFailed) as caught:
                    with kind(address, profile=self.server.profile, retry=NO_RETRY) as client:
                        client.ping()
                self.assertIn("does not speak TLS", str(caught.exception))

    def test_silence(self):
        def talk(peer, number):
            peer.line()
            time.sleep(3)

        for name, kind in KINDS.items():
            with self.subTest(name), Peer(self.server, talk) as peer:
                with kind(peer.address, profile=self.server.profile, retry=NO_RETRY, timeout=0.4) as client:
                    with self.assertRaises(rouse.TimedOut) as caught:
                        client.ping()
                self.assertIn("longer timeout", str(caught.exception))

    def test_what_is_no_answer(self):
        for line in (b"hello\n", b"[1]\n", b'{"ok":1}\n', b'{"id":99,"ok":true}\n', b"\xff\n", b'{"ok":true}{"ok":true}\n'):
            def talk(peer, number, line=line):
                peer.line()
                peer.say(line)

            for name, kind in KINDS.items():
                with self.subTest(f"{name} {line!r}"), Peer(self.server, talk) as peer:
                    with kind(peer.address, profile=self.server.profile, retry=NO_RETRY, timeout=5) as client:
                        with self.assertRaises(rouse.ProtocolError):
                            client.ping()

    def test_files(self):
        self.fails(rouse.ConfigurationError, "cannot be read", profile="/nowhere/client.yaml")
        self.fails(rouse.ConfigurationError, "cannot be read", profile=self.server.profile, ca="/nowhere/ca.pem")
        self.fails(rouse.ConfigurationError, "no certificate in PEM", profile=self.server.profile, ca=self.server.config)
        tls = os.path.join(self.server.home, "tls")
        self.fails(
            rouse.ConfigurationError, "the key is not that of the certificate", profile=self.server.profile,
            cert=os.path.join(tls, "client.pem"), key=os.path.join(tls, "server.key"))
        self.fails(rouse.ConfigurationError, "go together", cert=os.path.join(tls, "client.pem"), ca=self.server.ca)

    @unittest.skipUnless(shutil.which("openssl"), "openssl encrypts the key")
    def test_an_encrypted_key(self):
        tls = os.path.join(self.server.home, "tls")
        locked = os.path.join(tls, "locked.key")
        subprocess.run(
            ["openssl", "pkey", "-in", os.path.join(tls, "client.key"), "-aes256", "-passout", "pass:secret", "-out", locked],
            check=True, capture_output=True)
        self.fails(rouse.ConfigurationError, "key_password", profile=self.server.profile, key=locked)
        with self.server.client(profile=self.server.profile, key=locked, key_password="secret") as client:
            self.assertEqual(client.info().identity, "operator")


if __name__ == "__main__":
    unittest.main()
