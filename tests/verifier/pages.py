#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The pages: what they show, who may read them, and that they need no script."""
import base64
import html.parser
import http.client
import json
import os
import re
import socket
import time
import unittest

import attesting


class Checker(html.parser.HTMLParser):
    """Each element is closed where it has to be, each field has a label, and nothing runs."""

    void = {"meta", "link", "input", "br"}
    once = {"h1", "main"}

    def __init__(self, text):
        super().__init__()
        self.open, self.labels, self.fields, self.links, self.wrong, self.ids, self.tags = [], set(), set(), [], [], [], []
        self.feed(text)
        self.wrong += [f"not one <{tag}>" for tag in self.once if self.tags.count(tag) != 1]
        self.wrong += [f"{self.tags.count('table')} tables, {self.tags.count('caption')} captions"] if self.tags.count("table") != self.tags.count("caption") else []
        self.wrong += [f"id {i} twice" for i in set(self.ids) if self.ids.count(i) > 1]
        if self.open:
            self.wrong.append(f"not closed: {self.open}")
        self.wrong += [f"no label for {f}" for f in self.fields - self.labels]

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag == "html" and attrs.get("lang") != "en":
            self.wrong.append("no language")
        if tag == "th" and "scope" not in attrs:
            self.wrong.append("a heading of what?")
        if tag == "script" or any(a.startswith("on") or a == "style" for a in attrs):
            self.wrong.append(f"<{tag} {attrs}>")
        if tag == "label":
            self.labels.add(attrs.get("for"))
        if tag in ("input", "select"):
            self.fields.add(attrs.get("id"))
        if tag == "a":
            self.links.append(attrs["href"])
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


