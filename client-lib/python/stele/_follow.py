"""A follow: entries as they become durable."""

from __future__ import annotations

import atexit
import queue
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from ctypes import byref, c_uint64, pointer
from typing import Any

from ._client import Connection, Options, to_entry
from ._entry import StoredEntry
from ._error import (OK, SHUTTING_DOWN, TIMED_OUT, CannotConnect, ConnectionLost, Error, TimedOut,
                     last_error)
from ._fork import generation
from ._library import LIBRARY, REMOVED, VISITOR, SelectionStruct
from ._waiting import waiting

_STEP_MS = 500
_WAITING_MAX = 4096
_PAUSE_MIN, _PAUSE_MAX = 0.05, 2.0
_NOT_TOLD = 2**64 - 1


class Follow:
    """An iterator over entries as they become durable, in the order of the log, each once.

    It has a connection and a thread of its own, and takes what comes also while nobody asks for
    the next entry, up to some thousand entries. If the connection ends it connects again, with
    pauses up to 2 s, and goes on behind the last entry (`reconnect`). An entry that retention
    removed before it could come is told: to `on_removed`, by first and last seq, else by a
    RuntimeWarning.

    next() raises TimedOut when nothing came for `timeout`, and may be called again. Leaving a
    `with` block, close(), and losing the last reference end it. It is not for a child after
    os.fork().
    """

    def __init__(self, options: Options, asked: SelectionStruct, timeout: float | None,
                 reconnect: bool, on_removed: Callable[[int, int], None] | None) -> None:
        self._timeout = timeout
        self._on_removed = on_removed
        self._last_seq: int | None = None
        self._generation = generation()
        connection = waiting(lambda: Connection(options))
        self._stream = _Stream(options, asked, reconnect)
        self._thread = threading.Thread(target=self._stream.run, args=(connection,),
                                        name="stele-follow", daemon=True)
        self._thread.start()

    @property
    def last_seq(self) -> int | None:
        """Of the last entry that was handed out: to go on later, Filter(after_seq=…)."""
        return self._last_seq

    def __iter__(self) -> Follow:
        return self

    def __next__(self) -> StoredEntry:
        if self._generation != generation():
            raise RuntimeError("a follow is not for a child after fork()")
        while True:
            if self._stream.is_stopped:
                raise StopIteration
            try:
                item = self._stream.items.get(timeout=self._timeout)
            except queue.Empty:
                error = TimedOut(f"nothing came in {self._timeout} s")
                error.code = "timed_out"
                raise error from None
            self._stream.has_room.set()
            if item is None:
                raise StopIteration
            if isinstance(item, StoredEntry):
                self._last_seq = item.seq
                return item
            if isinstance(item, BaseException):
                self.close()
                raise item
            self._tell_removed(*item)

    def _tell_removed(self, first_seq: int, last_seq: int) -> None:
        if self._on_removed is not None:
            self._on_removed(first_seq, last_seq)
        else:
            warnings.warn(f"retention removed the entries {first_seq} to {last_seq} before they"
                          " could come", RuntimeWarning, stacklevel=3)

    def __enter__(self) -> Follow:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_stream"):
            self.close()

    def close(self) -> None:
        """Does not wait: its thread ends within a second. Who waits in next() is woken."""
        self._stream.is_stopped = True
        self._stream.has_room.set()
        self._stream.items.put(None)


class _Stream:
    """What the thread of a follow works on. Holds no reference to the Follow."""

    def __init__(self, options: Options, asked: SelectionStruct, reconnect: bool) -> None:
        self.items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.has_room = threading.Event()
        self.is_stopped = False
        self._options = options
        self._asked = asked
        self._reconnect = reconnect
        self._problem: Exception | None = None
        # The library keeps no reference to these.
        self._visitor = VISITOR(self._take)
        self._removed = REMOVED(self._take_removed)

    def run(self, connection: Connection | None) -> None:
        _streams.add(self)
        pause = _PAUSE_MIN
        try:
            while not self.is_stopped:
                try:
                    connection = connection or Connection(self._options)
                    pause = _PAUSE_MIN
                    self._follow(connection)
                except (CannotConnect, ConnectionLost, TimedOut, _Stopping):
                    connection = None
                    if not self._reconnect:
                        raise
                    time.sleep(pause)
                    pause = min(pause * 2, _PAUSE_MAX)
        except Exception as error:
            self.items.put(error)
        finally:
            _streams.discard(self)

    def _follow(self, connection: Connection) -> None:
        """Until it is stopped. Raises when the daemon ends it."""
        while not self.is_stopped:
            seen = c_uint64(_NOT_TOLD)
            code = LIBRARY.stele_follow(connection.handle, byref(self._asked), _STEP_MS,
                                        self._visitor, self._removed, None, byref(seen))
            if seen.value != _NOT_TOLD:
                self._asked.after_seq = pointer(seen)
                self._asked.limit = None
            if self._problem is not None:
                raise self._problem
            if code == SHUTTING_DOWN:
                raise _Stopping("the daemon stops")
            if code not in (OK, TIMED_OUT):
                raise last_error(code)

    def _take(self, _: object, shown: Any) -> int:
        try:
            self.items.put(to_entry(shown.contents))
            while self.items.qsize() >= _WAITING_MAX and not self.is_stopped:
                self.has_room.clear()
                self.has_room.wait(0.1)
        except Exception as error:
            self._problem = error
        return not self.is_stopped and self._problem is None

    def _take_removed(self, _: object, first_seq: int, last_seq: int) -> None:
        self.items.put((first_seq, last_seq))


class _Stopping(Error):
    code = "shutting_down"


_streams: weakref.WeakSet[_Stream] = weakref.WeakSet()


def _stop_all() -> None:
    """Before the interpreter ends: their threads must not call into it then."""
    streams = list(_streams)
    for stream in streams:
        stream.is_stopped = True
        stream.has_room.set()
    end = time.monotonic() + 2 * _STEP_MS / 1000
    while any(stream in _streams for stream in streams) and time.monotonic() < end:
        time.sleep(0.01)


atexit.register(_stop_all)
