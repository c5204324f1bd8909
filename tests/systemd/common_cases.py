"""What the cases under a real systemd (boot.sh) have in common."""
import json
import pathlib
import socket
import struct
import subprocess
import threading
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


def write_to(log: pathlib.Path, service: str) -> None:
    """There is no journal here, and nobody waits half a minute for the watchdog."""
    name = service.split(".")[0].split("@")[0] + ("@" if "@" in service else "")
    drop_in = pathlib.Path(f"/etc/systemd/system/{name}.service.d/test.conf")
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(f"[Service]\nWatchdogSec={WATCHDOG_S}s\nRestartSec=100ms\n"
                       f"StandardOutput=append:{log}\nStandardError=append:{log}\n")
    systemctl("daemon-reload")


def start(service: str, log: pathlib.Path) -> None:
    """Starts the socket of a service, whose lines go to `log`."""
    write_to(log, service)
    started = systemctl("start", service.replace(".service", ".socket"))
    assert started.returncode == 0, started.stderr


class Writer(threading.Thread):
    """Writes numbered entries; where a connection ends it connects again and sends again."""

    def __init__(self, number: int):
        super().__init__()
        self.name = f"{number:032x}"
        self.stop = threading.Event()
        self.acknowledged = 0
        self.connections = 0
        self.errors = []

    def run(self):
        peer = None
        while not self.stop.is_set():
            try:
                if peer is None:
                    peer = Peer()
                    self.connections += 1
                    assert peer.ask(op="hello", writer=self.name)["ok"]
                number = self.acknowledged + 1
                reply = peer.ask(op="write_log", write_no=number,
                                 entry={"message": f"{self.name} {number}"})
                if not reply["ok"]:
                    if reply["error"]["code"] == "shutting_down":  # To be sent to the next one.
                        peer = None
                        continue
                    raise AssertionError(reply)
                self.acknowledged = number
                time.sleep(0.005)  # Others have something to do, too.
            except (ConnectionResetError, BrokenPipeError):
                peer = None
            except Exception as error:  # Such as a refused connection.
                self.errors.append(repr(error))
                return


def messages(wanted: str) -> list:
    run = subprocess.run(["stele", "--socket", SOCKET, "read", "-o", "cat", "--contains", wanted],
                         capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def stop_and_check(case, writers: list) -> str:
    """Each entry that was acknowledged is there, once and in order. What to print."""
    for writer in writers:
        writer.stop.set()
    for writer in writers:
        writer.join()
    for writer in writers:
        case.assertEqual(writer.errors, [])
        expected = [f"{writer.name} {number + 1}" for number in range(writer.acknowledged)]
        case.assertEqual(messages(writer.name), expected)
    return (f"{len(writers)} writers: {sum(w.acknowledged for w in writers)} entries acknowledged, "
            f"{sum(w.connections for w in writers)} connections, 0 errors")
