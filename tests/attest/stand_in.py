# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a stand-in of the owner's verifier: HTTPS on loopback, its answers are the test's, and every request is kept."""
import base64
import http.server
import json
import os
import socketserver
import ssl
import struct
import threading

import rig


class Server:
    """Answers by self.answers, a list of (status, object) or of functions of the request; its last one is for all that come after."""

    def __init__(self, test):
        self.requests = []  # (path, object, bytes up)
        self.pcrs = "0,1,2,3,4,5,6,7,10,15"
        self.bank = "sha256"
        self.answers = [self.trusted]
        key, cert = test.path("server.key"), test.path("server.pem")
        rig.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 "/CN=verifier", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=0)
        self.cert = cert
        self.http = _Http(("127.0.0.1", 0), _Handler)
        self.http.outer = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.http.server_address[1]}"

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @staticmethod
    def boot_of(request):
        """resetCount of the quote: behind magic, type, signer, nonce and clock."""
        quote = base64.b64decode(request["quote"])
        at = 6
        for _ in range(2):
            at += 2 + struct.unpack_from(">H", quote, at)[0]
        return struct.unpack_from(">I", quote, at + 8)[0]

    def trusted(self, request, verdict="trusted", reasons=()):
        log = base64.b64decode(request.get("ima-log", ""))
        return 200, {"verdict": verdict, "reasons": list(reasons),
                     "next": {"boot": self.boot_of(request), "ima-from": request["ima-from"] + len(log)}}

    def answer(self, path, request):
        if path == "/v1/challenge":
            return 200, {"nonce": base64.b64encode(os.urandom(32)).decode(), "bank": self.bank, "pcrs": self.pcrs}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request) if callable(answer) else answer

    def attested(self):
        return [request for path, request, _ in self.requests if path == "/v1/attest"]


class _Http(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Who doesn't believe the certificate hangs up."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = len(self.raw_requestline) + len(self.headers.as_bytes(policy=self.headers.policy.clone(linesep="\r\n")))
        outer = self.server.outer
        request = json.loads(body)
        outer.requests.append((self.path, request, head + len(body)))
        status, answer = outer.answer(self.path, request)
        out = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)
