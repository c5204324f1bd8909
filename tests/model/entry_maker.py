"""Entries by chance. Each can be told from all others: by its message, metadata or timestamp."""

import json_text
from json_text import Number, canonical, canonical_string
from log_oracle import Intent
from reference_reads import LEVELS, TS_MAX

BASE_TS = 1_700_000_000_000_000
WORDS = ("alpha", "disk at 91 %", "\u00df", "", "x", '"quoted" \\ back', "line\nbreak\ttab",
         "\u0000", "\u007f\u0080", "\u20ac \U0001f600", "\u2028", "/", "\u001f", "caf\u00e9")
NUMBERS = tuple(map(Number, (
    "1", "1.0", "10e-1", "0.91", "0.910", "-3", "1e2", "100", "1E-7", "0", "0.0",
    "123456789012345678901234567890", "123456789012345678901234567891")))
SMALL_VALUES = ("sda", "", True, False, None, *NUMBERS, [], {}, [Number("1"), "a"],
                [Number("1.0"), "a"], {"a": Number("2"), "b": [None]},
                {"b": [None], "a": Number("2")}, {"a": Number("2.0"), "b": [None]})
NAMES = ("disk", "used", "host", "k", "\u00e4", "a b", "")


class EntryMaker:
    def __init__(self, random):
        self._random = random
        self._speller = json_text.Speller(random)
        self._token = 0

    def timestamp(self):
        chance = self._random.random()
        if chance < 0.5:
            return BASE_TS + self._random.randint(0, 60)
        if chance < 0.6:
            return self._random.choice((0, 1, TS_MAX, TS_MAX - 1, 2**63))
        if chance < 0.8:
            return self._random.randint(0, TS_MAX)
        return None

    def metadata(self):
        names = self._random.sample(NAMES, self._random.choice((0, 1, 1, 2, 4)))
        values = {name: self._random.choice(SMALL_VALUES) for name in names}
        if self._random.random() < 0.03:
            for _ in range(self._random.randint(1, 26)):
                values = {"n": values}
        return values

    def intent(self, size=0):
        """`size`: about this many bytes of message at least."""
        random = self._random
        self._token += 1
        token = f"#{self._token}"
        timestamp, level = self.timestamp(), random.choice(LEVELS)
        message, metadata = "".join(random.choices(WORDS, k=random.randint(0, 3))), self.metadata()
        place = random.choice(("message", "message", "metadata", "timestamp"))
        if size:
            message += "y" * size
        if place == "message":
            message += token
        elif place == "metadata":
            metadata["token"] = token
        else:
            timestamp = BASE_TS + 10**9 + self._token
        body = (f'"level":"{level}","message":{canonical_string(message)},'
                f'"metadata":{canonical(metadata)}')
        sent = self._spell(timestamp, level, message, metadata)
        return Intent(timestamp, level, message, metadata, body, sent)

    def _spell(self, timestamp, level, message, metadata):
        if self._random.random() < 0.5:   # as client libraries write it
            members = ([f'"timestamp":{timestamp}'] if timestamp is not None else []) + [
                f'"level":"{level}"', f'"message":{canonical_string(message)}',
                f'"metadata":{canonical(metadata)}']
            return "{" + ",".join(members) + "}"
        speller = self._speller
        members = [f'"message":{speller.space()}{speller.value(message)}']
        if timestamp is not None:
            members.append(f'"timestamp" :{timestamp}')
        if level != "info" or self._random.random() < 0.5:
            members.append(f'"level":{speller.string(level)}')
        if metadata or self._random.random() < 0.5:
            members.append(f'"metadata":{speller.value(metadata)}')
        if self._random.random() < 0.2:
            members.append('"version":1')
        self._random.shuffle(members)
        return "{" + f",{speller.space()}".join(members) + speller.space() + "}"

    def spelled(self, value):
        return self._speller.value(value)
