"""The client: one connection to the daemon, one call at a time."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from ctypes import byref, c_char_p, c_int32, c_uint32, c_uint64, c_void_p, pointer
from typing import TYPE_CHECKING, Any, TypeVar

from ._entry import (Entry, Level, Metadata, StoredEntry, Time, to_c_string, to_json, to_level,
                     to_number, to_path, to_struct, to_text, to_timestamp)
from ._error import ConnectionLost, Error, InvalidArgument, Refused, TimedOut, check
from ._fork import generation
from ._library import (LIBRARY, VISITOR, ClientOptionsStruct, EntryStruct, QueryStruct,
                       SelectionStruct, ServerStruct, StoredEntryStruct)
from ._waiting import calling_back, must_stop, waiting

if TYPE_CHECKING:
    from ._follow import Follow

T = TypeVar("T")
_LEVELS = tuple(Level)
_END = 2**64 - 1
_PAGE_BYTES = 1 << 20
_PAGE_MIN, _PAGE_MAX = 16, 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of an entry besides its timestamp: all that is given must hold."""

    min_level: Level | str = Level.TRACE
    contains: str | None = None
    """Text that the message holds somewhere, character for character."""
    where: Metadata | None = None
    """Members that the metadata has, too."""
    pid: int | None = None
    uid: int | None = None
    after_seq: int | None = None
    """Only entries with a greater seq."""


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A part of a range, in the order of the read."""

    entries: list[StoredEntry]
    cursor: str
    """Where to go on, with the same range, order and filter; "": the range is exhausted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """What the daemon said when the client connected."""

    store_id: str
    """Changes when the store was wiped or replaced."""
    version: str
    entry_bytes_max: int
    frame_bytes_max: int
    last_write_no: int | None
    """Of the writer that was named; None: it is not remembered."""


def to_ms(seconds: float | None) -> int:
    """For the library; None: no limit."""
    if seconds is None or seconds == math.inf:
        return -1
    if seconds != seconds:
        raise ValueError("a timeout is a number of seconds, and not nan")
    return math.ceil(min(max(seconds, 0), 2**52) * 1000)


def to_entry(shown: StoredEntryStruct) -> StoredEntry:
    return StoredEntry(shown.seq, shown.timestamp, _LEVELS[shown.level],
                       ctypes.string_at(shown.message, shown.message_bytes).decode(),
                       shown.metadata.decode(), shown.pid, shown.uid, shown.gid)


def _fill(made: SelectionStruct | QueryStruct, start: Time, end: Time | None,
          terms: Filter) -> None:
    made.start_ts = to_timestamp(start)
    made.end_ts = _END if end is None else to_timestamp(end)
    made.min_level = to_level(terms.min_level)
    if terms.where is not None:
        made.where = to_json(terms.where)
    if terms.pid is not None:
        made.pid = pointer(c_int32(to_number("pid", terms.pid, 2**31 - 1)))
    if terms.uid is not None:
        made.uid = pointer(c_uint32(to_number("uid", terms.uid, 2**32 - 1)))


def to_selection(start: Time, end: Time | None, terms: Filter) -> SelectionStruct:
    made = SelectionStruct()
    _fill(made, start, end, terms)
    if terms.contains is not None:
        text = to_text("contains", terms.contains)
        made.contains = text
        made.contains_bytes = len(text)
    if terms.after_seq is not None:
        made.after_seq = pointer(c_uint64(to_number("after_seq", terms.after_seq)))
    return made


def to_query(start: Time, end: Time | None, terms: Filter) -> QueryStruct:
    made = QueryStruct(after_seq=to_number("after_seq", terms.after_seq or 0))
    _fill(made, start, end, terms)
    if terms.contains is not None:
        made.contains = to_c_string("contains", terms.contains)
    return made


