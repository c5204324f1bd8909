"""`stele ship` against a receiver of OTLP over HTTP that takes nothing that is not as the protocol
says, and decodes with protoc: otlp_cases.py BUILD_DIR. 77: there is no protoc, or stele-ship was
not built."""
import gzip
import http.server
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from ship_cases import PATIENCE_S, Store, wait_for

SCHEMA = pathlib.Path(__file__).with_name("otlp_logs.proto")


def decode(data: bytes) -> str:
    run = subprocess.run(["protoc", f"--proto_path={SCHEMA.parent}", SCHEMA.name,
                          "--decode=otlp.ExportLogsServiceRequest"], input=data,
                         capture_output=True, check=True)
    return run.stdout.decode()


class Receiver(http.server.ThreadingHTTPServer):
    """Answers with what is in `plan`, then with 200. Keeps what it took."""

    def __init__(self, tls=None, family=socket.AF_INET):
        self.address_family = family
        super().__init__(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.headers = {}  # That each request must have.
        self.plan = []
        self.taken = []
        self.faults = []
        self.requests = []  # When each came.
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/logs"

    def seqs(self) -> list:
        texts = [decode(data) for data in self.taken]
        return [int(seq) for text in texts
                for seq in re.findall(r'key: "stele\.seq"\s+value \{\s+int_value: (\d+)', text)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        server.requests.append(time.monotonic())
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for name, wanted in (("Content-Type", "application/x-protobuf"),
                             ("Content-Encoding", "gzip"), *server.headers.items()):
            if self.headers[name] != wanted:
                server.faults.append(f"{name}: {self.headers[name]}")
        if self.path != "/v1/logs" or "Host" not in self.headers:
            server.faults.append(self.path)
        data = gzip.decompress(body)
        if re.search(r"^\s*\d+[:{]", decode(data), re.M):
            server.faults.append("a field that the schema does not know")
        status, headers, answer = server.plan.pop(0) if server.plan else (200, {}, b"")
        if status == 0:  # Taken, and the answer is lost.
            server.taken.append(data)
            self.close_connection = True
            return
        if status == 200:
            server.taken.append(data)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Otlp(unittest.TestCase):
    build: pathlib.Path

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.store = Store(self.build / "bin", self.folder / "one")
        self.addCleanup(self.store.kill)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.shutdown)

    def ship(self, *words) -> subprocess.CompletedProcess:
        return self.store.stele("ship", "--to", self.receiver.url, "--state",
                                str(self.folder / "state"), "--host", "web1", "--until-caught-up",
                                *words, timeout=PATIENCE_S)

    def test_an_entry_becomes_the_record_that_the_data_model_says(self):
        metadata = ('{"unit":"web","n":-7,"big":18446744073709551615,"x":1.5,"yes":true,"no":null,'
                    '"list":[1,"a"],"in":{"k":2},"trace_id":"0123456789abcdef0123456789ABCDEF",'
                    '"span_id":"0000000000000001"}')
        self.store.stele("write", "-p", "error", "--timestamp", "@1700000000.5", "--metadata",
                         metadata, "disk \N{SNOWMAN} full")
        self.assertEqual(self.ship().returncode, 0)
        self.assertEqual(self.receiver.faults, [])
        text = re.sub(r"\s+", " ", decode(self.receiver.taken[0]))
        for wanted in (
                'resource { attributes { key: "host.name" value { string_value: "web1" } }',
                'scope { name: "stele" }',
                "time_unix_nano: 1700000000500000000 severity_number: SEVERITY_NUMBER_ERROR "
                'severity_text: "error" body { string_value: "disk \\342\\230\\203 full" }',
                'key: "unit" value { string_value: "web" }',
                'key: "n" value { int_value: -7 }',
                'key: "big" value { string_value: "18446744073709551615" }',
                'key: "x" value { double_value: 1.5 }',
                'key: "yes" value { bool_value: true }',
                'key: "no" value { }',
                'key: "list" value { array_value { values { int_value: 1 } '
                'values { string_value: "a" } } }',
                'key: "in" value { kvlist_value { values { key: "k" value { int_value: 2 } } } }',
                'key: "stele.seq" value { int_value: 1 }',
                'key: "process.pid" value { int_value: ',
                'trace_id: "\\001#Eg\\211\\253\\315\\357\\001#Eg\\211\\253\\315\\357"',
                'span_id: "\\000\\000\\000\\000\\000\\000\\000\\001"'):
            self.assertIn(wanted, text)
        self.assertNotIn('key: "trace_id"', text)

    def test_every_entry_comes_and_a_state_goes_on(self):
        self.store.write(3000)
        self.assertEqual(self.ship().returncode, 0)
        self.store.write(2000, 3000)
        self.assertEqual(self.ship().returncode, 0)
        self.assertEqual(self.receiver.seqs(), list(range(1, 5001)))
        self.assertEqual(self.receiver.faults, [])

    def test_exactly_four_answers_are_tried_again_and_a_pause_is_kept(self):
        for status in (429, 502, 503, 504):
            self.receiver.plan = [(status, {"Retry-After": "1"}, b""), (status, {}, b"")]
            self.receiver.requests.clear()
            self.store.write(10)
            self.assertEqual(self.ship().returncode, 0)
            self.assertEqual(len(self.receiver.requests), 3)
            self.assertGreaterEqual(self.receiver.requests[1] - self.receiver.requests[0], 1)
        self.assertEqual(self.receiver.seqs(), list(range(1, 41)))
        for status in (401, 403, 404, 500, 501):
            self.receiver.plan = [(status, {}, b"")]
            self.receiver.requests.clear()
            self.store.write(1)
            run = self.ship()
            self.assertEqual((run.returncode, len(self.receiver.requests)), (1, 1))
            self.assertIn(f"answered {status}", run.stderr)
        self.assertEqual(self.ship().returncode, 0)
        self.assertEqual(self.receiver.seqs(), list(range(1, 46)))

    def test_what_the_receiver_refuses_is_told_and_counted(self):
        metrics = self.folder / "figures"
        self.receiver.plan = [(400, {}, b""),
                              (200, {}, b"\x0a\x07\x08\x03\x12\x03why")]  # partial_success
        self.store.write(5)
        refused = self.ship("--metrics", str(metrics))
        self.assertEqual(refused.returncode, 0)
        self.assertIn("does not understand entries 1 to 5", refused.stderr)
        self.assertIn("} 5\n", re.search(r"stele_ship_refused_entries_total\{.*\n",
                                         metrics.read_text())[0])
        self.store.write(4, 5)
        partly = self.ship("--metrics", str(metrics))
        self.assertEqual(partly.returncode, 0)
        self.assertIn("refused 3 of 4 entries up to seq 9: why", partly.stderr)

    def test_an_answer_that_is_lost_makes_a_second_copy_and_no_hole(self):
        self.receiver.plan = [(0, {}, b"")]
        self.store.write(10)
        self.assertEqual(self.ship().returncode, 0)
        self.assertEqual(self.receiver.seqs(), list(range(1, 11)) * 2)

    def test_a_receiver_that_is_away_is_waited_for(self):
        self.store.write(10)
        port = self.receiver.server_address[1]
        self.receiver.shutdown()
        self.receiver.server_close()
        shipper = self.store.ship("--to", f"http://127.0.0.1:{port}/v1/logs", "--state",
                                  str(self.folder / "state"), "--until-caught-up")
        time.sleep(1)
        self.assertIsNone(shipper.poll())
        Receiver.allow_reuse_address = True
        again = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        again.plan, again.taken, again.faults, again.requests = [], [], [], []
        again.headers = {}
        threading.Thread(target=again.serve_forever, daemon=True).start()
        self.addCleanup(again.shutdown)
        self.assertEqual(shipper.wait(PATIENCE_S), 0)
        wait_for("the entries", lambda: len(again.taken) == 1)

    def test_over_https_with_headers_and_only_to_who_is_trusted(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-x509", *key, "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                "-subj", "/CN=ca")
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n")
        for name in ("server", "client"):
            openssl("req", *key, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                    f"/CN={name}")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        tls.load_verify_locations(self.folder / "ca.pem")
        tls.verify_mode = ssl.CERT_REQUIRED
        receiver = Receiver(tls=tls, family=socket.AF_INET6)
        self.addCleanup(receiver.shutdown)
        receiver.headers = {"Authorization": "Bearer secret", "X-Scope-OrgID": "7"}
        self.store.write(2000)
        (self.folder / "auth").write_text("Authorization: Bearer secret\r\n\n")
        url = f"https://[::1]:{receiver.server_address[1]}/v1/logs"
        words = ["ship", "--to", url, "--state", str(self.folder / "state"), "--until-caught-up",
                 "--header", "X-Scope-OrgID: 7"]
        own = ["--tls-cert", str(self.folder / "client.pem"), "--tls-key",
               str(self.folder / "client.key")]
        trust = ["--tls-ca", str(self.folder / "ca.pem")]
        distrusting = self.store.stele(*words, *own, timeout=PATIENCE_S)
        self.assertEqual(distrusting.returncode, 1)
        self.assertIn("certificate", distrusting.stderr)
        self.assertEqual(receiver.taken, [])
        done = self.store.stele(*words, *own, *trust, "--header-file", "auth", timeout=PATIENCE_S,
                                env={**os.environ, "CREDENTIALS_DIRECTORY": str(self.folder)})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(receiver.faults, [])
        self.assertEqual(receiver.seqs(), list(range(1, 2001)))

    def test_a_place_that_keeps_no_state_is_found_before_anything_is_sent(self):
        self.store.write(10)
        run = self.store.stele("ship", "--to", self.receiver.url, "--state", "/proc/none/state",
                               "--until-caught-up", timeout=PATIENCE_S)
        self.assertEqual(run.returncode, 4)
        self.assertIn("/proc/none/state", run.stderr)
        self.assertEqual(self.receiver.requests, [])

    def test_what_is_not_usable_is_said(self):
        state = ["--state", "x"]
        for words, code in ((["--to", "ftp://x/v1/logs", *state], 2),
                            (["--to", "http://", *state], 4),
                            (["--to", "http://x:y/", *state], 4),
                            (["--to", "https://[::1/", *state], 4),
                            (["--to", self.receiver.url], 4),
                            (["--to", self.receiver.url, *state, "--stream", "S"], 2),
                            (["--to", self.receiver.url, *state, "--header", "none"], 2),
                            (["--to", self.receiver.url, *state, "--header-file", "/none"], 2),
                            (["--to", self.receiver.url, *state, "--tls-cert", "x"], 2)):
            run = self.store.stele("ship", *words)
            self.assertEqual(run.returncode, code, (words, run.stderr))
        self.store.write(1)
        other = "00000000-0000-4000-8000-000000000001"
        (self.folder / "state").write_text(other + ":0\n")
        refused = self.ship()
        self.assertEqual(refused.returncode, 4)
        self.assertIn(f"--continue-store {other}", refused.stderr)
        self.assertEqual(self.ship("--continue-store", other).returncode, 0)
        self.assertEqual(self.receiver.seqs(), [1])
        self.assertEqual(self.ship().returncode, 0)


if __name__ == "__main__":
    Otlp.build = pathlib.Path(sys.argv[1])
    if not shutil.which("protoc") or not (Otlp.build / "bin/stele-ship").exists():
        print("skipped: needs protoc, and libnats-dev and zlib1g-dev when stele is built")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2, warnings="ignore")
