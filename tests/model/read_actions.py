"""Reads, pages, counts, follows, cancels, and the smaller questions."""

import json

from count_action import Count
from entry_maker import BASE_TS, SMALL_VALUES, NAMES, WORDS
from follow_action import Follow
from json_text import canonical_string
from paged_read import Pages
from reference_reads import LEVELS, TS_MAX, Query
from violation import require
from wire_client import Request


class ReadActions:
    def __init__(self, world):
        self.world = world
        self.random = world.random
        self.follows = []

    # Queries by chance.

    def members(self):
        random = self.random
        members = {}
        if random.random() < 0.4:
            start = random.choice((0, BASE_TS, BASE_TS + random.randint(0, 60),
                                   random.randint(0, TS_MAX), TS_MAX))
            members["start_ts"] = start
        if random.random() < 0.4:
            members["end_ts"] = random.choice((BASE_TS + random.randint(0, 60), TS_MAX,
                                               random.randint(0, TS_MAX), 0))
        if random.random() < 0.2:
            members["after_seq"] = random.randint(0, self.world.log.known_seq)
        if random.random() < 0.3:
            members["min_level"] = random.choice(LEVELS)
        if random.random() < 0.2:
            members["contains"] = random.choice((*WORDS, "#1", "#", "yy"))
        if random.random() < 0.2:
            names = random.sample(NAMES + ("n",), random.choice((0, 1, 1, 2)))
            members["where"] = {name: random.choice(SMALL_VALUES) for name in names}
        if random.random() < 0.1:
            pid, uid, _ = random.choice(self.world.origins)
            members["origin"] = random.choice(({"pid": pid}, {"uid": uid},
                                               {"pid": pid, "uid": uid}))
        return members

    def refusal(self, connection, reply, what=""):
        """True if the reply refuses what this connection may not do, or what a stop refuses."""
        if not connection.may_read:
            require(reply.code == "forbidden", lambda: f"{what}: {reply.text[:300]}")
            return True
        if not reply.ok and reply.code == "shutting_down":
            require(self.world.stopping, lambda: f"{what}: {reply.text[:300]}")
            return True
        return False

    def text(self, op, members, request_id):
        parts = [f'"op":"{op}"', f'"id":{json.dumps(request_id)}']
        for name, value in members.items():
            if name == "where":
                value = self.world.maker.spelled(value)
            elif isinstance(value, str):
                value = canonical_string(value)
            elif isinstance(value, dict):
                value = "{" + ",".join(f'"{n}":{v}' for n, v in value.items()) + "}"
            elif value is True:
                value = "true"
            parts.append(f'"{name}":{value}')
        self.random.shuffle(parts)
        return "{" + ",".join(parts) + "}"

    # Reads.

    def read(self, connection):
        members = self.members()
        if self.random.random() < 0.5:
            members["order"] = self.random.choice(("asc", "desc"))
        if self.random.random() < 0.5:
            members["limit"] = self.random.choice((0, 1, 2, 7, 50, 1000))
        Pages(self, connection, members).ask()

    def count(self, connection):
        members = self.members()
        query = Query(**members)
        bucket = self.random.choice((None, None, 1, 7, 10**6, 10**17, TS_MAX))
        if bucket and bucket < 10**17:
            members.setdefault("start_ts", BASE_TS)
            members.setdefault("end_ts", BASE_TS + 60)
            query = Query(**members)
        if bucket:
            members["bucket_us"] = bucket
        log = self.world.log
        Count(self, query, bucket).ask(connection, self.text, members, log)

    def follow(self, connection):
        Follow(self, connection).ask()

    def cancel(self, connection):
        targets = [r.id for r in (*connection.follows.values(), *connection.waiting)
                   if r.id is not None]
        target = self.random.choice(targets) if targets else "nobody"
        request_id = connection.new_id()

        def judge(reply):
            require(reply.ok and isinstance(reply.members["cancelled"], bool), reply.text)
            require(target not in connection.follows, f"cancel: {target!r} goes on")
        connection.ask(f'{{"op":"cancel","id":{json.dumps(request_id)},'
                       f'"target":{json.dumps(target)}}}', Request(request_id, judge))

    # Smaller questions.

    def hello(self, connection, writer_id=None):
        request_id = connection.new_id()
        world = self.world
        known = world.log.known_seq
        text = f'{{"op":"hello","id":{json.dumps(request_id)},"client":"model"'
        if writer_id:
            text += f',"writer":"{writer_id}"'
            connection.writer = writer_id
            writer = world.writers.writer(writer_id)
            placed = {number: last for _, last, number in writer.placed()}
            connection.since_given = bool(world.knows_since_seq and writer.since_seq is not None
                                          and self.random.random() < 0.5)
            if connection.since_given:
                text += f',"since_seq":{writer.since_seq}'

        def judge(reply):
            require(reply.ok and reply.members["protocol"] == 1, reply.text)
            world.store_id = world.store_id or reply.members["store_id"]
            require(reply.members["store_id"] == world.store_id, "another store_id")
            if writer_id:
                world.knows_since_seq = "known_above" in reply.members
                world.writers.judge_hello(writer, reply.members, known, placed)
        connection.ask(text + "}", Request(request_id, judge))

    def audit(self, connection, then=None):
        request_id = connection.new_id()
        facts = self.world.log.facts()
        reports = len(self.world.dropped_told)

        def judge(reply):
            if self.refusal(connection, reply, "audit"):
                return
            require(reply.ok, reply.text[:500])
            self.world.log.audit(reply, facts)
            self.world.judge_dropped(reply, reports)
            self.world.judge_held()
            if then:
                then(reply)
        connection.ask(f'{{"op":"audit","id":{json.dumps(request_id)}}}',
                       Request(request_id, judge))

    def ping(self, connection):
        request_id = connection.new_id()

        def judge(reply):
            require(reply.ok or (self.world.stopping and reply.code == "shutting_down"), reply.text)
        connection.ask(f'{{"op":"ping","id":{json.dumps(request_id)}}}',
                       Request(request_id, judge, kind="ping"))

    def report_dropped(self, connection):
        request_id = connection.new_id()
        number = self.random.choice((1, 7, 1000))
        world = self.world
        known = world.log.known_seq
        world.dropped_at_most += number

        def judge(reply):
            if not connection.may_write:
                require(reply.code == "forbidden", reply.text)
                world.dropped_at_most -= number
            elif reply.ok:
                require(reply.members["before_seq"] > known, reply.text)
                world.dropped_told.append((reply.members["before_seq"], number))
            else:
                require(world.stopping and reply.code == "shutting_down", reply.text)
                world.dropped_at_most -= number
        writer = f',"writer":"{world.some_writer()}"' if self.random.random() < 0.3 else ""
        connection.ask(f'{{"op":"report_dropped","id":{json.dumps(request_id)},"count":{number}'
                       f'{writer}}}', Request(request_id, judge))

    def confirm(self, connection):
        consumers = self.world.settings.consumers
        if not consumers:
            return
        consumer = self.random.choice(consumers)
        seq = self.random.randint(0, self.world.log.known_seq)
        request_id = connection.new_id()
        if connection.may_read:
            self.world.confirming(consumer, seq)

        def judge(reply):
            require(self.refusal(connection, reply, "confirm") or reply.ok, reply.text)
        connection.ask(f'{{"op":"confirm","id":{json.dumps(request_id)},"consumer":"{consumer}",'
                       f'"seq":{seq}}}',
                       Request(request_id, judge))