class Pages(attesting.TestCase):
    def setUp(self):
        super().setUp()
        self.devices = self.known(*(f"gate-{n}" for n in range(5)))
        self.verifier.start()
        for device in self.devices[:3]:
            self.verifier.attest(device)

    def test_every_page_that_is_led_to_is_there_and_sound(self):
        seen, todo = set(), ["/", "/style.css"]
        while todo:
            path = todo.pop()
            if path in seen or path.startswith("#"):
                continue
            seen.add(path)
            status, headers, text = self.verifier.page(path)
            self.assertEqual(status, 200, path)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            if path.endswith(".json") or ".json?" in path:
                json.loads(text)
            if headers["Content-Type"].startswith("text/html"):
                page = Checker(text)
                self.assertEqual(page.wrong, [], path)
                todo += page.links
                self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertGreater(len(seen), 50)

    def test_the_fleet_and_a_search(self):
        fleet = json.loads(self.verifier.page("/fleet.json")[2])
        days = fleet.pop("days")
        self.assertEqual((len(days), days[6]["unknown"], days[0]["unknown"]), (7, 3, 0))
        self.assertEqual(fleet, {"count": 5, "trusted": 0, "unknown": 3, "untrusted": 0, "never-seen": 2, "overdue": 2, "retired": 0})
        text = self.verifier.page("/devices?q=GATE-3&verdict=never")[2]
        self.assertEqual(re.findall(r">(gate-\d)<", text), ["gate-3"])
        self.assertEqual(re.findall(r">(gate-\d)<", self.verifier.page("/devices?q=" + self.devices[1].id[:12])[2]), ["gate-1"])
        self.assertEqual(len(re.findall(r">(gate-\d)<", self.verifier.page("/devices?verdict=unknown")[2])), 3)
        self.assertEqual(re.findall(r">(gate-\d)<", self.verifier.page("/devices?page=9")[2]), [])

    def test_another_page_is_led_to_where_there_is_one(self):
        self.assertNotIn(">more<", self.verifier.page("/devices")[2])
        self.known(*(f"more-{n:02}" for n in range(46)))
        self.assertIn(">more<", self.verifier.page("/devices")[2])
        last = self.verifier.page("/devices?q=&verdict=&page=1")[2]
        self.assertIn("more-45", last)
        self.assertNotIn(">more<", last)

    def test_a_device_its_attestation_and_its_log(self):
        one = self.devices[0]
        text = self.verifier.page(f"/devices/{one.id}")[2]
        self.assertIn("nothing is known to compare this boot with", text)
        at = self.show(one)["attestations"][0]["at"]
        text = self.verifier.page(f"/devices/{one.id}/{at}")[2]
        for words in ("0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 of sha256", "TPMS_ATTEST: <code>ff544347"):
            self.assertIn(words, text)
        whole = json.loads(self.verifier.page(f"/devices/{one.id}/{at}.json")[2])
        self.assertEqual((whole["verdict"], whole["quoted"]["boot"], whole["quote"][:8]), ("unknown", 1, "ff544347"))
        for what, data in (("quote", whole["quote"]), ("signature", whole["signature"])):
            status, headers, got = self.verifier.page(f"/devices/{one.id}/{at}/{what}", binary=True)
            self.assertEqual((status, got.hex(), headers["Content-Type"]), (200, data, "application/octet-stream"))
            self.assertIn("attachment", headers["Content-Disposition"])
        text = self.verifier.page(f"/devices/{one.id}/firmware")[2]
        self.assertIn("firmware 1", text)
        self.assertIn("Secure Boot", text)

    def test_what_is_not_there(self):
        one = self.devices[0].id
        for path in ("/nothing", "/devices/", "/devices/x", "/devices/" + 64 * "0", f"/devices/{one}/", f"/devices/{one}/1", f"/devices/{one}/x", f"/devices/{one}x", f"/devices/{one}/0/quote", f"/devices/{one}/1/quote",
                     f"/devices/{one}/99999999999999999999", f"/devices/{one}/boots/1/ima", f"/devices/{one}/boots/1/ima.bin", f"/devices/{one}/boots/", f"/devices/{one}/boots/x/ima",
                     f"/devices/{one}/difference?from=1&to=2", f"/devices/{one}/difference.json", f"/devices/{one}/report.pdf", f"/devices/{self.devices[4].id}/firmware",
                     f"/devices/{self.devices[4].id}/ima.bin", "/report.", "/report.xml", "/devicesx", "/devices.jsonx", "/fleet.jsonx"):
            self.assertEqual(self.verifier.page(path)[0], 404, path)
        self.assertEqual(self.verifier.page("/", method="POST")[0], 405)
        self.assertEqual(self.verifier.page("/", method="HEAD")[2], "")

    def test_another_site_s_name_is_not_loopback(self):
        self.assertEqual(self.verifier.page("/", {"Host": "evil.example"})[0], 401)
        self.assertEqual(self.verifier.page("/", {"Host": "localhost.evil.example"})[0], 401)
        self.assertEqual(self.verifier.page("/", {"Host": "localhost:1"})[0], 200)

    def test_tokens(self):
        elsewhere = {"Host": "attest.example"}
        token = self.verifier.run("token add", "grafana").stdout.decode().strip()
        self.assertEqual(self.verifier.page("/metrics", {**elsewhere, "Authorization": "Bearer " + token})[0], 200)
        basic = base64.b64encode(f"me:{token}".encode()).decode()
        self.assertEqual(self.verifier.page("/", {**elsewhere, "Authorization": "Basic " + basic})[0], 200)
        begun = time.monotonic()
        self.assertEqual(self.verifier.page("/", {**elsewhere, "Authorization": "Bearer " + token[:-1] + "x"})[0], 401)
        self.assertGreater(time.monotonic() - begun, 1.5)
        with open(os.path.join(self.verifier.state, "verifier.db"), "rb") as f:
            self.assertNotIn(token.encode(), f.read())
        self.verifier.run("token add", "grafana", check=13)
        self.assertIn(b"grafana", self.verifier.run("token list").stdout)
        self.verifier.run("token remove", "grafana")
        self.assertEqual(self.verifier.page("/", {**elsewhere, "Authorization": "Bearer " + token})[0], 401)


class Unix(attesting.TestCase):
    def test_both_listeners_on_unix_sockets(self):
        attest, pages = self.path("attest.sock"), self.path("pages.sock")
        with open(self.verifier.settings, encoding="utf-8") as f:
            text = f.read().replace("listen: 127.0.0.1:0", f"listen: unix:{attest}").replace("pages: 127.0.0.1:0", f"pages: unix:{pages}")
        self.write("verifier.yaml", text)
        self.verifier.start()
        for path, method, body, status in ((pages, "GET", None, 200), (attest, "POST", "{}", 200)):
            connection = http.client.HTTPConnection("anything.example")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(path)
            connection.request(method, "/" if method == "GET" else "/v1/challenge", body, {"Content-Type": "application/json"})
            self.assertEqual(connection.getresponse().status, status)
            connection.close()
        self.assertEqual(self.verifier.stop(), 0)
        self.assertFalse(os.path.exists(attest))


if __name__ == "__main__":
    unittest.main()
