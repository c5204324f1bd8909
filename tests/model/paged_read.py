"""A read and its pages, which are of one snapshot."""

from reference_reads import Query, judge_rows
from violation import require
from wire_client import Request


class Pages:
    """A read, and where it ended with a cursor, the rest of it."""

    def __init__(self, actions, connection, members, query=None, behind=None, cursor=None, pages=0,
                 known=None):
        self.actions = actions
        self.world = actions.world
        self.connection = connection
        self.members = members
        self.query = query or Query(**members)
        self.behind = behind
        self.cursor = cursor
        self.pages = pages
        self.rows = []
        # All pages are of one snapshot: what was written since the first one need not be there.
        self.known = known or (self.world.log.known_seq, self.world.log.floor)

    def __str__(self):
        return f"read {self.query} page {self.pages}"

    def ask(self):
        request_id = self.connection.new_id()
        members = dict(self.members)
        if self.cursor is not None:
            members["cursor"] = self.cursor
        self.world.count("reads")
        self.connection.ask(self.actions.text("read_logs", members, request_id),
                            Request(request_id, self.take, kind="read"))

    def take(self, reply):
        if not reply.ok:
            self.refused(reply)
            return
        self.rows += reply.rows
        if reply.more:
            return
        cursor = reply.members["cursor"]
        cancelled = cursor is not None and (self.query.limit is None or
                                            len(self.rows) < self.query.limit)
        behind = judge_rows(self.world.log, self.query, self.rows, self.known, str(self),
                            exhausted=cursor is None, behind=self.behind, cancelled=cancelled)
        self.world.count("rows", len(self.rows))
        if cursor is None or self.pages > 30 or self.connection.ended or self.connection.closing:
            return
        if self.query.limit == 0:
            return
        Pages(self.actions, self.connection, self.members, self.query, behind, cursor,
              self.pages + 1, self.known).ask()

    def refused(self, reply):
        if self.actions.refusal(self.connection, reply, str(self)):
            return
        require(reply.code == "cursor_expired" and self.world.log.retention,
                f"{self}: {reply.text[:500]}")
