# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Owns how the figures are shown: tables on the terminal and in bench/README.md, and bench/plot.svg."""

from pathlib import Path

import tpm_proxy

HERE = Path(__file__).resolve().parent
README, PLOT = HERE / "README.md", HERE / "plot.svg"
MARKS = ("<!-- figures -->\n", "<!-- end of figures -->\n")
MIB = 1 << 20


def table(head, rows):
    """Markdown that can be read on a terminal too."""
    rows = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def ratio(a, b):
    return f"{a / b:.2f}" if b else "-"


def ours(host):
    """The key of Latchkey as it is meant to run: static, with a ticket; or what there is."""
    return next(key for key in ("static-ticket", "ticket", "static", "long") if key in host)


def on_the_host(r):
    host = r["host"]
    systemd, script = host["systemd"]["ms"], host["script"]["ms"]
    rows = [(c["title"], c["policy"], f"{c['ms']:.1f}", f"{c['least']:.1f}", ratio(c["ms"], systemd), ratio(c["ms"], script), c["commands"], c["bytes"],
             c["managed"] if c["manager"] else "-", c["processes"], f"{c['kib'] / 1024:.1f}", f"{c['cpu']:.0f}") for c in host.values()]
    return (f"### To the passphrase, against swtpm (medians of {next(iter(host.values()))['runs']} runs in turns)\n\n"
            + table(("", "policy", "ms", "least", "/ systemd", "/ script", "commands", "bytes", "added by tpmrm0", "processes", "MiB", "CPU ms"), rows))


def on_chips(r):
    host, chips = r["host"], tpm_proxy.profiles()
    titles = [tpm_proxy.Profile(name).title for name in chips]
    text = "### To the passphrase as on a chip, ms\n\nAll at the chip itself:\n\n"
    text += table(("", *titles), [(c["title"], *(f"{c['profiles'][p]['ms']:.0f}" for p in chips)) for c in host.values()])
    text += "\nAs they run: Latchkey on /dev/tpm0, the others on /dev/tpmrm0:\n\n"
    return text + table(("", *titles), [(c["title"], *(f"{in_use(c, p):.0f}" for p in chips)) for c in host.values()])


def in_use(c, profile):
    return c["profiles"][profile]["managed-ms" if c["manager"] else "ms"]


def others(r):
    text = ""
    if r.get("luks"):
        bare = r["luks"]["bare"]
        text += "### Opening LUKS on the same header, ms\n\n" + table(("", "header", "keyslot", "both", "/ libcryptsetup"), [
            ({"bare": "libcryptsetup alone"}.get(key) or r["host"][key]["title"], f"{h:.2f}", f"{k:.2f}", f"{h + k:.2f}", ratio(h + k, sum(bare)))
            for key, (h, k) in r["luks"].items()]) + "\n"
    if r.get("initramfs"):
        base = r["initramfs"]["without"]
        text += "### Initramfs, MiB\n\n" + table(("dracut modules", "size", "zstd -19", "adds", "adds without kernel modules"), [
            (name, f"{plain / MIB:.1f}", f"{packed / MIB:.2f}", f"{(packed - base[1]) / MIB:.2f}", f"{(user - base[2]) / MIB:.2f}")
            for name, (plain, packed, user) in r["initramfs"].items()]) + "\n"
    if r.get("static"):
        text += f"The static latchkey-unseal: {r['static'][0] / MIB:.2f} MiB, {r['static'][1] / MIB:.2f} MiB with zstd -19.\n\n"
    if r.get("boot") or r.get("whole"):
        text += "### In a booted machine (emulated: only figures beside each other mean something), ms\n\n" + table(
            ("", "from", "to", "median", "least", "runs", "/ systemd"), [
                (b["title"], b["from"], b["to"], f"{b['ms']:.0f}", f"{b['least']:.0f}", b["runs"], ratio(b["ms"], b["systemd"]))
                for b in [*r.get("boot", []), *r.get("whole", [])]]) + "\n"
    if r.get("blob"):
        text += "### Configuration blobs of 1 GiB, MiB/s\n\n" + table(("", "MiB/s"), [(name, f"{rate:.0f}") for name, rate in r["blob"].items()]) + "\n"
    return text


