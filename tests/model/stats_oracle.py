"""What `stats` counts must be what happened."""

import json

from violation import require
from wire_client import Request


class StatsOracle:
    def __init__(self, world):
        self.world = world
        self.before = {}

    def new_life(self):
        self.before = {}

    def check(self, connection):
        request_id = connection.new_id()
        open_attempts = len(self.world.log.open_attempts)

        def judge(reply):
            require(reply.ok, reply.text[:300])
            self._judge(reply.members, open_attempts)
        connection.ask(f'{{"op":"stats","id":{json.dumps(request_id)}}}',
                       Request(request_id, judge))
        self.world.settle([connection])

    def _judge(self, stats, open_attempts):
        world = self.world
        log = world.log
        store, wal = stats["store"], stats["wal"]
        require(store["visible_seq"] >= log.known_seq, f"stats: {store}, known: {log.known_seq}")
        if not open_attempts and not log.retention and not self.world.end_expected:
            require(store["entries"] == len(log.entries),
                    f"stats: {store}, there are {len(log.entries)} entries")
        require(wal["durable_seq"] >= store["visible_seq"] - 0, f"stats: {wal}, {store}")
        require(stats["state"] in ("ok", "damaged", "shutting_down"), stats["state"])
        require(stats["state"] != "damaged" or world.was_damaged, "state is damaged")
        require(stats["store_id"] == world.store_id or world.store_id is None, "store_id")
        rising = {**stats["requests"], "written": stats["entry_counts"]["written"],
                  "read": stats["entry_counts"]["read"],
                  "repeated": stats["writers"]["writes_repeated"]}
        for name, value in self.before.items():
            require(rising[name] >= value, f"stats: {name} fell from {value} to {rising[name]}")
        self.before = rising
