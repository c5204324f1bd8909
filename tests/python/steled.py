"""The real daemon, for tests in Python. The environment names it and the library:

STELE_STELED, STELE_LIBRARY, STELE_PYTHON (the folder that holds the package)
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GUARD_S = 120
"""Against hanging: no result depends on a shorter time."""

sys.path.insert(0, os.environ["STELE_PYTHON"])


class Steled:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="stele-python."))
        self.socket = str(self.folder / "socket")
        self.process = None

    def start(self):
        with open(self.folder / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(
                [os.environ["STELE_STELED"], "--data-dir", self.folder / "data", "--socket",
                 self.socket, "--segment-bytes", "4M"], stderr=stderr)
        import stele
        end = time.monotonic() + GUARD_S
        while True:
            try:
                stele.Client(self.socket).ping()
                return self
            except (stele.CannotConnect, stele.ConnectionLost, stele.Refused):
                assert self.process.poll() is None, (self.folder / "stderr").read_text()
                assert time.monotonic() < end
                time.sleep(0.01)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def remove(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.folder)


def start_python(text, daemon, **variables):
    """A program of its own, which imports stele; its standard output is read line by line."""
    environment = {**os.environ, "PYTHONPATH": os.environ["STELE_PYTHON"],
                   "STELE_SOCKET": daemon.socket, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.Popen([sys.executable, "-u", "-c", text], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run_python(text, daemon, **variables):
    """Its exit code, output and errors."""
    process = start_python(text, daemon, **variables)
    out, err = process.communicate(timeout=GUARD_S)
    return process.returncode, out, err
