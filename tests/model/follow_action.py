"""A follow: all that matches from its start on, by rising seq, each once."""

from reference_reads import Query
from violation import require
from wire_client import Request


class Follow:
    def __init__(self, actions, connection):
        self.actions = actions
        self.world = actions.world
        self.connection = connection
        self.members = actions.members()
        self.seq = 0
        self.shown = set()
        self.lagged = []
        self.caught_up = False
        self.first_frame_seq = None
        self.ended = False

    def __str__(self):
        return (f"follow {self.query} from {self.start} at {self.seq} on {self.connection.name}, "
                f"its {list(self.connection.follows)}, {self.connection.closing}")

    def ask(self):
        random, world, members = self.actions.random, self.world, self.members
        log = world.log
        members.pop("after_seq", None)
        self.start = 0
        chance = random.random()
        self.query = Query(**members)
        self.query.by_seq = True
        if chance < 0.4:
            self.start = members["after_seq"] = random.randint(0, log.known_seq)
        elif chance < 0.6 and world.is_settled():
            limit = members["limit"] = random.choice((0, 1, 3, 20))
            matching = sorted(s for s, e in log.entries.items() if self.query.takes(e))
            if limit == 0:
                self.start = log.known_seq
            elif len(matching) > limit:
                self.start = matching[-limit] - 1
        self.seq = members.get("after_seq", 0)
        request_id = self.connection.new_id()
        self.known_seq, self.floor = log.known_seq, log.floor
        world.count("follows")
        self.connection.ask(self.actions.text("read_logs", {**members, "follow": True}, request_id),
                            Request(request_id, self.take, self.end, "follow"))
        self.actions.follows.append(self)

    def take(self, reply):
        if not reply.ok:
            self.end()
            if self.actions.refusal(self.connection, reply, str(self)):
                return
            require(reply.code == "overloaded" and self.world.settings.number("max-tails") < 16,
                    f"{self}: {reply.text[:500]}")
            return
        log = self.world.log
        seq = reply.members["seq"]
        lagged = reply.members.get("lagged")
        require(seq >= self.seq, f"{self}: seq {seq} in {reply.text[:300]}")
        for row in reply.rows:
            entry = log.see(row, self.floor)
            require(self.query.takes(entry), f"{self}: {entry.seq} does not match")
            require(entry.seq > max(self.start, self.seq) and entry.seq <= seq,
                    f"{self}: {entry.seq} in a frame up to {seq}")
            require(not self.shown or entry.seq > max(self.shown), f"{self}: {entry.seq} again")
            self.shown.add(entry.seq)
        if lagged:
            if not log.gone:
                log.miss(lagged["to_seq"], str(self))
            require(lagged["from_seq"] > self.start and lagged["to_seq"] <= seq,
                    f"{self}: {lagged}")
            self.lagged.append((lagged["from_seq"], lagged["to_seq"]))
        self.seq = seq
        if self.first_frame_seq is None:
            self.first_frame_seq = seq
        if reply.members.get("caught_up"):
            require(not self.caught_up and seq >= self.known_seq,
                    f"{self}: caught_up at {seq}, {self.known_seq} was on disk")
            self.caught_up = True
        self.world.count("rows followed", len(reply.rows))
        if not reply.more:
            self.end()

    def end(self):
        if not self.ended:
            self.ended = True
            self.verify()

    def missing(self, up_to):
        return [s for s, e in self.world.log.entries.items()
                if self.start < s <= up_to and s not in self.shown
                and self.query.takes(e) is True
                and not any(a <= s <= b for a, b in self.lagged)]

    def verify(self):
        """All that it says to have sent was sent. What had expired when it began is no loss."""
        for seq in self.missing(self.seq):
            if seq <= (self.first_frame_seq or 0):
                self.world.log.miss(seq, str(self))
            else:
                require(seq < self.world.log.floor, f"{self}: seq {seq} was left out")

    def is_behind(self):
        """Something is to come. What it has passed by must have expired, as verify() judges."""
        return not self.ended and any(
            seq > self.seq for seq in self.missing(self.world.log.known_seq))
