"""Writes: new ones, numbered ones, the same again, wrong ones; and what their replies may say."""

import json

from json_text import canonical
from log_oracle import Write
from violation import require
from wire_client import Request


def size_of(intent):
    """What `entry_bytes_max` bounds: `{}` counts as nothing."""
    metadata = canonical(intent.metadata) if intent.metadata else ""
    return len(intent.message.encode()) + len(metadata.encode())


class WriteActions:
    def __init__(self, world):
        self.world = world
        self.random = world.random
        self.maker = world.maker
        self.unanswered = []     # writes without a number that were lost: may be sent again

    # Making.

    def new_intents(self):
        random = self.random
        chance = random.random()
        if chance < 0.55:
            return [self.maker.intent()]
        if chance < 0.9:
            return [self.maker.intent() for _ in range(random.randint(1, 12))]
        if chance < 0.97:
            return [self.maker.intent(random.choice((900, 5000, 40_000)))
                    for _ in range(random.randint(1, 6))]
        limit = self.world.settings.number("max-entry-bytes")
        if limit > 200_000:
            return [self.maker.intent(100_000)]
        return [self.maker.intent(limit - random.randint(0, 200))]

    def _text(self, write, request_id):
        random = self.random
        many = len(write) > 1 or random.random() < 0.1
        entries = ",".join(i.sent for i in write.intents)
        members = ['"op":"write_many_logs"' if many else '"op":"write_log"']
        if request_id is not None:
            members.append(f'"id":{json.dumps(request_id)}')
        if write.number is not None:
            members.append(f'"write_no":{write.number}')
        members.append(f'"entries":[{entries}]' if many else f'"entry":{entries}')
        if random.random() < 0.2:
            random.shuffle(members)
        return "{" + ",".join(members) + "}"

    # Sending.

    def send(self, connection, write):
        world = self.world
        attempt = world.log.attempt(write, connection)
        request_id = connection.new_id() if self.random.random() < 0.9 else None
        connection.ask(self._text(write, request_id), Request(
            request_id, lambda reply: self._judge(attempt, reply, connection),
            lambda: self._lost(attempt)))
        world.count("writes")

    def _lost(self, attempt):
        self.world.log.lose(attempt)
        if attempt.write.writer is None:
            self.unanswered.append(attempt.write)

    def _judge(self, attempt, reply, connection):
        world = self.world
        write = attempt.write
        limit = world.settings.number("max-entry-bytes")
        too_large = any(size_of(i) > limit for i in write.intents)
        if reply.ok:
            require(connection.may_write, f"{write}: taken, by a user that may not write")
            require(not too_large, f"{write}: taken, above {limit} bytes")
            first = reply.members.get("first_seq", reply.members.get("seq"))
            last = reply.members.get("last_seq", first)
            if write.writer:
                world.writers.judge_ok(attempt, reply, first, last)
            else:
                require("dup" not in reply.members, reply.text)
                world.log.acknowledge(attempt, first, last, False)
            world.acknowledged(last)
            world.count("acknowledged", len(write))
            return
        world.count("refused writes")
        if reply.code == "id_conflict":
            require(write.writer, reply.text)
            world.writers.judge_conflict(attempt, reply)
        elif reply.code == "unknown_retry":
            require(write.writer, reply.text)
            world.writers.judge_unknown_retry(attempt, reply)
        else:
            allowed = {"entry_too_large": too_large, "forbidden": not connection.may_write,
                       "shutting_down": world.stopping,
                       "overloaded": "writer_writes_max" in reply.text or
                                     world.settings.number("max-in-flight-bytes") < 1 << 20}
            require(allowed.get(reply.code), f"{write}: {reply.text[:500]}")
            require(reply.members.get("state") in (None, "not_written"), reply.text[:500])
            world.log.refuse(attempt)

    # Actions.

    def write(self, connection):
        if self.unanswered and self.random.random() < 0.3:
            self.send(connection, self.unanswered.pop())   # it may be there twice: nobody minds
        else:
            self.send(connection, Write(self.new_intents()))

    def fill(self, connection):
        """So much that retention has something to do."""
        size = min(40_000, self.world.settings.number("max-entry-bytes") - 100)
        for _ in range(self.random.randint(1, 4)):
            self.send(connection, Write([self.maker.intent(size) for _ in range(6)]))

    def numbered(self, connection):
        """One of the things that clients with numbers do, well-behaved and otherwise."""
        if not connection.writer:
            self.world.reads.hello(connection, self.world.some_writer())
            return
        writer = self.world.writers.writer(connection.writer)
        chance = self.random.random()
        if chance < 0.45 or not writer.writes:
            self._new_number(connection, writer)
        elif chance < 0.75:
            self._again(connection, writer)
        elif chance < 0.82:
            self._other_content(connection, writer)
        elif chance < 0.94:
            self._refused_then_mended(connection, writer)
        else:
            for _ in range(self.random.randint(2, 8)):
                self._new_number(connection, writer)

    def _write_of(self, writer, number):
        write = Write(self.new_intents() if self.random.random() < 0.5 else [self.maker.intent()],
                      writer.id, number)
        writer.of(number).append(write)
        return write

    def _new_number(self, connection, writer):
        if self.random.random() < 0.1:
            writer.next_number += self.random.randint(1, 3)
        number = writer.next_number
        writer.next_number += 1
        self.send(connection, self._write_of(writer, number))

    def _again(self, connection, writer):
        """What was sent before, most often the newest numbers, in their order."""
        numbers = list(writer.writes)
        back = min(len(numbers), self.random.choice((1, 1, 2, 5, 70)))
        for number in numbers[-back:][:self.random.choice((1, 2, 5))]:
            writes = writer.writes[number]
            if writes:
                self.send(connection, writes[0])

    def _other_content(self, connection, writer):
        number = self.random.choice(list(writer.writes)[-5:])
        self.send(connection, self._write_of(writer, number))

    def _refused_then_mended(self, connection, writer):
        """Numbers whose entries are not valid, then the same numbers with valid ones."""
        numbers = [writer.next_number + i for i in range(self.random.choice((1, 2, 3)))]
        writer.next_number = numbers[-1] + 1
        for number in numbers:
            request_id = connection.new_id()
            text = (f'{{"op":"write_log","id":{json.dumps(request_id)},"write_no":{number},'
                    f'"entry":{{"message":"bad","timestamp":-1}}}}')
            allowed = ["invalid_entry"] + ["forbidden"] * (not connection.may_write)
            connection.ask(text, Request(request_id, lambda reply: require(
                reply.code in allowed or (self.world.stopping and not reply.ok), reply.text)))
        if self.random.random() < 0.2:
            numbers.reverse()
        for number in numbers:
            self.send(connection, self._write_of(writer, number))
