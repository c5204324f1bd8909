"""What the log may hold: what was sent, what was acknowledged, what a read has shown."""

import re

from violation import require

ROW_HEAD = re.compile(r'\{"seq":(\d+),"timestamp":(\d+),')
ROW_TAIL = re.compile(r',"version":1,"origin":\{"pid":(\d+),"uid":(\d+),"gid":(\d+)\}\}$')


class Intent:
    """One entry as it is to be stored. `timestamp` is None if the daemon is to choose it."""

    __slots__ = ("timestamp", "level", "message", "metadata", "body", "sent")

    def __init__(self, timestamp, level, message, metadata, body, sent):
        self.timestamp = timestamp
        self.level = level
        self.message = message
        self.metadata = metadata
        self.body = body
        self.sent = sent


class Attempt:
    """One sending of a write. state: open, acked, refused, lost (no reply), over."""

    __slots__ = ("write", "connection", "origin", "state", "sent_behind", "life",
                 "since_given")

    def __init__(self, write, connection, sent_behind, life):
        self.write = write
        self.connection = connection.name
        self.origin = connection.origin
        self.state = "open"
        self.sent_behind = sent_behind
        self.life = life
        self.since_given = connection.since_given

    @property
    def may_appear(self):
        return self.state in ("open", "lost")


class Write:
    """Entries that are sent together, once or again."""

    def __init__(self, intents, writer=None, number=None):
        self.intents = intents
        self.writer = writer
        self.number = number
        self.attempts = []
        self.places = []        # the first seqs at which it is in the log
        self.acked_places = set()   # told without dup
        self.places_before = 0      # those of lives that are over

    def __len__(self):
        return len(self.intents)

    def __str__(self):
        who = f"writer {self.writer[:6]} number {self.number}" if self.writer else "write"
        return f"{who} of {len(self)} ({self.intents[0].body[:100]})"

    @property
    def is_possible(self):
        """Whether it may be in the log, or come to be."""
        return bool(self.places) or any(a.may_appear for a in self.attempts)


class Entry:
    __slots__ = ("seq", "write", "index", "timestamp", "origin")

    def __init__(self, seq, write, index):
        self.seq = seq
        self.write = write
        self.index = index
        self.timestamp = write.intents[index].timestamp
        self.origin = None

    @property
    def intent(self):
        return self.write.intents[self.index]


