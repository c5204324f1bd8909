"""Numbered writes: which answers the rules of "Exactly once" allow."""

import collections

from violation import require

REMEMBERED_WRITES = 64


class Writer:
    def __init__(self, writer_id):
        self.id = writer_id
        self.next_number = 1
        self.writes = collections.OrderedDict()   # number -> [Write], by content

    def of(self, number):
        return self.writes.setdefault(number, [])

    def placed(self):
        """(first, last, number) of what is known to be in the log, or to have been."""
        return [(first, first + len(w) - 1, number) for number, writes in self.writes.items()
                for w in writes for first in w.places]

    def last_seq(self):
        return max((last for _, last, _ in self.placed()), default=0)


class WriterOracle:
    def __init__(self, log):
        self.log = log
        self.writers = {}
        self.writers_max = 65536
        log.judge_second_place = self.judge_second_place
        self.repeated = 0
        self.forgotten = 0
        self.conflicts = 0

    def writer(self, writer_id):
        return self.writers.setdefault(writer_id, Writer(writer_id))

    # What the daemon need not remember.

    def is_crowded_out(self, writer, seq):
        """Whether so many others wrote between two of its writes, or behind the last one, that what
        ends at `seq` may be forgotten: a writer that goes on is known from there on again."""
        own = sorted(last for _, last, _ in writer.placed() if last >= seq)
        ends = own[1:] + [float("inf")]
        return any(self._writers_between(writer, first, last) >= self.writers_max
                   for first, last in zip(own or [seq], ends))

    def _writers_between(self, writer, first, last):
        return sum(
            any(first < place < last for place, _, _ in other.placed()) or
            any(a.may_appear for writes in other.writes.values() for w in writes
                for a in w.attempts)
            for other in self.writers.values() if other is not writer)

    def may_be_forgotten(self, writer, seq, why=""):
        """Whether the write that ends at `seq` may be forgotten. If retention alone can be the
        reason, the next audit must name it."""
        log = self.log
        if seq < log.floor or any(last >= seq for _, last in log.gone):
            return True
        if self.is_crowded_out(writer, seq):
            return True
        if log.retention:
            log.claim_expired(seq, f"writer {writer.id[:6]} is forgotten {why}")
            return True
        return False

    def judge_second_place(self, write, first):
        """None if it may be in the log a second time, else why not."""
        if write.writer is None:
            return "it was sent less often than it is there"
        writer = self.writer(write.writer)
        if not any(a.may_appear or a.state == "acked" for a in write.attempts):
            return "it had been refused"
        if not write.places:
            return None
        if write.number != 1 and not self.has_begun_anew(writer, max(write.places), first):
            return "its number was written before, and it was not told"
        last = max(write.places) + len(write) - 1
        if not self.may_be_forgotten(writer, last, "(again)"):
            return "its writer must have been remembered"
        return None

    def has_begun_anew(self, writer, before, first):
        """Whether number 1 stands again between the two: a writer that was forgotten begins with
        it, and the numbers that follow on that connection are new, too."""
        return any(before < place < first or any(a.may_appear for a in write.attempts)
                   for write in writer.of(1) for place in write.places or (0,))

    # Answers.

    def judge_ok(self, attempt, reply, first, last):
        write = attempt.write
        writer = self.writer(write.writer)
        repeated = reply.members.get("dup", False)
        attempt.numbered_ok = True
        if repeated:
            self.repeated += 1
            require(first in write.places or any(
                a.may_appear for a in write.attempts if a is not attempt),
                lambda: f"{write}: dup at {first}, it is known at {write.places}")
        elif first not in write.places:
            self._judge_anew(write, writer, first)
        self.log.acknowledge(attempt, first, last, repeated)

    def _judge_anew(self, write, writer, first):
        """A writer's numbers rise in the order of the log, from each time on that it begins with 1
        because it was forgotten."""
        before = [p for p in writer.placed() if p[0] < first]
        if write.number == 1:
            own = max((last for _, last, _ in before), default=0)
            require(not own or self.may_be_forgotten(writer, own, "(begins anew)"),
                    lambda: f"{write}: written at {first}, its writer wrote before: {before[-5:]}")
            return
        begun = max((place for place, _, number in before if number == 1), default=0)
        above = [p for p in before if p[0] >= begun and p[2] >= write.number]
        require(not above or any(a.may_appear for w in writer.of(1) for a in w.attempts),
                f"{write}: written at {first}, behind its own or higher numbers: {above[-5:]}")

    def judge_conflict(self, attempt, reply):
        write = attempt.write
        self.conflicts += 1
        others = [w for w in self.writer(write.writer).of(write.number) if w is not write]
        require(any(w.is_possible for w in others),
                lambda: f"{write}: id_conflict, and no other content had this number")
        detail = reply.members["error"].get("detail", {})
        first = detail.get("first_seq", detail.get("seq"))
        if first is not None:
            require(any(first in w.places or any(a.may_appear for a in w.attempts)
                        for w in others), f"{write}: id_conflict with {first}: {reply.text}")
        self.log.refuse(attempt)

    def judge_unknown_retry(self, attempt, reply, counted, own):
        """`own`: where the writer's last write was when this one was sent."""
        write = attempt.write
        writer = self.writer(write.writer)
        state = reply.members.get("state")
        require(state in ("not_written", "unknown"), reply.text)
        self.forgotten += 1
        self.log.refuse(attempt)
        if state == "not_written":
            self._judge_skipped(write, writer, own)
        else:
            self._judge_forgotten(write, writer, counted, own)

    def _judge_skipped(self, write, writer, own):
        for place in write.places:
            last = place + len(write) - 1
            require(self.may_be_forgotten(writer, min(last, own), "(told not_written)"),
                    lambda: f"{write}: told not_written, it is at {write.places}")
        require(any(number > write.number and w.is_possible
                    for number, writes in writer.writes.items() for w in writes),
                lambda: f"{write}: unknown_retry, not_written, and no later number was sent")

    def _judge_forgotten(self, write, writer, counted, own):
        placed = [(last, number) for _, last, number in writer.placed()]
        uncertain = any(a.may_appear for writes in writer.writes.values() for w in writes
                        for a in w.attempts)
        if not placed:
            require(not counted or uncertain,
                    lambda: f"{write}: told unknown; nothing of this writer was ever written, and "
                            f"this connection has sent its numbers from 1 on")
            return
        same = [last for last, number in placed if number == write.number]
        newest = max(last for last, _ in placed)
        behind = sum(1 for _, number in placed if number > write.number)
        if behind >= REMEMBERED_WRITES or uncertain:
            return
        if write.number < min(number for _, number in placed):
            return   # never remembered: only the client knows that it was not written
        lowest = min(last for last, _ in placed)
        seq = max(same) if same else lowest if write.number < max(n for _, n in placed) else newest
        seq = min(seq, own)
        why = f"(told unknown of {write.number}: {placed[-9:]})"
        require(self.may_be_forgotten(writer, seq, why),
                lambda: f"{write}: told unknown; its writer must be remembered: {placed[-5:]}")

    def judge_hello(self, writer, members, acked_before, known_before):
        """`acked_before`: (last seq, number) of its last acknowledged write when hello was sent."""
        require(members["durable_seq"] >= known_before,
                f"hello: durable {members['durable_seq']}, {known_before} was acknowledged")
        if "last_write_no" not in members:
            if acked_before:
                require(self.may_be_forgotten(writer, acked_before[0], "(hello)"),
                        f"hello forgets writer {writer.id[:6]}, which wrote {acked_before}")
            return
        number, seq = members["last_write_no"], members["last_seq"]
        writes = writer.writes.get(number, [])
        require(any(seq - len(w) + 1 in w.places or any(a.may_appear for a in w.attempts)
                    for w in writes),
                f"hello: writer {writer.id[:6]} wrote {number} at {seq}: never sent")
        if acked_before:
            require(seq >= acked_before[0], f"hello: last_seq {seq}, acknowledged: {acked_before}")
