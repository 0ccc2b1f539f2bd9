#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A verdict that was answered is there, whatever ended the verifier; and a database that is gone costs a later answer."""
import json
import os
import pwd
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

import attesting
import rig

KILLS = int(os.environ.get("LATCHKEY_CYCLES") or (1000 if os.environ.get("LATCHKEY_LONG") else 8))


class Load:
    """Devices that attest as fast as they can, and know which answers they have had."""

    def __init__(self, verifier, devices):
        self.verifier, self.answered, self.stopping = verifier, {d.id: 0 for d in devices}, False
        self.threads = [threading.Thread(target=self.run, args=(d,), daemon=True) for d in devices]
        for t in self.threads:
            t.start()

    def run(self, device):
        while not self.stopping:
            try:
                connection = self.verifier.connect(timeout=5)
                while not self.stopping:
                    if self.verifier.attest(device, connection)[0] == 200:
                        self.answered[device.id] += 1
            except Exception:  # pylint: disable=broad-except
                time.sleep(0.02)  # it was killed, and comes back

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join(20)


class Kills(attesting.TestCase):
    def attestations(self, device):
        with sqlite3.connect(os.path.join(self.verifier.state, "verifier.db")) as db:
            return db.execute("SELECT COUNT(*), COUNT(DISTINCT quote), COUNT(DISTINCT at) FROM attestations a JOIN devices d ON d.number = a.device WHERE d.id = ?",
                              (device.id,)).fetchone()

    def test_kill_9_under_load_loses_nothing_and_doubles_nothing(self):
        devices = self.known(*(f"d{n}" for n in range(4)))
        self.verifier.start()
        with open(self.verifier.settings, encoding="utf-8") as f:
            text = f.read().replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{self.verifier.port}")
        self.write("verifier.yaml", text)
        load = Load(self.verifier, devices)
        for _ in range(KILLS):
            time.sleep(random.uniform(0.05, 0.4))
            self.verifier.stop(signal.SIGKILL)
            self.verifier.start()
        time.sleep(0.5)
        load.stop()
        for device in devices:
            rows, quotes, times = self.attestations(device)
            self.assertGreater(load.answered[device.id], 0)
            self.assertGreaterEqual(rows, load.answered[device.id])
            # What was killed between commit and answer is there, and wasn't answered: at most one a kill.
            self.assertLessEqual(rows, load.answered[device.id] + KILLS)
            self.assertEqual((quotes, times), (rows, rows))

    def test_sigterm_finishes_what_was_begun(self):
        device = self.known("last")
        self.verifier.start()
        self.verifier.attest(device)
        body = json.dumps(device.message(self.verifier.nonce())).encode()
        connection = self.verifier.connect()
        connection.putrequest("POST", "/v1/attest")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:100])
        time.sleep(0.2)
        self.verifier.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        connection.send(body[100:])
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.getheader("Connection")), (200, "close"))
        answer.read()
        self.assertEqual(self.verifier.process.wait(10), 0)
        self.assertEqual(self.attestations(device)[0], 2)


