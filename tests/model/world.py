"""One directory and its lives: connections, actions by chance, ends, damage, and what must hold."""

import collections
import json
import os
import random
import signal
import threading
import time

import damage
from bad_requests import TABLE
from daemon_life import Daemon, Settings
from entry_maker import EntryMaker
from log_oracle import LogOracle
from read_actions import ReadActions
from reference_reads import Query, judge_rows
from stats_oracle import StatsOracle
from violation import require
from wire_client import Connection, Request, pump
from write_actions import WriteActions
from writer_oracle import WriterOracle

DEADLINE_S = 60
UNPROVEN_S = 2.0   # what became durable so long before a kill has a later commit behind it
OTHER_USER = 4444


class World:
    def __init__(self, program, folder, seed, backends, figures):
        self.seed = seed
        self.random = random.Random(seed)
        self.backends = backends
        self.figures = figures
        self.daemon = Daemon(program, folder)
        self.lives = []
        self.trace = collections.deque(maxlen=60)
        self.maker = EntryMaker(self.random)
        self.log = LogOracle()
        self.writers = WriterOracle(self.log)
        self.reads = ReadActions(self)
        self.writes = WriteActions(self)
        self.stats = StatsOracle(self)
        self.connections = []
        self.origins = [(os.getpid(), os.getuid(), os.getgid())]
        self.settings = None
        self.store_id = None
        self.knows_since_seq = False
        self.stopping = False
        self.end_expected = False
        self.dropped_at_most = 0
        self.dropped_told = []
        self.was_damaged = False
        self.may_have_expired = False
        self.progress = []   # (time, seq) of this life
        self.confirmed = {}
        self.hold_limit = None
        self.writer_ids = [f"{self.random.getrandbits(128):032x}"
                           for _ in range(self.random.choice((1, 2, 4, 8)))]
        self.names = 0

    def count(self, what, number=1):
        self.figures[what] += number

    def note(self, text):
        self.trace.append(text)

    def acknowledged(self, seq):
        self.progress.append((time.monotonic(), seq))

    def some_writer(self):
        return self.random.choice(self.writer_ids)

    def is_settled(self):
        return not self.log.open_attempts and all(c.is_quiet for c in self.connections)

    # Connections.

    def connect(self, own_user=False):
        self.names += 1
        other = os.getuid() == 0 and not own_user and self.random.random() < 0.15
        user = OTHER_USER if other else None
        form = self.random.choice(("binary", "binary", "lines"))
        connection = Connection(self.daemon.socket, form, self.random,
                                f"connection {self.names} ({form})", user)
        if user:
            connection.may_write = self.settings.values["may-write"] == "all"
            connection.may_read = self.settings.values["may-read"] == "all"
        connection.dribbles = self.random.random() < 0.1
        self.origins.append(connection.origin)
        self.connections.append(connection)
        self.count("connections")
        return connection

    def pump(self, seconds):
        pump(self.connections, seconds)
        self.connections = [c for c in self.connections if not c.ended]

    def settle(self, connections=None):
        """Waits until all that was asked has been answered, or the daemon has ended."""
        deadline = time.monotonic() + DEADLINE_S
        while not all(c.is_quiet for c in connections or self.connections):
            self.pump(0.05)
            require(time.monotonic() < deadline,
                    lambda: f"no answer: {[(c.name, len(c.waiting)) for c in self.connections]}")

    def live_connection(self):
        usable = [c for c in self.connections if not (c.closing or c.ended)]
        if not usable or (len(usable) < 5 and self.random.random() < 0.05):
            return self.connect()
        return self.random.choice(usable)

    # What is known of a life.

    def judge_dropped(self, reply, reports):
        """`reports`: how many had been acknowledged when it was asked for. They expire, too."""
        dropped = reply.members["dropped"]
        least = 0 if self.was_damaged else sum(
            n for seq, n in self.dropped_told[:reports] if seq > self.log.floor)
        require(least <= dropped <= self.dropped_at_most,
                f"audit: {dropped} dropped, told: {least} to {self.dropped_at_most}")

    def confirming(self, consumer, seq):
        self.confirmed[consumer] = max(seq, self.confirmed.get(consumer, 0))
        if self.hold_limit is not None:
            self.hold_limit = min(self.confirmed.get(c, 0) for c in self.settings.consumers)

    def judge_held(self):
        require(self.hold_limit is None or self.log.floor <= max(self.hold_limit + 1, self.held_at),
                lambda: f"expired below {self.log.floor}, consumers need all behind "
                        f"{self.hold_limit}")

    def check_all(self, connection):
        """Reads the whole log and compares it with what must be there: its rows, or None if
        retention was faster."""
        log = self.log
        self.settle([connection])
        if connection.ended:
            return
        known = log.known_seq, log.floor
        rows = []
        pages = []
        request_id = connection.new_id()

        def take(reply):
            if not reply.ok:   # retention was faster
                require(reply.code == "cursor_expired" and log.retention, reply.text[:300])
                return
            rows.extend(reply.rows)
            if not reply.more:
                pages.append(reply.members["cursor"])
        connection.ask('{"op":"read_logs","id":%s}' % json.dumps(request_id),
                       Request(request_id, take, kind="read"))
        self.settle([connection])
        if pages:
            require(pages == [None], f"a read of all has a cursor: {pages}")
            judge_rows(log, Query(), rows, known, "read of all")
            self.count("whole reads")
        return rows if pages else None

    # A life.

    def start(self):
        """Starts it, or says that it refused because of damage."""
        self.settings = Settings(self.random, self.backends)
        self.log.life += 1
        self.may_have_expired = self.may_have_expired or self.settings.retention
        self.log.retention = self.may_have_expired
        self.hold_limit = None
        self.stopping = self.end_expected = False
        self.lives.append("start " + " ".join(self.settings.flags()))
        self.trace.clear()
        self.daemon.spawn(self.settings)
        if self.random.random() < 0.08:
            time.sleep(self.random.random() * 0.1)
            self.lives.append("killed during the start")
            self.daemon.kill()
            self.count("kills during a start")
            return False
        connection = self.daemon.wait_until_it_serves(lambda: self.connect(True))
        if connection is None:
            require(self.was_damaged and self.settings.values["on-damage"] == "refuse",
                    f"exit 65 without damage:\n{self.daemon.tail()}")
            self.lives.append("refused because of damage")
            self.count("starts refused because of damage")
            return False
        self.open_check(connection)
        return True

    def open_check(self, connection):
        log = self.log
        request_id = connection.new_id()
        first = []
        connection.ask('{"op":"audit","id":%s}' % json.dumps(request_id),
                       Request(request_id, first.append))
        self.settle([connection])
        require(first, f"it ended:\n{self.daemon.tail()}")
        log.forget_unproven(first[0].members["last_seq"])
        log.is_opening = True
        log.audit(first[0], log.facts())
        log.is_opening = False
        self.judge_dropped(first[0], len(self.dropped_told))
        rows = self.check_all(connection)
        while rows is None:   # What is never seen would be taken for what is not there.
            require(self.daemon.runs, lambda: f"it ended:\n{self.daemon.tail()}")
            if connection.ended:
                connection = self.connect(True)
            rows = self.check_all(connection)
        require(log.retention or len(rows) == first[0].members["present"],
                lambda: f"{len(rows)} rows, audit: {first[0].text[:500]}")
        log.known_seq = max(log.known_seq, first[0].members["last_seq"])
        self.progress.clear()
        self.progress.append((0, log.known_seq))   # The start proved it.
        log.damage_is_new = False
        log.unproven_from = None
        log.close_attempts()
        self.writers.new_life(self.settings.number("max-writers"))
        self.may_have_expired = log.retention = self.settings.retention
        if self.settings.holds_all:
            self.confirmed = {}
            self.hold_limit = 0
            self.held_at = log.floor
        self.stats.new_life()
        self.count("lives")

    def act(self):
        connection = self.live_connection()
        reads, writes = self.reads, self.writes
        actions = ((writes.write, 30), (writes.numbered, 25), (reads.read, 14), (reads.count, 5),
                   (reads.follow, 3), (reads.cancel, 2), (reads.hello, 1), (reads.audit, 3),
                   (reads.ping, 1), (reads.report_dropped, 1), (reads.confirm, 3),
                   (writes.fill, 3), (self.bad_request, 6), (self.end_connection, 3),
                   (self.quiet_check, 2), (self.rest, 1))
        action = self.random.choices([a for a, _ in actions], [w for _, w in actions])[0]
        self.note(f"{action.__name__} on {connection.name}")
        self.count("actions")
        action(connection)

    def bad_request(self, connection):
        data, codes = self.random.choice(TABLE)
        self.count("bad requests")
        if not (connection.may_write and connection.may_read):
            codes += " forbidden"

        def judge(reply):
            require(reply.code in codes.split(), f"{data[:200]!r}: {reply.text[:300]}")
        connection.ask(data, Request(None, judge))

    def end_connection(self, connection):
        chance = self.random.random()
        if chance < 0.35:
            connection.half_close()
        elif chance < 0.6:
            connection.vanish()
        elif chance < 0.8:
            self._break_frame(connection)
        else:
            self._cut_frame(connection)

    def _break_frame(self, connection):
        """Framing that cannot be gone on from: told, then closed."""
        limit = self.settings.number("max-frame-bytes")
        if connection.form == "lines":
            connection.dribbles = False
            connection.send_raw(b'{"op":"write_log","entry":{"message":"' + b"z" * limit)
            code = "frame_too_large"
        elif self.random.random() < 0.5:
            connection.send_raw(bytes(4))
            code = "bad_frame"
        else:
            connection.send_raw((limit + 1).to_bytes(4, "big") + b"z")
            code = "frame_too_large"
        connection.waiting.append(Request(None, lambda reply: require(
            reply.code == code, f"{code} expected: {reply.text[:300]}")))
        connection.closing = "broken"

    def _cut_frame(self, connection):
        """A request that is not sent to its end: it is dropped."""
        text = b'{"op":"write_log","entry":{"message":"never whole"}}'
        frame = connection.frame(text).rstrip()
        connection.send_raw(frame[:self.random.randrange(1, len(frame))])
        if self.random.random() < 0.5:
            connection.vanish()
            return
        connection.half_close()
        connection.waiting.append(Request(None, lambda reply: require(
            reply.code in ("bad_frame", "bad_json"), reply.text[:300])))

    def rest(self, _):
        """Nothing happens for a while: marks are written, entries grow old."""
        until = time.monotonic() + self.random.choice((0.02, 0.1, 0.1, 2.6))
        while time.monotonic() < until and self.daemon.runs:
            self.pump(0.02)
            if not self.connections:
                time.sleep(0.02)

    def quiet_check(self, connection):
        """When all is answered, everything can be compared exactly."""
        self.settle()
        if connection.ended or not connection.may_read or self.end_expected:
            return
        self._wait_for_follows()
        self.reads.audit(connection)
        self.check_all(connection)
        for follow in self.reads.follows:
            follow.verify()
        self.reads.follows = [f for f in self.reads.follows if not f.ended]
        if not connection.ended and not self.end_expected:
            self.stats.check(connection)

    def _wait_for_follows(self):
        deadline = time.monotonic() + DEADLINE_S
        while any(f.is_behind() for f in self.reads.follows) and not self.end_expected:
            self.pump(0.02)
            require(time.monotonic() < deadline, lambda: "a follow does not go on: " + "; ".join(
                f"{f}: {f.missing(self.log.known_seq)[:5]}" for f in self.reads.follows
                if f.is_behind()))

    def _rest_before_the_end(self):
        """Long enough for all to have expired, if age is a reason."""
        if self.settings.values["retain-age"] == "1s" and self.random.random() < 0.4:
            self.note("rest")
            until = time.monotonic() + 3
            while time.monotonic() < until and self.daemon.runs:
                self.pump(0.05)
                time.sleep(0.02)

    def live(self, steps):
        timer = None
        way = self.random.choice(("kill at any time", "kill at any time", "kill", "stop", "stop",
                                  "stop at any time", "stop twice", "stop and kill"))
        if "at any time" in way:
            number = signal.SIGKILL if "kill" in way else signal.SIGTERM
            timer = threading.Timer(self.random.random(), self._signal_at_any_time, [number])
            timer.start()
        try:
            for _ in range(steps):
                self.act()
                if self.random.random() < 0.5:
                    self.pump(self.random.choice((0, 0, 0.001, 0.01)))
                if not self.daemon.runs:
                    break
            self._rest_before_the_end()
        except (ConnectionRefusedError, FileNotFoundError, ConnectionResetError):
            require(self.end_expected, "no connection")
        finally:
            if timer:
                timer.join()
        self.end(way)

    def _signal_at_any_time(self, number):
        self.end_expected = True
        self.stopping = self.stopping or number == signal.SIGTERM
        self.daemon.signal(number)

    def end(self, way):
        self.lives.append(f"end: {way}")
        require(self.end_expected or self.daemon.runs, f"it ended by itself with "
                f"{self.daemon.process.poll()}:\n{self.daemon.tail()}")
        self.end_expected = True
        killed_at = time.monotonic()
        if way == "kill":
            if self.random.random() < 0.3:
                self.settle()
            self.daemon.kill()
        elif "at any time" not in way:
            self.stopping = True
            self.daemon.signal(signal.SIGTERM)
            if way == "stop twice":
                time.sleep(self.random.random() * 0.01)
                self.daemon.signal(signal.SIGTERM)
            if way == "stop and kill":
                time.sleep(self.random.random() * 0.02)
                self.daemon.signal(signal.SIGKILL)
        self._drain()
        code = self.daemon.wait()
        self.count("stops" if code == 0 else "kills")
        allowed = {"stop": (0,), "stop at any time": (0,), "stop twice": (0, -signal.SIGTERM),
                   "stop and kill": (0, -signal.SIGKILL)}.get(way, (-signal.SIGKILL,))
        require(code in allowed, f"{way}: exit {code}:\n{self.daemon.tail()}")
        if code != 0:
            # What was only read may be older than what was acknowledged lately.
            self.log.unproven_from = 1 + max(
                s for t, s in self.progress if t <= killed_at - UNPROVEN_S or t == 0)
        for follow in self.reads.follows:
            follow.end()
        self.reads.follows.clear()

    def _drain(self):
        """Until each connection has ended: replies that had been sent count."""
        deadline = time.monotonic() + DEADLINE_S
        while self.connections:
            self.pump(0.05)
            require(time.monotonic() < deadline, "connections that do not end")

    def damage(self):
        if not os.path.exists(os.path.join(self.daemon.data, "MANIFEST")):
            return
        done = damage.inflict(self.random, self.daemon.data)
        self.lives.append(f"damage: {done}")
        self.count("damages", len(done))
        self.was_damaged = self.was_damaged or bool(done)
        self.log.damage_is_new = self.log.damage_is_new or bool(done)

    def run(self, deadline):
        for life in range(self.random.randint(3, 14)):
            if life and self.random.random() < 0.2:
                self.damage()
            if self.random.random() < 0.05:
                time.sleep(2.2)
            if self.start():
                self.live(self.random.choice((5, 30, 100, 300)))
            if time.monotonic() > deadline:
                break
        for _ in range(10):   # what the last life left is looked at, too
            if self.start():
                self.end("stop")
                break
        self.count("worlds")

