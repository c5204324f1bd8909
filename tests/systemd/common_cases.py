"""What the cases under a real systemd (boot.sh) have in common."""
import json
import pathlib
import socket
import struct
import subprocess
import time

SOCKET = "/run/stele/stele.sock"
SERVICE = "steled.service"
PATIENCE_S = 60
WATCHDOG_S = 2


def systemctl(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(["systemctl", "--no-pager", *arguments], capture_output=True, text=True)


def show(name: str, unit=SERVICE) -> str:
    return systemctl("show", "--value", "-p", name, unit).stdout.strip()


def wait_for(what, is_true) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.02)


class Peer:
    """A connection that speaks in frames."""

    def __init__(self, path=SOCKET, patience_s=PATIENCE_S):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(patience_s)
        self.socket.connect(path)

    def ask(self, **request) -> dict:
        text = json.dumps(request).encode()
        self.socket.sendall(struct.pack(">I", len(text)) + text)
        (length,) = struct.unpack(">I", self.receive(4))
        return json.loads(self.receive(length))

    def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionResetError("the daemon has closed")
            data += piece
        return data


def start(service: str, log: pathlib.Path) -> None:
    """Starts the socket of a service, whose lines go to `log`: there is no journal here, and nobody
    waits half a minute for the watchdog."""
    name = service.split(".")[0].split("@")[0] + ("@" if "@" in service else "")
    drop_in = pathlib.Path(f"/etc/systemd/system/{name}.service.d/test.conf")
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(f"[Service]\nWatchdogSec={WATCHDOG_S}s\nRestartSec=100ms\n"
                       f"StandardOutput=append:{log}\nStandardError=append:{log}\n")
    systemctl("daemon-reload")
    started = systemctl("start", service.replace(".service", ".socket"))
    assert started.returncode == 0, started.stderr