def goals(r):
    """What was asked for: (sentence, limit, figure, whether less is better)."""
    host = r["host"]
    key = ours(host)
    us, found = host[key], []

    def goal(what, limit, figure, at_least=False):
        met = figure >= limit if at_least else figure <= limit
        found.append((what, f"{'≥' if at_least else '≤'} {limit:.3g}", f"{figure:.2f}", "met" if met else "**not met**"))

    goal(f"{us['title']} / script over tpm2-tools, swtpm", 1 / 5, us["ms"] / host["script"]["ms"])
    goal(f"{us['title']} / systemd, swtpm", 1 / 4, us["ms"] / host["systemd"]["ms"])
    slb = {c: host[c]["profiles"]["slb9670"] for c in (key, "systemd")}
    goal("the same on an SLB 9670, as they run (systemd on /dev/tpmrm0)", 2 / 5, slb[key]["ms"] / slb["systemd"]["managed-ms"])
    goal("the same on an SLB 9670, both at the chip itself", 2 / 5, slb[key]["ms"] / slb["systemd"]["ms"])
    luks = r["luks"]
    goal("LUKS, header and keyslot / libcryptsetup alone", 1.1, sum(luks[key]) / sum(luks["bare"]))
    goal("LUKS, keyslot / libcryptsetup alone", 1.1, luks[key][1] / luks["bare"][1])
    if r.get("initramfs"):
        size = r["initramfs"]
        for at, what in ((1, ""), (2, ", kernel modules left out on both sides")):
            goal(f"initramfs growth / systemd-cryptsetup and TPM modules{what}", 1 / 8, (size["latchkey"][at] - size["without"][at]) / (size["systemd"][at] - size["without"][at]))
    if r.get("blob"):
        rate = r["blob"]
        goal("blob, verify / openssl dgst", 0.9, rate["latchkey config verify"] / rate["openssl dgst -sha384"], True)
        goal("blob, verify and decrypt / both of openssl", 0.9, rate["latchkey config open, archive"] / rate["both of openssl, added"], True)
    return "### What was asked for\n\n" + table(("", "asked", "is", ""), found)


def about(r):
    m = r["machine"]
    return (f"{m['date']}; {m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, load at the beginning {m['load'][0]}; {m['swtpm']}.\n"
            f"In Debian 13: {', '.join(f'{name} {version}' for name, version in r['versions'].items())}.\n{m.get('note', '')}\n").rstrip() + "\n"


def tables(r):
    """All that was measured."""
    parts = [about(r), goals(r), on_the_host(r), on_chips(r)] if "host" in r else []
    return "\n".join(part.rstrip() + "\n" for part in [*parts, others(r)] if part)


def write(r):
    text = README.read_text()
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    README.write_text(before + MARKS[0] + "\n" + tables(r) + "\n![Time to the passphrase by TPM](plot.svg)\n\n" + MARKS[1] + after)
    PLOT.write_text(plot(r))


COLOURS = {"static-ticket": "#0b6e4f", "static": "#7fc8a9", "systemd": "#3b6ea8", "clevis": "#d08c2e", "script": "#8a8a8a"}


def plot(r):
    """Bars, one group for each TPM: time to the passphrase as each program runs."""
    host = r["host"]
    shown = [key for key in COLOURS if key in host] or [ours(host), "systemd", "clevis", "script"]
    groups = [("swtpm", {k: host[k]["ms"] for k in shown})]
    groups += [(tpm_proxy.Profile(p).title, {k: in_use(host[k], p) for k in shown}) for p in tpm_proxy.profiles()]
    bar, gap, left, top = 12, 18, 130, 56
    most = max(max(values.values()) for _, values in groups)
    scale, y, parts = 700 / most, top, []
    for title, values in groups:
        parts.append(f'<text x="{left - 8}" y="{y + bar * len(shown) / 2 + 4:.0f}" text-anchor="end">{title}</text>')
        for key in shown:
            width = max(values[key] * scale, 1)
            parts.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="{bar - 2}" fill="{COLOURS.get(key, "#0b6e4f")}"/>'
                         f'<text x="{left + width + 4:.0f}" y="{y + bar - 3}" font-size="10">{values[key]:.0f}</text>')
            y += bar
        y += gap
    for i, key in enumerate(shown):
        parts.append(f'<rect x="{10 + i * 180}" y="30" width="10" height="10" fill="{COLOURS.get(key, "#0b6e4f")}"/>'
                     f'<text x="{24 + i * 180}" y="39" font-size="11">{host[key]["title"]}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{y}" font-family="sans-serif" font-size="12">\n'
            '<rect width="100%" height="100%" fill="white"/>\n<text x="10" y="18">From exec to the passphrase, milliseconds; on chips as they run: Latchkey on /dev/tpm0, the others on /dev/tpmrm0</text>\n'
            + "\n".join(parts) + "\n</svg>\n")