class Full(attesting.TestCase):
    def test_a_database_that_another_holds_is_answered_with_503(self):
        device = self.known("waits")
        self.verifier.start()
        self.verifier.attest(device)
        db = sqlite3.connect(os.path.join(self.verifier.state, "verifier.db"), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        status, headers, answer = self.verifier.post("/v1/attest", device.message(self.verifier.nonce()))
        self.assertEqual((status, answer["error"]), (503, "unavailable"))
        self.assertEqual(headers["Retry-After"], "30")
        db.execute("ROLLBACK")
        db.close()
        self.assertEqual(self.verifier.attest(device)[0], 200)

    def test_a_newer_schema_is_refused_and_left_as_it_is(self):
        self.verifier.run("token add", "first")  # makes the database
        path = os.path.join(self.verifier.state, "verifier.db")
        with sqlite3.connect(path) as db:
            db.execute("UPDATE schema_version SET version = 99")
        self.assertIn("newer latchkey-verifier", self.verifier.run("devices", check=13).stderr.decode())
        with sqlite3.connect(path) as db:
            self.assertEqual(db.execute("SELECT version FROM schema_version").fetchone(), (99,))

    def test_an_older_schema_is_brought_up_to_date(self):
        self.verifier.run("token add", "first")  # makes the database
        path = os.path.join(self.verifier.state, "verifier.db")
        schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
        with sqlite3.connect(path) as db:
            now = db.execute("SELECT version FROM schema_version").fetchone(), db.execute(schema).fetchall()
            for name in [name for name, _ in now[1] if "_by_" in name]:
                db.execute(f"DROP INDEX {name}")
            for column in ("held", "proof"):
                if f" {column} " in dict(now[1])["devices"]:
                    db.execute(f"ALTER TABLE devices DROP COLUMN {column}")
            db.execute("UPDATE schema_version SET version = 1")
        self.verifier.run("devices")
        with sqlite3.connect(path) as db:
            self.assertEqual((db.execute("SELECT version FROM schema_version").fetchone(), db.execute(schema).fetchall()), now)


def postgres_programs():
    """Where Debian has initdb; the newest."""
    base = "/usr/lib/postgresql"
    versions = sorted(os.listdir(base), key=int) if os.path.isdir(base) else []
    if not versions:
        raise AssertionError("PostgreSQL isn't installed: scripts/packages check")
    return os.path.join(base, versions[-1], "bin")


@unittest.skipIf(os.geteuid(), "PostgreSQL is run as a user of its own, which takes root")
class Postgres(attesting.TestCase):
    """As Debian ships it, in a folder of its own, on a socket there."""

    more = "keep: 5\n"

    def setUp(self):
        self.home = rig.tempfile.mkdtemp(prefix="latchkey-pg-")
        self.addCleanup(shutil.rmtree, self.home, True)
        user = pwd.getpwnam("postgres")
        os.chown(self.home, user.pw_uid, user.pw_gid)
        self.server = None
        rig.run(["runuser", "-u", "postgres", "--", postgres_programs() + "/initdb", "-D", self.home + "/data", "-A", "trust", "-E", "UTF8", "--no-sync"], check=0)
        self.addCleanup(lambda: self.end(signal.SIGINT))
        self.begin()
        rig.run(["runuser", "-u", "postgres", "--", "createdb", "-h", self.home, "latchkey"], check=0)
        self.store = f"postgresql://postgres@/latchkey?host={self.home}"
        super().setUp()

    def begin(self):
        # runuser would stay between: its child is the server, and has to be reached by its id.
        self.server = subprocess.Popen([postgres_programs() + "/postgres", "-D", self.home + "/data", "-k", self.home, "-c", "listen_addresses="],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user="postgres", group="postgres", extra_groups=[])
        for _ in range(300):
            if rig.run([postgres_programs() + "/pg_isready", "-h", self.home]).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL doesn't start")

    def end(self, how):
        if self.server and self.server.poll() is None:
            self.server.send_signal(how)
            self.server.wait(30)
        self.server = None

    def sql(self, text):
        return rig.run(["runuser", "-u", "postgres", "--", "psql", "-h", self.home, "-Atc", text, "latchkey"], check=0).stdout.decode().split()

    def test_the_same_as_with_sqlite(self):
        device = self.known("pg-1")
        self.verifier.start()
        self.assertEqual(self.verifier.attest(device)[2]["verdict"], "unknown")
        self.verifier.run("learn", device.id)
        time.sleep(1.5)
        self.assertEqual(self.verifier.attest(device)[2]["verdict"], "trusted")
        device.boot(attesting.firmware(image=b"other"))
        self.assertEqual(self.verifier.attest(device)[2]["verdict"], "untrusted")
        self.assertIn("PCR 4", self.verifier.run("explain", "pg-1").stdout.decode())
        message = device.message(self.verifier.nonce())
        self.assertEqual(self.verifier.post("/v1/attest", message)[0], 200)
        self.assertRefused(self.verifier.post("/v1/attest", message), 403, "clock-not-risen")
        for page in ("/", "/devices?q=pg", f"/devices/{device.id}", f"/devices/{device.id}/firmware", "/metrics"):
            self.assertEqual(self.verifier.page(page)[0], 200, page)
        self.assertEqual(json.loads(self.verifier.page("/fleet.json")[2])["untrusted"], 1)
        for page in ("/ima", "/difference", "/firmware.json", "/report.jwt"):
            self.assertEqual(self.verifier.page(f"/devices/{device.id}{page}")[0], 200, page)
        self.assertIn("0 rows too old, and 0 parts", self.verifier.run("vacuum").stdout.decode())
        self.assertEqual(self.verifier.page(f"/devices/{device.id}/ima.bin", binary=True)[2], device.ima)
        self.assertEqual(self.sql("SELECT COUNT(*) FROM attestations"), ["4"])

    def test_two_verifiers_and_one_quote(self):
        """They take each other's nonces, and one of them takes the quote."""
        device = self.known("shared")
        os.mkdir(self.path("second"))
        second = attesting.Verifier(self.path("second"), self.store)
        self.addCleanup(lambda: second.process and second.stop(signal.SIGKILL))
        self.verifier.start()
        second.start()
        self.verifier.attest(device)
        for _ in range(5):
            message, answers = device.message(self.verifier.nonce()), []
            threads = [threading.Thread(target=lambda v=v: answers.append(v.post("/v1/attest", message)[0])) for v in (self.verifier, second)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(sorted(answers), [200, 403])
        self.assertEqual(self.sql("SELECT COUNT(*) FROM attestations"), ["6"])

    def everyone(self, how):
        """A signal to the server and each process that it has for a connection."""
        children = rig.run(["pgrep", "-P", str(self.server.pid)]).stdout.split()
        for pid in [self.server.pid, *map(int, children)]:
            os.kill(pid, how)

    def test_a_server_that_hangs_blocks_nobody_for_long(self):
        device = self.known("hanging")
        self.verifier.start()
        self.verifier.attest(device)
        messages = [device.message(self.verifier.nonce()) for _ in range(4)]
        self.everyone(signal.SIGSTOP)
        self.addCleanup(self.everyone, signal.SIGCONT)
        begun = time.monotonic()
        for message in messages:
            status, headers, answer = self.verifier.post("/v1/attest", message)
            self.assertEqual((status, answer["error"], headers["Retry-After"]), (503, "unavailable", "30"))
            self.assertEqual(len(self.verifier.nonce()), 32)
        self.assertLess(time.monotonic() - begun, 40)
        self.everyone(signal.SIGCONT)
        for _ in range(60):
            status = self.verifier.attest(device)[0]
            if status == 200:
                break
            time.sleep(0.5)
        self.assertEqual(status, 200)
        self.assertEqual(self.sql("SELECT COUNT(*) FROM attestations"), ["2"])

    def test_two_verifiers_and_the_same_logs_in_other_orders(self):
        """Parts of logs that two transactions write at once make neither wait for the other."""
        os.mkdir(self.path("second"))
        second = attesting.Verifier(self.path("second"), self.store)
        self.addCleanup(lambda: second.process and second.stop(signal.SIGKILL))
        devices = self.known(*(f"alike-{n}" for n in range(12)))
        self.verifier.start()
        second.start()
        logs = [attesting.firmware(image=os.urandom(8)) for _ in range(6)]
        statuses = []

        def attest(verifier, device, log):
            statuses.append(verifier.attest(device.boot(log))[0])
        threads = [threading.Thread(target=attest, args=(v, devices[6 * i + n], logs[n if i else 5 - n])) for n in range(6) for i, v in enumerate((self.verifier, second))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(statuses, [200] * 12)
        for n, device in enumerate(devices):
            self.assertEqual((self.verifier, second)[n % 2].page(f"/devices/{device.id}/firmware")[0], 200)

    def test_vacuum_waits_for_who_writes_a_log_and_stands_in_nobodys_way(self):
        """A server's transaction claims the chunks first and writes its boot last; between the two it puts chunks by another connection."""
        self.known("busy")
        psql = ["runuser", "-u", "postgres", "--", "psql", "-v", "ON_ERROR_STOP=1", "-h", self.home, "-Atq", "latchkey"]
        with subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
            writer.stdin.write(b"BEGIN; DELETE FROM chunks WHERE hash = ''; SELECT 'claimed';\n")
            writer.stdin.flush()
            self.assertEqual(writer.stdout.readline(), b"claimed\n")
            said = []
            vacuum = threading.Thread(target=lambda: said.append(self.verifier.run("vacuum").stdout.decode()))
            vacuum.start()
            for _ in range(100):
                if self.sql("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'latchkey-verifier'") == ["1"]:
                    break
                time.sleep(0.1)
            time.sleep(0.5)
            self.sql("SET lock_timeout = 300; INSERT INTO chunks VALUES (decode(repeat('01', 32), 'hex'), '')")
            _, failed = writer.communicate(b"SET lock_timeout = 300; UPDATE boots SET boot = boot; COMMIT;\n")
            self.assertEqual((writer.returncode, failed), (0, b""))
            vacuum.join()
        self.assertIn("and 1 parts of logs", said[0])

    def test_what_is_not_text_is_no_failure_of_the_database(self):
        """A statement that fails would take the attestations along that are in the same transaction."""
        device = self.known("plain")
        self.verifier.start()
        self.assertEqual(self.verifier.page("/devices?q=%ff")[0], 200)
        self.assertEqual(self.verifier.page("/devices/" + 63 * "a" + "%C3%A9")[0], 404)
        self.assertEqual(self.verifier.page(f"/devices/{device.id}/ima?q=%ff")[0], 404)
        self.assertNotIn("database", self.verifier.output())

    def test_a_server_that_is_gone_and_comes_back(self):
        device = self.known("patient")
        self.verifier.start()
        self.verifier.attest(device)
        self.end(signal.SIGQUIT)
        status, headers, answer = self.verifier.post("/v1/attest", device.message(self.verifier.nonce()))
        self.assertEqual((status, answer["error"], headers["Retry-After"]), (503, "unavailable", "30"))
        self.assertEqual(self.verifier.page("/")[0], 503)
        self.begin()
        time.sleep(1.1)
        for _ in range(20):
            status = self.verifier.attest(device)[0]
            if status == 200:
                break
            time.sleep(0.5)
        self.assertEqual(status, 200)
        self.assertEqual(self.sql("SELECT COUNT(*) FROM attestations"), ["2"])


if __name__ == "__main__":
    unittest.main()
