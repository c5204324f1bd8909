"""Numbered writes: which answers the rules of "Exactly once" allow."""

from violation import require

REMEMBERED_WRITES = 64


class Writer:
    def __init__(self, writer_id):
        self.id = writer_id
        self.next_number = 1
        self.since_seq = None   # durable_seq of its first hello, before it wrote anything
        self.writes = {}        # number -> [Write], by content

    def of(self, number):
        return self.writes.setdefault(number, [])

    def placed(self):
        """(first, last, number) of what is known to be in the log, or to have been."""
        return [(first, first + len(w) - 1, number) for number, writes in self.writes.items()
                for w in writes for first in w.places]

    def last_seq(self):
        return max((last for _, last, _ in self.placed()), default=0)

    def is_uncertain(self):
        return any(a.may_appear for writes in self.writes.values() for w in writes
                   for a in w.attempts)


class WriterOracle:
    def __init__(self, log):
        self.log = log
        self.writers = {}
        self.writers_max = 65536    # the least of all lives so far: nothing is remembered again
        self.start_floor = 1        # what had expired when this life began
        log.judge_second_place = self.judge_second_place

    def writer(self, writer_id):
        return self.writers.setdefault(writer_id, Writer(writer_id))

    def new_life(self, writers_max):
        self.writers_max = min(self.writers_max, writers_max)
        self.start_floor = self.log.floor

    # What the daemon need not know.

    def is_crowded(self, writer):
        """Whether there are more writers than it has room for."""
        others = sum(bool(w.placed()) or w.is_uncertain()
                     for w in self.writers.values() if w is not writer)
        return others >= self.writers_max

    def may_be_unsure(self, writer, seq, why):
        """Whether something that ends at `seq` may be unknown. If retention alone can be the
        reason, the next audit must name it."""
        log = self.log
        if seq < log.floor or log.gone or self.is_crowded(writer):
            return True
        if log.retention:
            log.claim_expired(seq, f"writer {writer.id[:6]}: {why}")
            return True
        return False

    def judge_second_place(self, write, first):
        """None if it may be in the log a second time, else why not."""
        if write.writer is None:
            return "it was sent less often than it is there"
        if not any(a.may_appear or a.state == "acked" for a in write.attempts):
            return "it had been refused"
        if not write.places:
            return None
        if write.number != 1:
            # Number 1, taken as the word of a new writer, makes those that follow new, too.
            if self._has_begun_anew(write, first):
                return None
            return "its number was written before, and it was not told"
        if all(a.since_given for a in write.attempts[1:] if a.may_appear):
            return "its hello had a since_seq"
        before = [last for place, last, _ in self.writer(write.writer).placed() if place < first]
        if not self.log.gone and any(last >= self.start_floor for last in before):
            return "the log had entries of its writer when the daemon started"
        return None

    def _has_begun_anew(self, write, first):
        last = max(write.places) + len(write) - 1
        is_gone = last < self.start_floor or bool(self.log.gone)
        return is_gone and any(
            any(last < place < first for place in w.places) or any(
                a.may_appear for a in w.attempts) for w in self.writer(write.writer).of(1))

    # Answers.

    def judge_ok(self, attempt, reply, first, last):
        write = attempt.write
        repeated = reply.members.get("dup", False)
        if repeated:
            require(first in write.places or any(
                a.may_appear for a in write.attempts if a is not attempt),
                lambda: f"{write}: dup at {first}, it is known at {write.places}")
        self.log.acknowledge(attempt, first, last, repeated)

    def judge_conflict(self, attempt, reply):
        write = attempt.write
        others = [w for w in self.writer(write.writer).of(write.number) if w is not write]
        require(any(w.is_possible for w in others),
                lambda: f"{write}: id_conflict, and no other content had this number")
        detail = reply.members["error"].get("detail", {})
        first = detail.get("first_seq", detail.get("seq"))
        if first is not None:
            require(any(first in w.places or any(a.may_appear for a in w.attempts)
                        for w in others), f"{write}: id_conflict with {first}: {reply.text}")
        self.log.refuse(attempt)

    def judge_unknown_retry(self, attempt, reply):
        write = attempt.write
        writer = self.writer(write.writer)
        state = reply.members.get("state")
        require(state in ("not_written", "unknown"), reply.text)
        self.log.refuse(attempt)
        if state == "not_written":
            for place in write.places:
                require(self.may_be_unsure(writer, place + len(write) - 1, "told not_written"),
                        lambda: f"{write}: told not_written, it is at {write.places}")
        above = {number for number, writes in writer.writes.items()
                 if number > write.number and any(w.is_possible for w in writes)}
        if len(above) >= REMEMBERED_WRITES or max(above, default=0) >= (
                write.number + REMEMBERED_WRITES):
            return
        require(state == "unknown", lambda: f"{write}: told not_written, above it are {above}")
        oldest = min((last for _, last, _ in writer.placed()), default=1)
        require(self.may_be_unsure(writer, oldest, f"told unknown of {write.number}"),
                lambda: f"{write}: told unknown, and nothing can have been forgotten: "
                        f"{writer.placed()[-9:]}")

    # hello.

    def judge_hello(self, writer, members, known_before, placed_before):
        """`placed_before`: {number: last seq} of what was known to be there when it was sent."""
        require(members["durable_seq"] >= known_before,
                f"hello: durable {members['durable_seq']}, {known_before} was acknowledged")
        if not writer.writes and writer.since_seq is None:
            writer.since_seq = members["durable_seq"]
        if "last_write_no" in members:
            number, seq = members["last_write_no"], members["last_seq"]
            require(any(seq - len(w) + 1 in w.places or any(a.may_appear for a in w.attempts)
                        for w in writer.writes.get(number, [])),
                    f"hello: writer {writer.id[:6]} wrote {number} at {seq}: never sent")
        if "written" not in members:
            return
        written = members["written"]
        for number in (n for first, last in written + members["under_way"]
                       for n in range(first, last + 1)):
            require(any(w.is_possible for w in writer.writes.get(number, ())),
                    lambda: f"hello: writer {writer.id[:6]} wrote {number}: never sent, or refused")
        above = members["known_above"]
        for number, seq in placed_before.items():
            told = any(first <= number <= last for first, last in written)
            if told or (above is not None and number <= above) or seq < self.start_floor:
                continue
            require(above is None and self.may_be_unsure(writer, seq, "hello knows nothing"),
                    lambda: f"hello: {number} of writer {writer.id[:6]} at {seq} is not in "
                            f"{written}, above {above}")
