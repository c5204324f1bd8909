#!/usr/bin/env python3
"""Replays protocol/vectors.jsonl against a daemon and says what differs.

    replay_vectors.py --socket /run/stele/stele.sock [VECTORS]   against a daemon that runs
    replay_vectors.py --steled build/dev/bin/steled [VECTORS]    starts daemons of its own

Needs nothing besides Python 3. PROTOCOL.md, "For authors of clients", says what the file's words
mean. Against a daemon that runs, vectors with settings are left out; the others write some entries
there. Exit code: 0 if everything happened as the vectors say, else 1.
"""

import argparse
import json
import pathlib
import re
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE_SECONDS = 60
FORMS = ("binary", "line")
PLACEHOLDER = re.compile(r"<(int|string|bool|any)(?::(\w+)([+-]\d+)?)?>")
HERE = pathlib.Path(__file__).resolve().parent


class Mismatch(Exception):
    """What happened is not what the vector says."""


class Number(str):
    """A number with a fraction or an exponent: its digits count."""


def parse(text):
    def take_members(pairs):
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError("two members with the same name")
        return dict(pairs)

    def refuse(word):
        raise ValueError(f"{word} is no JSON")

    return json.loads(text, parse_float=Number, object_pairs_hook=take_members,
                      parse_constant=refuse)


def dump(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(k)}:{dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Connection:
    """One connection in one of the two forms."""

    def __init__(self, path, form):
        self.form = form
        self.received = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect(path)

    def send_message(self, text):
        data = text.encode()
        self.send_bytes(struct.pack(">I", len(data)) + data if self.form == "binary"
                        else data + b"\n")

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The daemon has refused it already, and its last message says why.

    def end_input(self):
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self):
        """The text of the next message, or None at the end."""
        while True:
            message = self._next_message()
            if message is not None:
                return message.decode()
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            except TimeoutError:
                raise Mismatch(f"nothing came within {PATIENCE_SECONDS} s") from None
            if not data:
                if self.received:
                    raise Mismatch(f"the connection ended inside a message: {self.received!r}")
                return None
            self.received += data

    def _next_message(self):
        if self.form == "line":
            line, found, rest = self.received.partition(b"\n")
            if not found:
                return None
            self.received = rest
            return line
        if len(self.received) < 4:
            return None
        end = 4 + struct.unpack(">I", self.received[:4])[0]
        if len(self.received) < end:
            return None
        message, self.received = self.received[4:end], self.received[end:]
        return message

    def close(self):
        self.socket.close()


def compare(pattern, value, names, path="reply"):
    """Raises Mismatch where the value is not what the pattern says; takes what it names."""
    if isinstance(pattern, str) and not isinstance(pattern, Number):
        placeholder = PLACEHOLDER.fullmatch(pattern)
        if placeholder:
            return take(placeholder, value, names, path)
        pattern = replace_names(pattern, names)
    if isinstance(pattern, dict):
        return compare_objects(pattern, value, names, path)
    if isinstance(pattern, list):
        return compare_arrays(pattern, value, names, path)
    if type(pattern) is not type(value) or pattern != value:
        raise Mismatch(f"{path} is {dump(value)}, not {dump(pattern)}")
    return None


def take(placeholder, value, names, path):
    kind, name, step = placeholder.groups()
    kinds = {"int": int, "string": str, "bool": bool, "any": object}
    if not isinstance(value, kinds[kind]) or (kind == "int" and isinstance(value, bool)):
        raise Mismatch(f"{path} is {dump(value)}, not of the kind {kind}")
    if name is None:
        return
    if name not in names:
        names[name] = value - int(step or 0) if kind == "int" else value
    expected = names[name] + int(step or 0) if kind == "int" else names[name]
    if value != expected:
        raise Mismatch(f"{path} is {dump(value)}, not {dump(expected)} ({name})")


def compare_objects(pattern, value, names, path):
    if not isinstance(value, dict):
        raise Mismatch(f"{path} is {dump(value)}, not an object")
    for name, expected in pattern.items():
        if name == "...":
            continue
        if name not in value:
            raise Mismatch(f"{path} has no {name}: {dump(value)}")
        compare(expected, value[name], names, f"{path}.{name}")
    if "..." in pattern:
        return
    more = [name for name in value if name not in pattern]
    if more:
        raise Mismatch(f"{path} has the member {more[0]}, which was not expected: {dump(value)}")


def compare_arrays(pattern, value, names, path):
    if not isinstance(value, list):
        raise Mismatch(f"{path} is {dump(value)}, not an array")
    is_open = bool(pattern) and pattern[-1] == "..."
    wanted = pattern[:-1] if is_open else pattern
    if len(value) < len(wanted) or (len(value) > len(wanted) and not is_open):
        raise Mismatch(f"{path} has {len(value)} elements, not {len(wanted)}: {dump(value)}")
    for i, expected in enumerate(wanted):
        compare(expected, value[i], names, f"{path}[{i}]")


def replace_names(text, names):
    """`<name>` inside a text."""
    return re.sub(r"<(\w+)>",
                  lambda found: str(names[found[1]]) if found[1] in names else found[0], text)


def fill(value, names):
    """What is sent: a string `<name>` is the value of that name, a number or a string."""
    if isinstance(value, dict):
        return {name: fill(member, names) for name, member in value.items()}
    if isinstance(value, list):
        return [fill(element, names) for element in value]
    if isinstance(value, str) and not isinstance(value, Number):
        whole = re.fullmatch(r"<(\w+)>", value)
        return names[whole[1]] if whole else replace_names(value, names)
    return value


def shown(step):
    text = dump(step)
    return text if len(text) <= 300 else text[:300] + "…"


