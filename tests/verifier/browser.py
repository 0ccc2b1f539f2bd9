#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The pages in a real browser: read, searched, filtered, by keyboard, in both colour schemes, as wide as a phone, without a complaint."""
import os
import unittest

import attesting

if not os.path.exists("/usr/bin/chromedriver"):
    raise SystemExit("Chromium isn't installed: scripts/packages check")

from selenium.webdriver.common.by import By  # pylint: disable=wrong-import-position
from selenium.webdriver.common.keys import Keys  # pylint: disable=wrong-import-position

import chromium  # pylint: disable=wrong-import-position


class InABrowser(attesting.TestCase):
    """One browser for all of it: its start is what takes long."""

    def setUp(self):
        super().setUp()
        self.good, self.bad = self.learned("gate-1", "gate-2 with-a-name-that-has-no-end" + 10 * "-and-on")
        self.known(*(f"other-{n:02}" for n in range(60)))
        self.verifier.start()
        for device in (self.good, self.bad):
            self.verifier.attest(device)
        self.bad.boot(attesting.firmware(image=b"image 2", databases=b"another"))
        self.bad.measure(b"/usr/bin/" + 50 * b"long", b"1")
        self.verifier.attest(self.bad)
        self.browser = chromium.Browser()
        self.addCleanup(self.browser.close)
        self.driver = self.browser.driver

    def go(self, path):
        self.driver.get(f"http://127.0.0.1:{self.verifier.pages_port}{path}")

    def paths(self):
        at = self.show(self.bad)["attestations"][0]["at"]
        below = (f"/devices/{self.bad.id}{end}" for end in ("", f"/{at}", "/firmware", "/ima", "/difference"))
        return ["/", "/devices", "/reports", *below]

    def names(self):
        return [e.text for e in self.driver.find_elements(By.CSS_SELECTOR, "tbody tr td:first-child a")]

    def test_in_a_browser(self):
        for part in (self.is_read, self.is_searched_and_filtered, self.is_reached_by_keys, self.looks, self.is_told):
            with self.subTest(part.__name__):
                part()
                self.assertEqual(self.browser.complaints(), [])

    def is_read(self):
        """From the fleet to the event that differs, by links."""
        self.go("/")
        self.driver.find_element(By.PARTIAL_LINK_TEXT, "gate-2").click()
        self.assertIn("PCR 4", self.driver.find_element(By.TAG_NAME, "main").text)
        self.driver.find_element(By.LINK_TEXT, "what differs from the boot before").click()
        self.assertIn("Events that differ", self.driver.page_source)
        self.driver.find_element(By.LINK_TEXT, "The same as JSON").click()
        self.assertIn('"firmware"', self.driver.page_source)

    def is_searched_and_filtered(self):
        self.go("/devices")
        self.assertEqual(len(self.names()), 50)
        self.driver.find_element(By.LINK_TEXT, "more").click()
        self.assertEqual(len(self.names()), 12)
        self.driver.find_element(By.ID, "q").send_keys("OTHER-1", Keys.ENTER)
        self.assertEqual(self.names(), [f"other-{n}" for n in range(10, 20)])
        self.assertEqual(self.driver.find_element(By.ID, "q").get_attribute("value"), "OTHER-1")
        self.go("/devices")
        self.driver.find_element(By.CSS_SELECTOR, "#v option[value=untrusted]").click()
        self.driver.find_element(By.TAG_NAME, "button").click()
        self.assertEqual([name[:6] for name in self.names()], ["gate-2"])
        self.go(f"/devices/{self.bad.id}/ima")
        self.driver.find_element(By.CSS_SELECTOR, "#o option[value=differing]").click()
        self.driver.find_element(By.TAG_NAME, "button").click()
        self.assertEqual(len(self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")), 2)

    def focused(self):
        return self.driver.execute_script(
            "const e = document.activeElement, s = getComputedStyle(e);"
            "return [e.tagName, e.textContent.slice(0, 40), e === document.body || parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none']")

    def is_reached_by_keys(self):
        """Each link, field and moving table, in order, with a mark that is seen; and past the links at once."""
        for path in ("/", "/devices?q=gate", f"/devices/{self.bad.id}"):
            self.go(path)
            wanted = self.driver.execute_script(
                "return [...document.querySelectorAll('a[href], input, select, button, summary, [tabindex=\"0\"]')].filter(e => e.checkVisibility()).length")
            body = self.driver.find_element(By.TAG_NAME, "body")
            found = []
            for _ in range(wanted):
                body.send_keys(Keys.TAB) if not found else self.driver.switch_to.active_element.send_keys(Keys.TAB)
                found.append(self.focused())
            self.assertEqual(found[0][1], "To the content")
            self.assertEqual([f for f in found if f[0] == "BODY" or not f[2]], [], path)
        self.go("/")
        self.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        self.driver.switch_to.active_element.send_keys(Keys.ENTER)
        self.assertEqual(self.driver.switch_to.active_element.tag_name, "main")

    def looks(self):
        """Dark and light, wide and narrow."""
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            for width in (1280, 360):
                self.browser.size(width, 740, mobile=width < 500)
                for path in self.paths():
                    self.go(path)
                    self.assertEqual(self.driver.execute_script(chromium.CONTRAST), [], (scheme, path))
                    self.assertEqual(self.driver.execute_script(chromium.WIDER), [], (width, path))
            colour = self.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
            self.assertEqual(colour, {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 21, 21)"}[scheme])
        self.browser.size(1280, 740)

    def is_told(self):
        """What who can't see a page hears of it."""
        self.go("/")
        name = self.bad.name[:127]
        self.assertEqual(self.browser.outline(), [
            ("navigation", "Pages"), ("main", ""), ("heading", "Fleet"), ("region", "Devices that run what wasn't signed for"),
            ("table", "Devices that run what wasn't signed for"), ("heading", "Attestations of the last seven days"),
            ("image", "Attestations a day, by verdict; at most 3 a day")])
        self.go("/devices")
        self.assertEqual(self.browser.outline(), [
            ("navigation", "Pages"), ("main", ""), ("heading", "Devices"), ("search", ""), ("searchbox", "Name or identity"), ("combobox", "Verdict"),
            ("button", "Search"), ("region", "Devices"), ("table", "Devices, by name")])
        self.go(f"/devices/{self.bad.id}")
        self.assertEqual([o for o in self.browser.outline() if o[0] in ("heading", "table")], [
            ("heading", name), ("table", "Reasons"), ("heading", "What it runs"), ("heading", "Identity"), ("heading", "History"),
            ("table", "Boots"), ("table", "Attestations")])


if __name__ == "__main__":
    unittest.main()
