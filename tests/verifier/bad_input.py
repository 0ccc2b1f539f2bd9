#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What bad requests get: an answer of their own, and neither a row nor another device's verdict."""
import json
import socket
import threading
import time
import unittest

import attesting


class Requests(attesting.TestCase):
    more = "connections: 64\n"

    def setUp(self):
        super().setUp()
        self.device = self.known("gate")
        self.verifier.start()

    def tearDown(self):
        """Whatever was tried: a good device has its verdict after it."""
        self.assertEqual(self.verifier.attest(self.device)[0], 200)

    def status(self, data):
        answer = self.verifier.raw(data)
        self.assertRegex(answer, rb"^HTTP/1.1 \d\d\d ")
        return int(answer.split()[1])

    def head(self, *lines, first="POST /v1/attest HTTP/1.1"):
        return "\r\n".join((first, "Host: localhost", "Content-Type: application/json", "Connection: close", *lines, "", "")).encode()

    def test_heads(self):
        for status, data in (
                (400, b"nonsense\r\n\r\n"), (400, b"\r\n\r\n"), (400, b"GET  / HTTP/1.1\r\n\r\n"), (505, b"GET / HTTP/2.0\r\n\r\n"),
                (400, b"GET / HTTP/1.1\nHost: x\n\r\n\r\n"), (400, b"GET / HTTP/1.1\r\n folded: x\r\n\r\n"), (400, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
                (400, b"GET /\xff HTTP/1.1\r\n\r\n"), (414, b"GET /" + 400 * b"a" + b" HTTP/1.1\r\n\r\n"), (431, b"GET / HTTP/1.1\r\nX: " + 9000 * b"a" + b"\r\n\r\n"),
                (400, self.head("Content-Length: 2", "Content-Length: 2") + b"{}"), (400, self.head("Content-Length: -1")),
                (400, self.head("Content-Length: 0x2") + b"{}"), (400, self.head("Content-Length: 99999999999999999999")),
                (411, self.head()), (413, self.head("Content-Length: 67108864")),
                (501, self.head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n"),
                (501, self.head("Transfer-Encoding: chunked", "Content-Length: 4") + b"zz\r\n"),
                (501, self.head("Transfer-Encoding: xchunked"))):
            with self.subTest(data=data[:80]):
                self.assertEqual(self.status(data), status)

    def test_paths(self):
        for path in ("/v1/../v1/attest", "/v1/%2e%2e/attest", "//v1/attest", "/v1/attest%00", "/v1/%zz", "/v1\\attest", "v1/attest", "/v1/%0aattest"):
            with self.subTest(path=path):
                self.assertEqual(self.status(f"POST {path} HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()), 400)
        for path in ("/", "/v1/attests", "/v1/attest/", "/V1/attest", "/v1/enrols", "/devices"):
            self.assertEqual(self.status(f"POST {path} HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()), 404)

    def test_methods_and_types(self):
        self.assertEqual(self.status(b"GET /v1/attest HTTP/1.1\r\nConnection: close\r\n\r\n"), 405)
        self.assertEqual(self.status(b"BREW /v1/attest HTTP/1.1\r\nConnection: close\r\n\r\n"), 405)
        self.assertEqual(self.status(b"POST /v1/attest HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), 415)

    def test_bodies(self):
        good = self.device.message(self.verifier.nonce())
        bad = [b"", b"{", b"[]", b"null", b"{}", b"\xff", b"\0", b"[" * 100000, b'{"a":' * 1000, json.dumps(good).encode() + b"x",
               json.dumps({**good, "more": 1}).encode(), json.dumps(good).encode()[:-1] + b',"boot":1}']
        for key in good:
            for value in (None, True, [], {}, 1.5, -1, "", "\0", "'; DROP TABLE devices; --", "<script>", "A" * 100000, 2 ** 64, "=" * 8):
                if value != good[key]:
                    bad.append(json.dumps({**good, key: value}).encode())
            bad.append(json.dumps({k: v for k, v in good.items() if k != key}).encode())
        connection = self.verifier.connect()
        for body in bad:
            with self.subTest(body=body[:120]):
                status, _, answer = self.verifier.post("/v1/attest", body, connection)
                self.assertIn(status, (400, 403), answer)
                self.assertNotIn(answer["error"], ("none", ""), body[:200])
        connection.close()
        for body in (b"", b"[]", b'{"a":1}', b"{} {}"):
            self.assertEqual(self.verifier.post("/v1/challenge", body)[0], 400)
        self.assertEqual(self.show(self.device)["verdict"], "never seen")

    def test_two_requests_at_once_on_one_connection(self):
        one = b"POST /v1/challenge HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n%s\r\n{}"
        answer = self.verifier.raw(one % b"" + one % b"Connection: close\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 2)
        self.assertEqual(len(set(part.split(b'"')[0] for part in answer.split(b'"nonce":"')[1:])), 2)

    def test_slow_clients_make_room_and_are_ended(self):
        """More of them than there may be connections, a byte now and then: a good device is served all the while."""
        slow = []
        for _ in range(200):
            s = socket.create_connection(("127.0.0.1", self.verifier.port))
            slow.append(s)
        for _ in range(3):
            for s in slow:
                try:
                    s.sendall(b"\x16")
                except OSError:
                    pass
            self.assertEqual(self.verifier.attest(self.device)[0], 200)
        metrics = self.verifier.page("/metrics")[2]
        self.assertGreater(int(metrics.split('{why="evicted"} ')[1].split()[0]), 100)
        self.assertLessEqual(int(metrics.split("\nlatchkey_connections ")[1].split()[0]), 65)
        for s in slow:
            s.close()

    def test_a_head_has_ten_seconds(self):
        with socket.create_connection(("127.0.0.1", self.verifier.pages_port), 30) as s:
            begun = time.monotonic()
            for byte in b"GET / HTTP/1.1\r\nX: aaaaaaaa":
                try:
                    s.sendall(bytes([byte]))
                except OSError:
                    break
                time.sleep(0.5)
            s.settimeout(20)
            try:
                self.assertEqual(s.recv(100), b"")
            except ConnectionError:
                pass
            self.assertLess(time.monotonic() - begun, 25)

    def test_a_large_body_is_bounded_by_all_there_are(self):
        """Room is taken before a body comes: what would be too much in all is turned away, and given back after."""
        held = []
        for _ in range(5):
            plain = socket.create_connection(("127.0.0.1", self.verifier.port))
            s = self.verifier.tls.wrap_socket(plain, server_hostname="127.0.0.1")
            s.sendall(self.head("Content-Length: 25000000"))
            held.append(s)
        held[4].settimeout(10)
        self.assertIn(b" 503 ", held[4].recv(100))
        for s in held:
            s.close()


    def hold(self, length, sent=b""):
        plain = socket.create_connection(("127.0.0.1", self.verifier.port))
        s = self.verifier.tls.wrap_socket(plain, server_hostname="127.0.0.1")
        s.sendall(self.head(f"Content-Length: {length}") + sent)
        self.addCleanup(s.close)
        return s

    def test_who_takes_all_the_room_takes_none_from_a_quote(self):
        """All room for large bodies, and more small ones than there is room for, each begun and never ended."""
        for _ in range(4):
            self.hold(24 * 1024 * 1024, b"{")
        self.assertEqual(self.verifier.attest(self.device)[0], 200)
        for _ in range(40):
            self.hold(256 * 1024, b"{")
        for _ in range(3):
            self.assertEqual(self.verifier.attest(self.device)[0], 200)

    def test_who_guesses_at_tokens_keeps_nobody_out(self):
        """Wrong tokens are answered late: all connections that there may be wait for that, and a quote has one."""
        for _ in range(80):
            s = socket.create_connection(("127.0.0.1", self.verifier.pages_port))
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n")
            self.addCleanup(s.close)
        time.sleep(0.5)
        begun = time.monotonic()
        self.assertEqual(self.verifier.attest(self.device)[0], 200)
        self.assertLess(time.monotonic() - begun, 1.2)

    def test_a_large_body_that_creeps_gives_its_room_back(self):
        """The time that a body has is for bytes that come, not for those that were promised."""
        held = self.hold(24 * 1024 * 1024, b"{")
        begun = time.monotonic()
        held.settimeout(60)
        try:
            self.assertEqual(held.recv(100), b"")
        except ConnectionError:
            pass
        self.assertLess(time.monotonic() - begun, 40)


class Names(attesting.TestCase):
    """A device's name is anything: it is shown, and does nothing."""

    def test_markup_escapes_and_sql(self):
        names = ["<script>alert(1)</script>", "' OR 1=1 --", "a\"onmouseover=b", "\u202egnp.exe", "\x1b[2Jred", "&amp;", "100%_sure", "x" * 200]
        names = [n.replace("/", "\u2215") for n in names]
        devices = self.known(*names)
        self.verifier.start()
        for page in ("/devices", f"/devices/{devices[0].id}", f"/devices/{devices[3].id}", f"/devices/{devices[4].id}"):
            status, headers, text = self.verifier.page(page)
            self.assertEqual(status, 200)
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            for bad in ("<script", '"onmouseover', "\u202e", "\x1b"):
                self.assertNotIn(bad, text)
        self.assertIn("&lt;script&gt;", self.verifier.page("/devices")[2])
        for query, found in (("%25_s", 1), ("%27%20OR", 1), ("_", 1), ("%3Cscript", 1), ("zzz", 0)):
            text = self.verifier.page("/devices.json?q=" + query)[2]
            self.assertEqual(len(json.loads(text)["devices"]), found, query)
        for word in ("devices", "report"):
            self.assertNotIn(b"\x1b", self.verifier.run(word).stdout)

    def test_two_at_once_with_one_quote(self):
        """One is taken, and the other told why not."""
        device = self.known("once")
        self.verifier.start()
        self.verifier.attest(device)
        message = device.message(self.verifier.nonce())
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.verifier.post("/v1/attest", message)[0])) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(answers), [200] + 7 * [403])
        self.assertEqual(len(self.show(device)["attestations"]), 2)


if __name__ == "__main__":
    unittest.main()