def to_structs(entries: Iterable[Entry | str]) -> ctypes.Array[EntryStruct]:
    made = [to_struct(Entry(entry) if isinstance(entry, str) else entry) for entry in entries]
    return (EntryStruct * len(made))(*made)


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How to connect."""

    socket_path: str | None
    name: str | None
    writer: bytes | None
    connect_timeout: float | None
    request_timeout: float | None

    def to_struct(self, deadline: float | None = None) -> ClientOptionsStruct:
        limit = self.connect_timeout
        if deadline is not None:
            left = max(deadline - time.monotonic(), 0)
            limit = left if limit is None else min(limit, left)
        made = ClientOptionsStruct(writer=self.writer, connect_timeout_ms=to_ms(limit),
                                   request_timeout_ms=to_ms(self.request_timeout))
        if self.socket_path is not None:
            made.socket_path = to_path("socket_path", self.socket_path)
        if self.name is not None:
            made.name = to_c_string("name", self.name)
        return made


class Connection:
    """A handle of the library, closed when nobody holds it any more."""

    def __init__(self, options: Options, deadline: float | None = None) -> None:
        self.handle = c_void_p()
        struct = options.to_struct(deadline)
        check(LIBRARY.stele_client_open_with(byref(struct), byref(self.handle)))

    def __del__(self, close: Callable[[c_void_p], None] = LIBRARY.stele_client_close) -> None:
        close(self.handle)

    def server(self) -> Server:
        said = ServerStruct()
        check(LIBRARY.stele_client_server(self.handle, byref(said)))
        return Server(said.store_id.decode(), said.version.decode(), said.entry_bytes_max,
                      said.frame_bytes_max, said.last_write_no or None)


class Client:
    """A connection to the daemon.

    A write returns when its entries are on disk. Several threads may use a client: their calls wait
    for one another. A call that a signal interrupts (Ctrl-C) raises at once; a write that was under
    way then may be stored or not. Where the connection has ended, the next call connects again; a
    write whose outcome is unknown is never sent a second time. In a child after os.fork() a client
    makes a connection of its own.

    Times are seconds; None: no limit; 0: it has passed, and nothing is sent. A call that was given
    no timeout ends when not a byte has moved for `request_timeout`.
    """

    def __init__(self, socket_path: str | None = None, name: str | None = None, *,
                 writer: bytes | None = None, connect_timeout: float | None = 5.0,
                 request_timeout: float | None = 30.0) -> None:
        """`socket_path` None: $STELE_SOCKET, else /run/stele/stele.sock. `name` is for the daemon's
        own log. `writer`: 16 bytes, whose the writes with a number are."""
        if writer is not None and len(writer) != 16:
            raise ValueError("writer has 16 bytes")
        self._options = Options(socket_path, name, writer, connect_timeout, request_timeout)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._generation = generation()
        self._is_closed = False
        self._connection: Connection | None = waiting(lambda: Connection(self._options))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection. Every later call fails."""
        self._is_closed = True
        self._connection = None

    @property
    def server(self) -> Server:
        return self._call(lambda connection, _: connection.server(), None)

    def write_log(self, message: str, level: Level | str = Level.INFO,
                  metadata: Metadata | None = None, *, timestamp: Time | None = None,
                  timeout: float | None = None) -> int:
        """Stores one entry; returns its seq once it is on disk."""
        struct = to_struct(Entry(message, level, metadata or {}, timestamp))
        return self._seq(lambda handle, limit, seq: LIBRARY.stele_write_log(
            handle, byref(struct), limit, seq), timeout)

    def write_many_logs(self, entries: Iterable[Entry | str], *,
                        timeout: float | None = None) -> range:
        """Stores all or none, with one sync of the disk; returns their seqs, which are consecutive.
        A thousand entries, or 1 MiB, are a good size."""
        structs = to_structs(entries)
        first = self._seq(lambda handle, limit, seq: LIBRARY.stele_write_many_logs(
            handle, structs, len(structs), limit, seq), timeout)
        return range(first, first + len(structs))

    def write_once(self, entries: Iterable[Entry | str], write_no: int, *,
                   timeout: float | None = None) -> range:
        """The same, in the log once however often it is sent: after an unknown outcome send the
        same entries with the same number. Numbers of a writer rise from 1, one a call."""
        structs = to_structs(entries)
        number = to_number("write_no", write_no)
        first = self._seq(lambda handle, limit, seq: LIBRARY.stele_write_once(
            handle, structs, len(structs), number, limit, seq), timeout)
        return range(first, first + len(structs))

    def read_page(self, start: Time = 0, end: Time | None = None, *, limit: int = 1000,
                  newest_first: bool = False, filter: Filter = Filter(), cursor: str = "",
                  timeout: float | None = None) -> Page:
        """Entries with start <= timestamp <= end, by (timestamp, seq)."""
        asked = to_selection(start, end, filter)
        asked.limit = pointer(c_uint64(to_number("limit", limit)))
        asked.newest_first = newest_first
        asked.cursor = to_c_string("cursor", cursor) or None

        def read(connection: Connection, limit_ms: int) -> Page:
            entries: list[StoredEntry] = []
            problem: list[Exception] = []

            def collect(_: object, shown: Any) -> int:
                try:
                    entries.append(to_entry(shown.contents))
                except Exception as error:
                    problem.append(error)
                return not problem and not must_stop()

            rest = c_char_p()
            calling_back(lambda: check(LIBRARY.stele_read_page(
                connection.handle, byref(asked), limit_ms, VISITOR(collect), None, byref(rest))))
            if problem:
                raise problem[0]
            return Page(entries, (rest.value or b"").decode())

        return self._call(read, timeout)

    def read_logs(self, start: Time = 0, end: Time | None = None, *, limit: int | None = None,
                  newest_first: bool = False, filter: Filter = Filter(), cursor: str = "",
                  timeout: float | None = None) -> Iterator[StoredEntry]:
        """The same as an iterator, which asks for the next page when it has come to its end: memory
        stays bounded, and between two entries the client is free for other calls. The timeout is
        that of a page."""
        size = 256
        left = None if limit is None else to_number("limit", limit)
        while left is None or left > 0:
            page = self.read_page(start, end, limit=size if left is None else min(size, left),
                                  newest_first=newest_first, filter=filter, cursor=cursor,
                                  timeout=timeout)
            yield from page.entries
            cursor = page.cursor
            if not cursor:
                return
            if left is not None:
                left -= len(page.entries)
            size = _next_size(page.entries)

    def count_logs(self, start: Time = 0, end: Time | None = None, *, filter: Filter = Filter(),
                   timeout: float | None = None) -> int:
        """How many entries there are."""
        query = to_query(start, end, filter)
        return self._seq(lambda handle, limit, count: LIBRARY.stele_count_logs(
            handle, byref(query), limit, count), timeout)

    def follow_logs(self, start: Time = 0, end: Time | None = None, *, filter: Filter = Filter(),
                    newest: int | None = None, timeout: float | None = None,
                    reconnect: bool = True,
                    on_removed: Callable[[int, int], None] | None = None) -> Follow:
        """Entries as they become durable, after those that are there, in the order of the log: see
        Follow. `newest`: this many of the newest first; 0: from now on; None: all, or those after
        `filter.after_seq`. `timeout`: longest time until the next entry."""
        from ._follow import Follow
        asked = to_selection(start, end, filter)
        if newest is not None:
            asked.limit = pointer(c_uint64(to_number("newest", newest)))
        return Follow(self._options, asked, timeout, reconnect, on_removed)

    def ping(self, *, timeout: float | None = None) -> None:
        """Raises if the daemon cannot accept writes."""
        self._call(lambda connection, limit: check(
            LIBRARY.stele_ping(connection.handle, limit)), timeout)

    def stats(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Counters, gauges and limits."""
        return self._document(LIBRARY.stele_stats, (), timeout)

    def audit(self, start: Time = 0, *, timeout: float | None = None) -> dict[str, Any]:
        """What the log proves about the seqs from the first entry at or after `start` on."""
        return self._document(LIBRARY.stele_audit, (to_timestamp(start),), timeout)

    def report_dropped(self, count: int, *, writer: bytes | None = None,
                       timeout: float | None = None) -> None:
        """Stores that this program has given up `count` entries, so that an audit names them."""
        if writer is not None and len(writer) != 16:
            raise ValueError("writer has 16 bytes")
        number = to_number("count", count)
        self._call(lambda connection, limit: check(LIBRARY.stele_report_dropped(
            connection.handle, number, writer, limit)), timeout)

    def confirm(self, consumer: str, seq: int, *, timeout: float | None = None) -> None:
        """The consumer of this name has what it needs of the log up to `seq`."""
        name = to_c_string("consumer", consumer)
        number = to_number("seq", seq)
        self._call(lambda connection, limit: check(LIBRARY.stele_confirm(
            connection.handle, name, number, limit)), timeout)

    def _seq(self, function: Callable[..., Any], timeout: float | None) -> int:
        def call(connection: Connection, limit: int) -> int:
            number = c_uint64()
            check(function(connection.handle, limit, byref(number)))
            return number.value

        return self._call(call, timeout)

    def _document(self, function: Callable[..., int], arguments: tuple[int, ...],
                  timeout: float | None) -> dict[str, Any]:
        def call(connection: Connection, limit: int) -> bytes:
            text = c_char_p()
            check(function(connection.handle, *arguments, limit, byref(text)))
            return text.value or b""

        found: dict[str, Any] = json.loads(self._call(call, timeout))
        return found

    def _call(self, function: Callable[[Connection, int], T], timeout: float | None) -> T:
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._generation != generation():
            self._forget_parent()
        if self._owner == threading.get_ident():
            raise RuntimeError("a signal handler must not use the client whose call it interrupts")
        with self._lock:
            self._owner = threading.get_ident()
            try:
                return self._call_locked(function, deadline)
            finally:
                self._owner = None

    def _call_locked(self, function: Callable[[Connection, int], T], deadline: float | None) -> T:
        if self._is_closed:
            error = InvalidArgument("the client is closed")
            error.code = "invalid_argument"
            raise error
        # Who is interrupted leaves it to the call that is under way.
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                return self._use(connection, function, deadline)
            except ConnectionLost:
                pass  # Nothing was carried out; the daemon was restarted, for example.
        return self._use(waiting(lambda: Connection(self._options, deadline)), function, deadline)

    def _use(self, connection: Connection, function: Callable[[Connection, int], T],
             deadline: float | None) -> T:
        limit = to_ms(None if deadline is None else deadline - time.monotonic())
        is_usable = False
        try:
            result = waiting(lambda: function(connection, limit))
            is_usable = True
            return result
        except Error as error:
            is_usable = isinstance(error, (Refused, InvalidArgument)) or (
                isinstance(error, TimedOut) and limit == 0)
            raise
        finally:
            if is_usable and not self._is_closed:
                self._connection = connection

    def _forget_parent(self) -> None:
        """In a child after fork(): the connection is the parent's."""
        self._lock = threading.Lock()
        self._owner = None
        self._connection = None
        self._generation = generation()


def _next_size(entries: list[StoredEntry]) -> int:
    """This many that a page has a MiB or so."""
    held = sum(len(entry.message) + len(entry.metadata_text) + 100 for entry in entries)
    return min(max(len(entries) * _PAGE_BYTES // max(held, 1), _PAGE_MIN), _PAGE_MAX)
