"""The daemon as a process: its settings by chance, its start, its end."""

import os
import signal
import subprocess
import time

from violation import Violation, require

DEADLINE_S = 60
REFUSED_FOR_DAMAGE = 65


class Settings:
    """What one life runs with. Each life of a directory may have others."""

    def __init__(self, random, backends):
        pick = random.choice
        segment_mib = pick((1, 1, 2, 4))
        self.values = {
            "wal-backend": pick(backends),
            "buffered": pick(("true", "false", "false")),
            "pack": pick(("true", "false")),
            "segment-bytes": f"{segment_mib}M",
            "commit-align": pick(("0", "512", "4096")),
            "retain-bytes": pick(("0", f"{4 * segment_mib}M", f"{6 * segment_mib}M", "1G")),
            "retain-age": pick(("0", "0", "0", "1s")),
            "max-writers": str(pick((1, 2, 3, 5, 65536, 65536))),
            "max-entry-bytes": pick(("1M", "1M", "1000", "100K")),
            "max-frame-bytes": pick(("1M", "16M")),
            "max-unsent-bytes": pick(("1M", "1M", "1", "20K")),
            "max-in-flight-bytes": pick(("64M", "64M", "200K")),
            "max-unanswered": pick(("4096", "4096", "1", "7")),
            "max-tails": pick(("16", "2")),
            "on-damage": pick(("serve", "serve", "refuse")),
            "may-write": pick(("all", "all", "all", "0")),
            "may-read": pick(("all", "all", "all", "0")),
            "max-user-connections": "0",
            "request-timeout": "0",
            "socket-mode": "0666",
            "log-level": "info",
        }
        if self.values["buffered"] == "true" and self.values["commit-align"] == "512":
            self.values["commit-align"] = "0"   # through the page cache whole pages are written
        self.consumers = pick(((), (), ("ship",), ("ship", "copy")))
        if self.consumers:
            self.values["consumers"] = ",".join(self.consumers)
            self.values["hold-bytes"] = pick(("1M", "64M", "1G"))

    def number(self, name):
        text = self.values[name]
        return int(text.rstrip("KMGs")) << {"K": 10, "M": 20, "G": 30}.get(text[-1], 0)

    @property
    def retention(self):
        return self.number("retain-bytes") > 0 or self.values["retain-age"] != "0"

    @property
    def holds_all(self):
        """Whether nothing goes that a consumer has not confirmed: what these runs write is less."""
        return bool(self.consumers) and self.values["hold-bytes"] == "1G"

    def flags(self):
        flags = []
        for name, value in self.values.items():
            if name in ("buffered", "pack"):
                flags += [f"--{name}"] if value == "true" else []
            else:
                flags += [f"--{name}", value]
        return flags


class Daemon:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.socket = os.path.join(folder, "socket")
        self.log = os.path.join(folder, "daemon.log")
        self.command = []
        self.process = None

    def spawn(self, settings, flags=()):
        self.command = [self.program, "--data-dir", self.data, "--socket", self.socket,
                        *(settings.flags() if settings else flags)]
        with open(self.log, "ab") as log:
            log.write((" ".join(self.command) + "\n").encode())
            log.flush()
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    def wait_until_it_serves(self, connect):
        """What `connect` returns, once it does. None: it refused to start because of damage."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            code = self.process.poll()
            if code == REFUSED_FOR_DAMAGE:
                return None
            require(code is None, f"the start ended with {code}:\n{self.tail()}")
            try:
                return connect()
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.003)
        raise Violation(f"it does not serve after {DEADLINE_S} s:\n{self.tail()}")

    @property
    def runs(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.runs:
            self.process.send_signal(number)

    def wait(self):
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Violation(f"it does not end:\n{self.tail()}") from None

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def tail(self, characters=1500):
        with open(self.log, errors="replace") as log:
            return log.read()[-characters:]
