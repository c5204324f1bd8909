"""A count, and what it must be."""

import reference_reads
from violation import require
from wire_client import Request


class Count:
    """A count between two audits: exact, if nothing was written and nothing has expired."""

    def __init__(self, actions, query, bucket):
        self.actions = actions
        self.world = actions.world
        self.query = query
        self.bucket = bucket
        self.reply = None

    def ask(self, connection, text, members, log):
        self.connection = connection
        request_id = connection.new_id()
        self.actions.audit(connection, self.first_audit)
        connection.ask(text("count_logs", members, request_id),
                       Request(request_id, self.take))
        self.actions.audit(connection, self.judge)
        self.entries = dict(log.entries)
        self.gone = len(log.gone)
        self.world.count("counts")

    def first_audit(self, _):
        self.floor = self.world.log.floor

    def take(self, reply):
        self.reply = reply
        if not reply.ok and not self.actions.refusal(self.connection, reply, "count"):
            require(reply.code == "bad_request" and "buckets_max" in reply.text, reply.text)

    def judge(self, _):
        log = self.world.log
        if not self.reply or not self.reply.ok:
            return
        if log.floor != self.floor or len(log.gone) != self.gone:
            return
        total = self.reply.members["count"]
        entries = [e for s, e in self.entries.items() if s >= self.floor]
        least = sum(self.query.takes(e) is True for e in entries)
        new = [e for s, e in log.entries.items() if s not in self.entries]
        unsure = len(new) + sum(len(a.write) for a in log.open_attempts) + sum(
            self.query.takes(e) is None for e in entries)
        stamps_unknown = any(e.timestamp is None for e in entries)
        require(least <= total <= least + unsure,
                f"count {self.query}: {total} in place of {least} (and up to {unsure} more)")
        buckets = self.reply.members.get("buckets")
        require((buckets is None) == (self.bucket is None), self.reply.text[:300])
        if buckets is None:
            return
        require(sum(n for _, n in buckets) == total and all(n > 0 for _, n in buckets),
                f"count {self.query}: {total} in buckets {buckets}")
        if not unsure and not stamps_unknown:
            expected = reference_reads.count(log, self.query, self.bucket)[1]
            require(buckets == expected, f"count {self.query}: {buckets} in place of {expected}")
