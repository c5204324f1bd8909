"""A server of JetStream with one stream, which can be made to say what servers say that have lost
something, or are about to. https://docs.nats.io/reference/reference-protocols/nats-protocol"""
import base64
import json
import socket
import threading

NO_MESSAGE = {"error": {"code": 404, "err_code": 10037, "description": "no message found"}}


class FakeNats(threading.Thread):
    """Takes one client after another. `stored`: (headers, body) by place in the stream."""

    def __init__(self, stream: str):
        super().__init__(daemon=True)
        self.stream, self.stored = stream, []
        self.phantoms = []  # Told as last messages, one each time, though the stream has them not.
        self.unkept = set()  # Ids that are acknowledged as duplicates, once each, and not kept.
        self.nonces = []  # What the next clients have to sign, one each.
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"nats://127.0.0.1:{self.listener.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        while True:
            client, _ = self.listener.accept()
            try:
                self.serve(client)
            except (OSError, EOFError):
                client.close()

    def serve(self, client: socket.socket) -> None:
        file = client.makefile("rb")
        info = {"server_id": "fake", "version": "2.9.10", "proto": 1, "headers": True,
                "max_payload": 1 << 20, "jetstream": True}
        nonce = {"auth_required": True, "nonce": self.nonces.pop(0)} if self.nonces else {}
        client.sendall(f"INFO {json.dumps({**info, **nonce})}\r\n".encode())
        listens = {}  # Subject, and the client's number for it.
        while words := file.readline().decode().split():
            if words[0] == "CONNECT" and nonce and '"sig":' not in " ".join(words):
                client.sendall(b"-ERR 'Authorization Violation'\r\n")
                break
            if words[0] == "PING":
                client.sendall(b"PONG\r\n")
            elif words[0] == "SUB":
                listens[words[1].removesuffix("*")] = words[-1]
            elif words[0] in ("PUB", "HPUB"):
                text = file.read(int(words[-1]) + 2)[:-2]
                head = int(words[-2]) if words[0] == "HPUB" else 0
                reply = words[2] if len(words) > 3 + (head > 0) else ""
                headers = dict(line.split(": ", 1) for line in
                               text[:head].decode().split("\r\n")[1:] if line)
                answer = json.dumps(self.answer(words[1], headers, text[head:])).encode()
                number = next(sid for at, sid in listens.items() if reply.startswith(at))
                client.sendall(f"MSG {reply} {number} {len(answer)}\r\n".encode() + answer
                               + b"\r\n")
        raise EOFError

    def answer(self, subject: str, headers: dict, body: bytes) -> dict:
        if subject.startswith("$JS.API.STREAM.INFO."):
            return {"config": {"name": self.stream, "subjects": ["x.>"]}, "created":
                    "2026-01-01T00:00:00Z", "state": {"messages": len(self.stored), "bytes": 0,
                                                      "first_seq": 1,
                                                      "last_seq": len(self.stored)}}
        if subject.startswith("$JS.API.STREAM.MSG.GET."):
            return self.last_message()
        if subject.startswith("$JS.API."):
            return {"error": {"code": 503, "err_code": 1, "description": "not here"}}
        if headers["Nats-Msg-Id"] in self.unkept:
            self.unkept.remove(headers["Nats-Msg-Id"])
            return {"stream": self.stream, "seq": 0, "duplicate": True}
        expected = int(headers.get("Nats-Expected-Last-Sequence", 0))
        if expected not in (0, len(self.stored)):  # 0: nothing is expected.
            return {"error": {"code": 400, "err_code": 10071,
                              "description": f"wrong last sequence: {len(self.stored)}"}}
        self.stored.append((headers, body))
        return {"stream": self.stream, "seq": len(self.stored)}

    def last_message(self) -> dict:
        if self.phantoms:
            seq, headers = self.phantoms.pop(0)
        elif self.stored:
            seq, headers = len(self.stored), self.stored[-1][0]
        else:
            return NO_MESSAGE
        text = "NATS/1.0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        return {"message": {"subject": "x.one.info", "seq": seq,
                            "hdrs": base64.b64encode(text.encode()).decode(), "data": "eA==",
                            "time": "2026-01-01T00:00:00Z"}}
