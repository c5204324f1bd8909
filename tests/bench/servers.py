"""The throw-away servers of compare.py: each in a folder of its own, on a Unix socket.

A server is a context manager: it answers inside the `with`, and has ended after it. If compare.py
itself is killed, the kernel ends its servers (pdeathsig).
"""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

START_SECONDS_MAX = 60


class NotRunning(Exception):
    """The server does not start here; the text says why."""


def ask(socket_path, request, last=b"\n"):
    """One request and its answer, up to the bytes that end it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(START_SECONDS_MAX)
        peer.connect(str(socket_path))
        peer.sendall(request)
        answer = b""
        while not answer.endswith(last):
            part = peer.recv(1 << 16)
            if not part:
                break
            answer += part
        return answer


def connected(socket_path):
    """A connection to a server that may still be starting."""
    until = time.monotonic() + START_SECONDS_MAX
    while True:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.connect(str(socket_path))
            return peer
        except OSError:
            peer.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


class Server:
    """Subclasses give words() and answers()."""

    stop_signal = signal.SIGTERM

    def __init__(self, run):
        self.run = run
        self.folder = run.new_folder()
        self.socket = self.folder / "socket"
        self.process = None

    def words(self):
        raise NotImplementedError

    def answers(self):
        """Whether it takes requests; OSError counts as no."""
        raise NotImplementedError

    @property
    def pid(self):
        return self.process.pid

    def start(self, as_user=()):
        death = ["setpriv", *as_user, "--pdeathsig", self.stop_signal.name.removeprefix("SIG")]
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            death + [str(word) for word in self.words()], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True)
        until = time.monotonic() + START_SECONDS_MAX
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise NotRunning((self.folder / "server.log").read_text(errors="replace")[-2000:])
            time.sleep(0.002)

    def _is_ready(self):
        try:
            return self.answers()
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(START_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.log.close()

    def restart(self):
        """Seconds from the start to the first answer, on the data that it has."""
        self.stop()
        begun = time.monotonic()
        self.start()
        return time.monotonic() - begun

    def resident_kb(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Stele(Server):
    def __init__(self, run, backend="auto", retain="16G"):
        super().__init__(run)
        self.backend, self.retain = backend, retain

    def words(self):
        return [self.run.bin / "steled", "--socket", self.socket, "--data-dir",
                self.folder / "data", "--wal-backend", self.backend, "--retain-bytes",
                self.retain, "--log-level", "warn"]

    def answers(self):
        return ask(self.socket, b"ping\n").startswith(b'{"ok":true')

    def stats(self):
        return json.loads(ask(self.socket, b"stats\n"))


class Floor(Server):
    """With a file it writes; without, it only answers."""

    def __init__(self, run, writes=True):
        super().__init__(run)
        self.writes = writes

    def words(self):
        file = [self.folder / "file"] if self.writes else []
        return [self.run.bin / "stele-bench-floor", self.socket, *file]

    def answers(self):
        return (self.folder / "server.log").read_text() == "ready\n"


class Redis(Server):
    """Debian's redis-server is a link to redis-check-rdb, of the package redis-tools; that package
    alone starts no service."""

    def __init__(self, run, appendfsync="always"):
        super().__init__(run)
        self.appendfsync = appendfsync

    def words(self):
        program = self.folder / "redis-server"
        if not program.exists():
            program.symlink_to(shutil.which("redis-check-rdb"))
        return [program, "--port", "0", "--unixsocket", self.socket, "--dir", self.folder,
                "--appendonly", "yes", "--appendfsync", self.appendfsync, "--save", "",
                "--auto-aof-rewrite-percentage", "0", "--maxclients", "2000"]

    def answers(self):
        return ask(self.socket, b"PING\r\n") == b"+PONG\r\n"

    def command(self, text):
        return ask(self.socket, text.encode() + b"\r\n").decode().strip()

    def load_seconds(self):
        """What its log says that the last load of its AOF took."""
        for line in reversed((self.folder / "server.log").read_text().splitlines()):
            _, found, rest = line.partition("loaded from append only file: ")
            if found:
                return float(rest.split()[0])
        return 0.0


class Postgres(Server):
    stop_signal = signal.SIGINT  # TERM would wait for its clients.

    def __init__(self, run):
        super().__init__(run)
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not installed:
            raise NotRunning("PostgreSQL is not installed")
        self.programs = installed[-1]
        self.as_user = ()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root.
            user = pwd.getpwnam("postgres")
            self.as_user = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        subprocess.run(
            ["setpriv", *self.as_user, self.programs / "initdb", "-D", self.folder / "data", "-U",
             "postgres", "-A", "trust", "--locale=C", "-E", "UTF8"],
            cwd=self.folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    def start(self, as_user=()):
        super().start(as_user or self.as_user)

    def words(self):
        return [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c",
                "listen_addresses=", "-c", "synchronous_commit=on", "-c", "shared_buffers=256MB",
                "-c", "max_connections=100"]

    def answers(self):
        return subprocess.run([self.programs / "pg_isready", "-h", self.folder, "-U", "postgres"],
                              capture_output=True).returncode == 0

    def conninfo(self):
        return f"host={self.folder} dbname=postgres user=postgres"


class Journald(Server):
    """A journald of our own, in a journal namespace, whose view of /run/systemd and /var/log is a
    folder of ours. Needs root."""

    PROGRAM = Path("/lib/systemd/systemd-journald")

    def __init__(self, run):
        super().__init__(run)
        if os.getuid() != 0 or not self.PROGRAM.exists() or not shutil.which("journalctl"):
            raise NotRunning("needs root, systemd-journald and journalctl")
        settings = self.folder / "run/journald@stele.conf.d"
        settings.mkdir(parents=True)
        (self.folder / "log/journal").mkdir(parents=True)
        (settings / "limits.conf").write_text(
            "[Journal]\nStorage=persistent\nRateLimitBurst=0\nSystemMaxUse=4G\n")
        self.socket = self.folder / "run/journal.stele/socket"

    def words(self):
        mount = 'mount --bind "$1/run" /run/systemd && mount --bind "$1/log" /var/log && ' \
            'exec env SYSTEMD_LOG_TARGET=console "$2" stele'
        return ["unshare", "--mount", "sh", "-c", mount, "sh", self.folder, self.PROGRAM]

    def answers(self):
        return self.socket.exists()

    def journal(self):
        """The folder of its files."""
        return next(path for path in (self.folder / "log/journal").iterdir() if path.is_dir())
