"""Entries, and the forms in which they are given to the library."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import operator
import os
import re
from collections.abc import Mapping
from typing import Any

from ._library import EntryStruct

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MICROSECOND = datetime.timedelta(microseconds=1)
_TIMESTAMP_MAX = 2**64 - 1
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_SURROGATE = re.compile("[\ud800-\udfff]")


class Level(enum.IntEnum):
    """Severity, in rising order."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    FATAL = 5


Time = int | datetime.datetime
"""Microseconds since 1970, UTC; or a datetime that knows its zone."""
Metadata = Mapping[str, Any] | str
"""A mapping of what JSON can hold, or the text of a JSON object."""


def _no_metadata() -> Metadata:
    return {}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """An entry to be written."""

    message: str
    level: Level | str = Level.INFO
    metadata: Metadata = dataclasses.field(default_factory=_no_metadata)
    timestamp: Time | None = None
    """None: the time of receipt, of a Logger the time of the call."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it was stored."""

    seq: int
    """Its place in the log: from 1, dense, never reused."""
    timestamp: int
    """Microseconds since 1970, UTC."""
    level: Level
    message: str
    metadata_text: str
    """As it was written: numbers keep their digits and members their order."""
    pid: int
    """Who wrote it, as the kernel says."""
    uid: int
    gid: int

    @property
    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.metadata_text)
        return found

    @property
    def time(self) -> datetime.datetime:
        """In UTC. Raises OverflowError beyond the year 9999."""
        return _EPOCH + datetime.timedelta(microseconds=self.timestamp)


def to_level(level: Level | str | int) -> Level:
    """Also from its name, such as "warn"."""
    if isinstance(level, str):
        try:
            return Level[level.upper()]
        except KeyError:
            raise ValueError(f"{level!r} is no level; levels are trace to fatal") from None
    return Level(level)


def to_timestamp(time: Time) -> int:
    if isinstance(time, datetime.datetime):
        if time.tzinfo is None:
            raise ValueError("a datetime needs its zone: datetime.now(timezone.utc)")
        time = (time - _EPOCH) // _MICROSECOND
    if not 0 <= time <= _TIMESTAMP_MAX:
        raise ValueError("a timestamp is at least 0 (1970) and at most 2**64 - 1 microseconds")
    return time


def to_utf8(text: str) -> bytes:
    """Halves of surrogate pairs, which UTF-8 cannot hold, become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def to_text(what: str, text: str) -> bytes:
    """For arguments that are UTF-8 or nothing."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} holds half of a surrogate pair, which is no UTF-8") from None


def to_c_string(what: str, text: str) -> bytes:
    """For arguments that end with a NUL."""
    return _without_nul(what, to_text(what, text))


def to_path(what: str, path: str) -> bytes:
    """Names of files are any bytes, which os.fsdecode() and sys.argv have as surrogates."""
    return _without_nul(what, os.fsencode(path))


def _without_nul(what: str, text: bytes) -> bytes:
    if b"\0" in text:
        raise ValueError(f"{what} holds a NUL")
    return text


def to_number(what: str, value: int, most: int = 2**64 - 1) -> int:
    """Of what does not fit, ctypes would take the lowest bits: another number, or none at all."""
    number = operator.index(value)
    if not 0 <= number <= most:
        raise ValueError(f"{what} is {number}; it is at least 0 and at most {most}")
    return number


def to_json(metadata: Metadata) -> bytes:
    if isinstance(metadata, str):
        return to_c_string("metadata", metadata)
    return to_utf8(_encode(metadata))


def fill(struct: EntryStruct, message: str, level: Level | str | int, metadata: Metadata,
         timestamp: Time | None) -> None:
    text = to_utf8(message)
    struct.level = to_level(level)
    struct.message = text
    struct.message_bytes = len(text)
    struct.metadata = to_json(metadata) if metadata else None
    struct.has_timestamp = timestamp is not None
    struct.timestamp = 0 if timestamp is None else to_timestamp(timestamp)


def to_struct(entry: Entry) -> EntryStruct:
    struct = EntryStruct()
    fill(struct, entry.message, entry.level, entry.metadata, entry.timestamp)
    return struct
