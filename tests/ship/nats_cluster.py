"""Servers of NATS with JetStream on loopback, and a reader of their streams that speaks the
protocol itself: it shares no code with what it checks."""
import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import time

PATIENCE_S = 60
STALL_S = 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_there() -> bool:
    return shutil.which("nats-server") is not None


class Cluster:
    """Each server has a directory of its own, which outlives its processes."""

    def __init__(self, folder: pathlib.Path, servers: int = 3, more: str = ""):
        self.folder = folder
        self.ports = [free_port() for _ in range(servers)]
        routes = [free_port() for _ in range(servers)]
        self.processes = [None] * servers
        for number in range(servers):
            others = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in routes)
            cluster = (f'cluster {{ name: "test", listen: "127.0.0.1:{routes[number]}", '
                       f'routes: [{others}] }}\n') if servers > 1 else ""
            self.config(number).write_text(
                f'server_name: "n{number}"\nlisten: "127.0.0.1:{self.ports[number]}"\n'
                f'jetstream {{ store_dir: "{folder}/n{number}", max_mem: 64M, max_file: 4G }}\n'
                + cluster + more)

    def config(self, number: int) -> pathlib.Path:
        return self.folder / f"n{number}.conf"

    @property
    def urls(self) -> str:
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def start(self, number: int) -> None:
        log = open(self.folder / f"n{number}.log", "ab")
        self.processes[number] = subprocess.Popen(
            ["nats-server", "-c", self.config(number)], stdout=log, stderr=log)

    def kill(self, number: int) -> None:
        self.processes[number].kill()
        self.processes[number].wait()

    def start_all(self) -> None:
        for number in range(len(self.ports)):
            self.start(number)
        self.wait_until_ready()

    def stop_all(self) -> None:
        for process in self.processes:
            if process and process.poll() is None:
                process.kill()
                process.wait()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError, TimeoutError, NatsError):
                with NatsReader(self.ports) as reader:
                    reader.ask("$JS.API.INFO")
                    return
            if time.monotonic() > deadline:
                raise AssertionError("the servers do not answer")
            time.sleep(0.1)


class NatsError(Exception):
    pass


class NatsReader:
    """https://docs.nats.io/reference/reference-protocols/nats-protocol"""

    def __init__(self, ports):
        self.socket = None
        for port in ports:
            with contextlib.suppress(OSError):
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
                break
        if self.socket is None:
            raise NatsError("no server")
        self.socket.settimeout(20)
        self.buffer = bytearray()
        self.begin = 0
        self.line()  # INFO
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n'
                            b"SUB inbox.a.> 1\r\n")
        self.asked = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def fill(self) -> None:
        data = self.socket.recv(1 << 20)
        if not data:
            raise NatsError("the server has closed")
        if self.begin > 1 << 22:
            del self.buffer[:self.begin]
            self.begin = 0
        self.buffer += data

    def line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n", self.begin)) < 0:
            self.fill()
        text = bytes(self.buffer[self.begin:end])
        self.begin = end + 2
        return text

    def take(self, count: int) -> bytes:
        while len(self.buffer) - self.begin < count + 2:
            self.fill()
        text = bytes(self.buffer[self.begin:self.begin + count])
        self.begin += count + 2
        return text

    def message(self):
        """(subject, reply, headers, body) of the next message."""
        while True:
            words = self.line().split()
            if words[:1] == [b"PING"]:
                self.socket.sendall(b"PONG\r\n")
            elif words[:1] == [b"MSG"]:
                reply = words[3].decode() if len(words) == 5 else ""
                return words[1].decode(), reply, {}, self.take(int(words[-1]))
            elif words[:1] == [b"HMSG"]:
                reply = words[3].decode() if len(words) == 6 else ""
                head, total = int(words[-2]), int(words[-1])
                text = self.take(total)
                headers = {}
                for line in text[:head].decode().split("\r\n")[1:]:
                    name, colon, value = line.partition(":")
                    if colon:
                        headers[name] = value.strip()
                return words[1].decode(), reply, headers, text[head:]
            elif words[:1] == [b"-ERR"]:
                raise NatsError(b" ".join(words).decode())

    def ask(self, subject: str, **request) -> dict:
        self.asked += 1
        inbox = f"inbox.a.{self.asked}"
        text = json.dumps(request).encode() if request else b""
        self.socket.sendall(f"PUB {subject} {inbox} {len(text)}\r\n".encode() + text + b"\r\n")
        while True:
            found, _, headers, body = self.message()
            if found != inbox:
                continue
            if not body:
                raise NatsError(str(headers))
            reply = json.loads(body)
            if "error" in reply:
                raise NatsError(reply["error"].get("description", ""))
            return reply

    def stream_info(self, stream: str) -> dict:
        return self.ask(f"$JS.API.STREAM.INFO.{stream}")

    def messages(self, stream: str):
        """All messages of a stream in its order: (subject, headers, body)."""
        left = self.stream_info(stream)["state"]["messages"]
        if left == 0:
            return
        deliver = f"inbox.b.{stream}.{time.monotonic_ns()}"
        self.socket.sendall(f"SUB {deliver} 2\r\n".encode())
        self.ask(f"$JS.API.CONSUMER.CREATE.{stream}", stream_name=stream,
                 config={"deliver_subject": deliver, "ack_policy": "none", "deliver_policy": "all",
                         "flow_control": True, "idle_heartbeat": 2_000_000_000})
        came = time.monotonic()
        while left > 0:
            # What was delivered before all servers knew who listens does not come any more.
            if time.monotonic() > came + STALL_S:
                raise NatsError("the stream stalls")
            subject, reply, headers, body = self.message()
            if not reply.startswith("$JS.ACK."):
                if reply:  # Flow control wants an answer.
                    self.socket.sendall(f"PUB {reply} 0\r\n\r\n".encode())
                continue
            left -= 1
            came = time.monotonic()
            yield subject, headers, body


def host_of(body: bytes) -> str:
    return json.loads(body[body.rfind(b',"host":') + 8:].rstrip(b"}\n"))


def last_seqs(cluster: Cluster, stream: str) -> dict:
    """The last seq that the stream has of each host."""
    seqs = {}
    try:
        with NatsReader(cluster.ports) as reader:
            for _, headers, body in reader.messages(stream):
                seqs[host_of(body)] = int(headers["Nats-Msg-Id"].rpartition(":")[2])
    except (OSError, NatsError):  # An election is on.
        return {}
    return seqs