class LogOracle:
    def __init__(self):
        self.entries = {}        # seq -> Entry: what must be there unless it has expired
        self.by_body = {}        # body -> [(write, index)]
        self.expired = {}        # the same for what has expired since this life began
        self.floor = 1           # seqs below have expired, as audit said
        self.must_have_expired = 0   # a seq that a read left out: the next audit must say so
        self.why_expired = ""
        self.gone = []           # (first, last): what damage took, and torn writes
        self.known_seq = 0       # on disk up to here: acknowledged or seen
        self.retention = False   # whether entries may expire in this life
        self.life = 0
        self.damage_is_new = False   # damage was done and no audit has told of it yet
        self.unproven_from = None    # with damage: entries from here on may be gone without a word
        self.judge_second_place = lambda write, first: "a write is in the log twice"
        self.open_attempts = set()
        self.is_opening = False  # the first audit of a life is asked for
        self.gaps_ever = 0
        self.losses = 0

    # What is sent.

    def attempt(self, write, connection):
        if not write.attempts:
            for index, intent in enumerate(write.intents):
                self.by_body.setdefault(intent.body, []).append((write, index))
        attempt = Attempt(write, connection, self.known_seq, self.life)
        write.attempts.append(attempt)
        self.open_attempts.add(attempt)
        return attempt

    def refuse(self, attempt):
        self._leave(attempt, "refused")

    def lose(self, attempt):
        """No reply came: it may be in the log, or come into it while this life goes on."""
        if attempt.state == "open":
            attempt.state = "lost"

    def _leave(self, attempt, state):
        attempt.state = state
        self.open_attempts.discard(attempt)

    def acknowledge(self, attempt, first, last, repeated):
        write = attempt.write
        require(last - first + 1 == len(write), f"{write}: acknowledged as {first} to {last}")
        if not repeated:
            require(first not in write.acked_places,
                    f"{write}: {first} was acknowledged before, without dup")
            require(first > attempt.sent_behind,
                    f"{write}: seq {first} behind an acknowledgement of {attempt.sent_behind}")
        if first not in write.places:
            self.place(write, first)
        if not repeated:
            write.acked_places.add(first)
        self._leave(attempt, "acked")
        self.known_seq = max(self.known_seq, last)

    def place(self, write, first):
        for index in range(len(write)):
            other = self.entries.get(first + index)
            require(other is None,
                    lambda: f"seq {first + index} is of {write} and of {other.write}")
        numbered = write.writer is not None
        chances = write.places_before + sum(a.state in ("open", "lost", "acked")
                                            for a in write.attempts)
        allowed = min(chances, 1) if numbered else chances
        if len(write.places) >= allowed:
            reason = self.judge_second_place(write, first)
            require(reason is None, f"{write} at {write.places} and {first}: {reason}")
        write.places.append(first)
        for index in range(len(write)):
            if not self._is_gone(first + index):
                where = self.entries if first + index >= self.floor else self.expired
                where[first + index] = Entry(first + index, write, index)
        self.known_seq = max(self.known_seq, first + len(write) - 1)

    # What is seen.

    def see(self, row, floor):
        """A row of a read: it is what was sent, byte for byte. The entry that it is. `floor`: when
        the read was asked for; what has expired since may still come."""
        head = ROW_HEAD.match(row)
        tail = ROW_TAIL.search(row)
        require(head and tail, f"not the canonical form: {row[:300]}")
        seq, timestamp = int(head[1]), int(head[2])
        body = row[head.end():tail.start()]
        origin = tuple(map(int, tail.groups()))
        require(seq >= floor, f"seq {seq} had expired, and is there")
        entry = (self.entries.get(seq) or self.expired.get(seq) or
                 self._find(seq, timestamp, body, row))
        intent = entry.intent
        require(body == intent.body, lambda: f"seq {seq} has other bytes: {row[:300]} in place of "
                                             f"{intent.body[:300]} (of {entry.write})")
        require(entry.timestamp in (None, timestamp),
                lambda: f"seq {seq}: timestamp {timestamp} in place of {entry.timestamp}")
        entry.timestamp = timestamp
        if entry.origin is None:
            origins = {a.origin for a in entry.write.attempts}
            require(origin in origins, lambda: f"seq {seq}: origin {origin}, sent by {origins}")
            entry.origin = origin
        require(entry.origin == origin, f"seq {seq}: its origin has changed to {origin}")
        self.known_seq = max(self.known_seq, seq)
        return entry

    def _find(self, seq, timestamp, body, row):
        for write, index in self.by_body.get(body, ()):
            if write.intents[index].timestamp not in (None, timestamp):
                continue
            if any(a.may_appear for a in write.attempts):
                self.place(write, seq - index)
                return self.entries.get(seq) or self.expired[seq]
        known = [str(w) for w, _ in self.by_body.get(body, ())]
        states = [(a.state, a.life) for w, _ in self.by_body.get(body, ()) for a in w.attempts]
        require(False, f"seq {seq} was never sent, or was refused, or is there twice: {row[:300]}; "
                       f"known as {known}, {states}")

    # What is missing.

    def _is_gone(self, seq):
        return any(first <= seq <= last for first, last in self.gone)

    def miss(self, seq, where):
        """A read left it out: it must have expired."""
        if seq < self.floor or self._is_gone(seq):
            return
        require(self.retention, lambda: f"{where}: seq {seq} is missing, of {self.known_seq}")
        self.claim_expired(seq, where)

    def claim_expired(self, seq, why):
        """This can only be so if the seq has expired: the audits that follow must say so."""
        if seq > self.must_have_expired:
            self.must_have_expired, self.why_expired = seq, why

    def facts(self):
        """What an audit that is asked for now must say at least."""
        return self.known_seq, self.must_have_expired

    def audit(self, reply, facts):
        """Takes what audit says about what is missing, after judging it."""
        sent_behind, must_have_expired = facts
        members = reply.members
        last = members["last_seq"]
        require(members["first_seq"] == 1 and last >= sent_behind,
                f"audit from {members['first_seq']} to {last}, {sent_behind} was acknowledged")
        require(members["unexplained"] == 0, f"unexplained: {reply.text[:500]}")
        require(members["complete"] == (members["damaged"] == 0), reply.text[:500])
        if members["gaps_omitted"]:
            return
        gaps = [(g["first_seq"], g["last_seq"], g["reason"]) for g in members["gaps"]
                if g["reason"] != "dropped_by_client"]
        self._count_gaps(gaps, members, last)
        self._judge_expired(gaps, must_have_expired)
        self._judge_new_gaps(gaps)

    def _count_gaps(self, gaps, members, last):
        named = sum(min(b, last) - a + 1 for a, b, _ in gaps if a <= last)
        require(members["present"] + named == last,
                f"audit: {members['present']} present, {named} named, of {last}: {gaps[:20]}")
        require(all(b < c for (_, b, _), (c, _, _) in zip(gaps, gaps[1:])),
                f"gaps overlap: {gaps[:20]}")
        for reason in ("expired", "damaged", "torn"):
            whole = sum(b - a + 1 for a, b, r in gaps if r == reason)
            inside = sum(min(b, last) - a + 1 for a, b, r in gaps if r == reason and a <= last)
            require(members[reason] in (whole, inside),
                    f"audit: {reason} {members[reason]}, the gaps say {inside}: {gaps[:20]}")

    def _judge_expired(self, gaps, must_have_expired):
        floor = 1
        for first, last, reason in gaps:
            if first > floor:
                break
            if reason != "expired" and last >= self.floor:
                # What had expired may be called damaged, too.
                floor = max(floor, self.floor, min(must_have_expired, last) + 1)
                break
            floor = last + 1
        if floor < self.floor and not self.is_opening:
            return   # asked for before the audit that told more
        require(floor >= self.floor,
                f"what had expired below {self.floor} is named no more: {gaps[:20]}")
        require(floor == self.floor or self.retention,
                f"entries below {floor} have expired, and nothing may: {gaps[:20]}")
        require(floor > must_have_expired,
                f"{self.why_expired}: seq {must_have_expired} must have expired, audit "
                f"names what expired below {floor}: {gaps[:20]}")
        if floor > self.floor:
            for seq in [s for s in self.entries if s < floor]:
                self.expired[seq] = self.entries.pop(seq)
        self.floor = floor

    def _judge_new_gaps(self, gaps):
        fresh = [(a, b, r) for a, b, r in gaps
                 if b >= self.floor and not any(c <= a and b <= d for c, d in self.gone)]
        for first, last, reason in fresh:
            lost = [s for s in self.entries if first <= s <= last]
            acked = [s for s in lost if self._was_promised(s)]
            require(reason != "damaged" or self.damage_is_new,
                    f"damage was named, none was done: {first} to {last}, with {acked[:10]}")
            require(not acked or self.damage_is_new,
                    f"{reason} {first} to {last}: {acked[:10]} had been promised")
            self._forget(lost)
            self.gone.append((first, last))
            self.gaps_ever += 1

    def _was_promised(self, seq):
        return True   # known entries were acknowledged or shown to a reader: both are promises

    def _forget(self, seqs):
        self.losses += len(seqs)
        for seq in seqs:
            entry = self.entries.pop(seq, None)
            if entry and entry.index == 0:
                entry.write.places = [p for p in entry.write.places if p != seq]

    # A new life.

    def forget_unproven(self, durable_seq):
        """Damage at the end of a log that was killed may have taken what nothing had proven."""
        if not self.damage_is_new or self.unproven_from is None:
            return
        lost = [s for s in self.entries if s > durable_seq]
        require(all(s >= self.unproven_from for s in lost),
                lambda: f"the log ends at {durable_seq}; {min(lost)} was proven")
        for seq in lost:
            entry = self.entries[seq]
            entry.write.acked_places.discard(seq - entry.index)
        self._forget(lost)
        self.known_seq = min(self.known_seq, max(durable_seq, self.unproven_from - 1))

    def close_attempts(self):
        """All that a life before this one left in the log has been read: the rest is not there."""
        self.expired = {}
        for attempt in [a for a in self.open_attempts if a.life < self.life]:
            write = attempt.write
            for other in write.attempts:
                if other.state != "refused":
                    self._leave(other, "over")
            write.places_before = len(write.places)

    def max_seq(self):
        return max(self.entries, default=0)