class Observer:
    """Sees what travels; the test of the schema has one that judges it."""

    def sent(self, connection, text, step):
        """A message as JSON text, and the step that sends it."""

    def received(self, connection, value):
        """A reply."""


class Replay:
    """One vector in one form."""

    def __init__(self, vector, form, path, observer):
        self.vector = vector
        self.form = form
        self.path = path
        self.observer = observer
        self.connections = {}
        self.names = {"run": secrets.token_hex(16)}
        for name, (piece, times) in vector.get("texts", {}).items():
            self.names[name] = piece * times

    def run(self):
        try:
            for number, step in enumerate(self.vector["steps"], 1):
                try:
                    self.take(step)
                except Mismatch as mismatch:
                    raise Mismatch(f"step {number}, {shown(step)}: {mismatch}") from None
                except ValueError as error:
                    raise Mismatch(f"step {number}, {shown(step)}: no JSON: {error}") from None
        finally:
            for connection in self.connections.values():
                connection.close()

    def take(self, step):
        name = step.get("on", "1")
        if name not in self.connections:
            self.connections[name] = Connection(self.path, self.form)
        connection = self.connections[name]
        if "send" in step:
            self.send(connection, dump(fill(step["send"], self.names)), step)
        elif "text" in step:
            self.send(connection, replace_names(step["text"], self.names), step)
        elif "hex" in step:
            connection.send_bytes(bytes.fromhex(step["hex"]))
        elif "get" in step:
            compare(step["get"], self.receive(connection), self.names)
        elif "get_in_any_order" in step:
            self.get_in_any_order(connection, list(step["get_in_any_order"]))
        elif "end_input" in step:
            connection.end_input()
        elif "closed" in step:
            message = connection.receive()
            if message is not None:
                raise Mismatch(f"{message} came")
        else:
            raise Mismatch("the step is not known")

    def send(self, connection, text, step):
        self.observer.sent(connection, text, step)
        connection.send_message(text)

    def receive(self, connection):
        message = connection.receive()
        if message is None:
            raise Mismatch("the connection ended")
        value = parse(message)
        self.observer.received(connection, value)
        return value

    def get_in_any_order(self, connection, patterns):
        while patterns:
            value = self.receive(connection)
            for pattern in patterns:
                names = dict(self.names)
                try:
                    compare(pattern, value, names)
                except Mismatch:
                    continue
                self.names = names
                patterns.remove(pattern)
                break
            else:
                raise Mismatch(f"{dump(value)} came")


class Daemon:
    """A steled of our own, with a directory of its own."""

    def __init__(self, steled, settings):
        self.home = tempfile.mkdtemp(prefix="stele-vectors-")
        self.socket = f"{self.home}/socket"
        command = [steled, "--data-dir", f"{self.home}/data", "--socket", self.socket]
        for name, value in {"segment-bytes": "4M", **settings}.items():
            command += [f"--{name}", value]
        self.log_path = pathlib.Path(self.home, "log")
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.log_path.read_text(errors="replace")
                self.stop()
                raise SystemExit(f"the daemon does not start: {text}")
            time.sleep(0.01)

    def answers(self):
        try:
            connection = Connection(self.socket, "binary")
        except OSError:
            return False
        # Gone before the first vector comes, also where one connection is all that there may be.
        connection.end_input()
        return connection.receive() is None

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


class Daemons:
    """Where vectors are replayed: a daemon that runs, or daemons of our own."""

    def __init__(self, arguments):
        self.socket = arguments.socket
        self.steled = arguments.steled
        self.shared = None

    def replay(self, vector, form, observer):
        """False: it needs a daemon with settings of its own."""
        settings = vector.get("settings")
        if settings and not self.steled:
            return False
        if not settings:
            Replay(vector, form, self.shared_socket(), observer).run()
            return True
        daemon = Daemon(self.steled, settings)
        try:
            Replay(vector, form, daemon.socket, observer).run()
        finally:
            daemon.stop()
        return True

    def shared_socket(self):
        if self.socket:
            return self.socket
        if self.shared is None:
            self.shared = Daemon(self.steled, {})
        return self.shared.socket

    def close(self):
        if self.shared is not None:
            self.shared.stop()


def read_vectors(path):
    vectors = []
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        try:
            vectors.append(parse(line))
        except ValueError as error:
            raise SystemExit(f"{path}:{number}: {error}") from None
    return vectors


def replay_all(vectors, daemons, observer, only=None):
    """Prints what differs and a line of figures; returns whether everything was as it must be."""
    replayed = differing = left_out = 0
    for vector in vectors:
        if only and not re.search(only, vector["name"]):
            continue
        for form in vector.get("forms", FORMS):
            try:
                if daemons.replay(vector, form, observer):
                    replayed += 1
                else:
                    left_out += 1
            except Mismatch as mismatch:
                differing += 1
                print(f"{vector['name']} ({form}): {mismatch}")
    print(f"{replayed} as the vectors say, {differing} not, {left_out} left out (settings)")
    return replayed > 0 and differing == 0


def default_vectors():
    """Beside this program where it is installed, else in the source tree."""
    beside = HERE / "vectors.jsonl"
    return beside if beside.exists() else HERE.parent.parent / "protocol" / "vectors.jsonl"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", help="of a daemon that runs")
    where.add_argument("--steled", help="the program to start daemons with")
    parser.add_argument("--only", help="vectors whose name this regular expression finds")
    parser.add_argument("vectors", nargs="?", default=default_vectors())
    arguments = parser.parse_args()
    daemons = Daemons(arguments)
    try:
        good = replay_all(read_vectors(arguments.vectors), daemons, Observer(), arguments.only)
    finally:
        daemons.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
