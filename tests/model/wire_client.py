"""A client of the protocol, in both of its forms, that knows nothing of the product's code.

Nothing blocks: requests are queued, `pump` moves bytes of all connections, and what arrives is
handed to the handler of its request.
"""

import collections
import json
import os
import re
import select
import socket
import struct

from violation import require

DECODER = json.JSONDecoder()
ENTRIES_HEAD = re.compile(r'\{(?:"id":(?:"(?:[^"\\]|\\.)*"|-?\d+),)?"ok":true,"entries":\[')


class Reply:
    """One frame. `rows` are the texts of a read's entries, as they came."""

    def __init__(self, text):
        self.text = text
        self.rows = []
        head = ENTRIES_HEAD.match(text)
        if not head or '"more":' not in text:
            self.members = json.loads(text)
            return
        place = head.end()
        while text[place] != "]":
            end = DECODER.raw_decode(text, place)[1]
            self.rows.append(text[place:end])
            place = end + 1 if text[end] == "," else end
        self.members = json.loads(text[:head.end()] + text[place:])

    @property
    def ok(self):
        return self.members["ok"]

    @property
    def code(self):
        return None if self.ok else self.members["error"]["code"]

    @property
    def more(self):
        return self.members.get("more", False)


class Request:
    """What was asked. `on_reply(reply)` is called for each frame, `on_end()` if none comes. `kind`:
    "follow", "read", "ping" or "other"; a ping may be answered between the frames of reads."""

    def __init__(self, request_id, on_reply, on_end=None, kind="other"):
        self.id = request_id
        self.on_reply = on_reply
        self.on_end = on_end or (lambda: None)
        self.kind = kind


def connected_socket(path, user=None):
    """A connected socket and its origin: that of this process, or of a child of another user."""
    if user is None:
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(path)
        return connected, (os.getpid(), os.getuid(), os.getgid())
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            connected = socket.socket(socket.AF_UNIX)
            connected.connect(path)
            socket.send_fds(theirs, [b"c"], [connected.fileno()])
            code = 0
        except OSError:
            pass
        finally:
            os._exit(code)
    os.waitpid(pid, 0)
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    if not descriptors:
        raise ConnectionRefusedError(path)
    return socket.socket(fileno=descriptors[0]), (pid, user, user)


class Connection:
    def __init__(self, path, form, random, name, user=None):
        self._socket, self.origin = connected_socket(path, user)
        self._socket.setblocking(False)
        self.form = form
        self.name = name
        self.writer = None
        self.since_given = False
        self.may_write = True
        self.may_read = True
        self.closing = False
        self._random = random
        self.history = collections.deque(maxlen=12)
        self._next_id = 0
        self._out = bytearray()
        self._in = bytearray()
        self.waiting = collections.deque()
        self.follows = {}
        self.ended = False
        self.dribbles = False

    # What is sent.

    def new_id(self):
        self._next_id += 1
        number = self._next_id
        return self._random.choice((number, -number, f"r{number}", f'{number}"\n\u00e4'))

    def frame(self, text):
        data = text.encode("utf-8") if isinstance(text, str) else text
        if self.form == "binary":
            return struct.pack(">I", len(data)) + data
        return data + self._random.choice((b"\n", b"\n", b"\r\n", b"\n\n"))

    def ask(self, text, request):
        """Queues a request; a follow's first frame comes in the order of the replies, too."""
        self.history.append(f"> {text[:150]!r}")
        self._out += self.frame(text)
        if request.kind == "follow":
            self.follows[request.id] = request
        else:
            self.waiting.append(request)

    def send_raw(self, data):
        self._out += data

    def half_close(self):
        self.closing = True

    def vanish(self):
        """Closes at once: what was asked may have been heard or not."""
        self._flush()
        self._socket.close()
        self._end()

    # What moves.

    def fileno(self):
        return self._socket.fileno()

    @property
    def wants_to_send(self):
        return bool(self._out) or self.closing is True

    @property
    def is_quiet(self):
        return self.ended or not (self.waiting or self._out)

    def _flush(self):
        try:
            while self._out:
                size = len(self._out)
                if self.dribbles:
                    size = self._random.randint(1, max(40, size // 8))
                sent = self._socket.send(self._out[:size])
                del self._out[:sent]
                if self.dribbles and self._random.random() < 0.5:
                    return
        except BlockingIOError:
            return
        except OSError:
            self._out.clear()

    def send_some(self):
        self._flush()
        if self.closing is True and not self._out:
            self.closing = "done"
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def receive(self):
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self._in += data
        self._take_frames()
        if not data:
            self._socket.close()
            self._end()

    def _take_frames(self):
        while True:
            if self.form == "binary":
                if len(self._in) < 4:
                    return
                size = struct.unpack(">I", self._in[:4])[0]
                if len(self._in) < 4 + size:
                    return
                frame = bytes(self._in[4:4 + size])
                del self._in[:4 + size]
            else:
                end = self._in.find(b"\n")
                if end < 0:
                    return
                frame = bytes(self._in[:end])
                del self._in[:end + 1]
            self._handle(Reply(frame.decode("utf-8")))

    def _handle(self, reply):
        self.history.append(f"< {len(reply.rows)} rows, {str(reply.members)[:150]}")
        request_id = reply.members.get("id")
        follow = self.follows.get(request_id)
        if follow is not None:
            if not reply.more:
                del self.follows[request_id]
            follow.on_reply(reply)
            return
        require(self.waiting, f"{self.name}: a reply that nobody asked for: {reply.text[:300]}")
        request = self._overtaking(request_id) or self.waiting[0]
        require(request.id == request_id or (request.id is None and not reply.ok),
                f"{self.name}: reply to {request_id!r} in place of {request.id!r}: "
                f"{reply.text[:300]}")
        if not reply.more:
            self.waiting.remove(request)
        request.on_reply(reply)

    def _overtaking(self, request_id):
        """The ping of this id, if only reads are before it."""
        for request in self.waiting:
            if request.kind == "ping" and request.id == request_id and request_id is not None:
                return request
            if request.kind != "read" or request.id == request_id:
                return None
        return None

    def _end(self):
        if self.ended:
            return
        self.ended = True
        self._out.clear()
        for request in [*self.waiting, *self.follows.values()]:
            request.on_end()
        self.waiting.clear()
        self.follows.clear()


def pump(connections, seconds):
    """Moves what can be moved, waiting at most so long for something. True: something moved."""
    live = [c for c in connections if not c.ended]
    if not live:
        return False
    readable, writable, _ = select.select(live, [c for c in live if c.wants_to_send], [], seconds)
    for connection in writable:
        if not connection.ended:
            connection.send_some()
    for connection in readable:
        if not connection.ended:
            connection.receive()
    return bool(readable or writable)
