# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns a real browser without a screen: Debian's Chromium, steered by Selenium, on a network that is closed."""
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

# Without those that end with "background" things it waits for servers of its maker's.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars")

# Text of less contrast than WCAG 2.1 AA asks for (4.5, and 3 where it is large), by what is computed.
CONTRAST = """
function channels(c) { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? m.concat(1) : m; }
function luminance(c) {
    const v = c.slice(0, 3).map(x => { x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
}
function behind(e) {
    for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; }
    return [255, 255, 255, 1];
}
const bad = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, s = getComputedStyle(e);
    if (!walker.currentNode.data.trim() || !e.getClientRects().length || s.visibility === 'hidden') continue;
    const colour = s.fill !== 'rgb(0, 0, 0)' && e.closest('svg') ? s.fill : s.color;
    const a = luminance(channels(colour)), b = luminance(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(s.fontSize) >= 24 || (parseFloat(s.fontSize) >= 18.66 && s.fontWeight >= 600);
    if (ratio < (large ? 3 : 4.5)) bad.push(e.tagName + ' "' + walker.currentNode.data.trim().slice(0, 40) + '" ' + ratio.toFixed(2));
}
return bad;
"""

# What is wider than the page; what scrolls within itself is none of it.
WIDER = """
const wide = document.documentElement.clientWidth, out = [];
if (document.documentElement.scrollWidth > wide) out.push('the page: ' + document.documentElement.scrollWidth + ' of ' + wide);
for (const e of document.body.querySelectorAll('*')) {
    const r = e.getBoundingClientRect();
    if (r.width && r.right > wide + 1 && r.left >= 0 && !e.closest('.wide, pre')) out.push(e.tagName + ' ' + e.className + ' ' + r.right);
}
return out;
"""


class Browser:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="latchkey-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in FLAGS + (f"--user-data-dir={self.folder.name}",):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(20)

    def close(self):
        self.driver.quit()
        self.folder.cleanup()

    def cdp(self, command, **args):
        return self.driver.execute_cdp_cmd(command, args)

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width, height, mobile=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def complaints(self):
        """What the browser has said on its console since this was asked for last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def outline(self):
        """Landmarks, headings, tables and fields, as who can't see the page is told of them."""
        wanted = {"navigation", "main", "heading", "table", "searchbox", "combobox", "button", "image", "region", "search"}
        nodes = {node["nodeId"]: node for node in self.cdp("Accessibility.getFullAXTree")["nodes"]}
        out, todo = [], [next(iter(nodes))]
        while todo:
            node = nodes[todo.pop()]
            todo += [n for n in reversed(node.get("childIds", [])) if n in nodes]
            role = node.get("role", {}).get("value")
            if role in wanted and not node.get("ignored"):
                out.append((role, node.get("name", {}).get("value", "")))
        return out
