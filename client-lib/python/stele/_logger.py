"""The logger that does not wait for the disk."""

from __future__ import annotations

import atexit
import collections
import dataclasses
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from ctypes import byref, c_void_p
from typing import Any

from ._client import to_ms
from ._entry import Level, Metadata, Time, fill, to_c_string, to_number, to_path
from ._error import OK, InvalidArgument, TimedOut, check, last_error
from ._fork import generation
from ._library import LIBRARY, LOSS, EntryStruct, LoggerOptionsStruct, LoggerStatusStruct
from ._waiting import waiting

_WHEN_FULL = {"block": 0, "refuse": 1, "wait": 2}
_opening = threading.Lock()
_at_exit: weakref.WeakSet[Logger] = weakref.WeakSet()


@dataclasses.dataclass(frozen=True, slots=True)
class LoggerStatus:
    accepted: int
    """Entries that the logger took: stored, refused later, or waiting."""
    stored: int
    """On disk."""
    refused: int
    """Not stored, and will not be; the daemon is told how many."""
    waiting: int
    maybe_duplicated: int
    """May be stored twice: the daemon had forgotten a write that was under way."""


class Logger:
    """Takes entries into a bounded buffer; a thread of the library stores them in batches, each
    once, over restarts of the daemon. For any number of threads; the entries of one thread are
    stored in the order of its calls. A daemon that is down is no failure. Loggers of a process that
    have the same socket, name and sizes share one buffer, thread and connection.

    At the end of the program what is in the buffer is written, for `close_timeout` at most; not
    where a program ends by os._exit() or a signal. In a child after os.fork() a logger begins again
    with an empty buffer; a child of multiprocessing writes it at its end.
    """

    def __init__(self, socket_path: str | None = None, name: str | None = None, *,
                 when_full: str = "wait", buffer_bytes: int = 0, batch_bytes: int = 0,
                 close_timeout: float = 5.0,
                 on_loss: Callable[[int, str, str], None] | None = None,
                 close_at_exit: bool = True) -> None:
        """`when_full`: what log() does while the buffer (64 MiB by default) has no room. "wait": it
        waits a second at most, and raises Refused; and once only, as long as nothing is stored.
        "refuse": it raises at once. "block": it waits. `on_loss(count, code, reason)` is told of
        entries that were taken and will not be stored, from a thread of the library; without it a
        line on stderr says so."""
        if when_full not in _WHEN_FULL:
            raise ValueError('when_full is "wait", "refuse" or "block"')
        self._options = LoggerOptionsStruct(
            buffer_bytes=to_number("buffer_bytes", buffer_bytes),
            batch_bytes=to_number("batch_bytes", batch_bytes), when_full=_WHEN_FULL[when_full])
        if socket_path is not None:
            self._options.socket_path = to_path("socket_path", socket_path)
        if name is not None:
            self._options.name = to_c_string("name", name)
        if on_loss is not None:
            self._options.on_loss = _to_loss(on_loss)
        self._blocks = when_full == "block"
        self._close_timeout = close_timeout
        self._is_closed = False
        self._handle: c_void_p | None = None
        self._in_vain: tuple[int, float] | None = None
        self._generation = -1
        self._inside: collections.deque[None] = collections.deque()
        self._close_at_exit = close_at_exit
        self._open()

    def __enter__(self) -> Logger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None and self._generation == generation():
            self._close(self._close_timeout)

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def log(self, message: str, level: Level | str | int = Level.INFO,
            metadata: Metadata | None = None, *, timestamp: Time | None = None,
            timeout: float | None = None) -> None:
        """Takes an entry; one without a timestamp has the time of this call. Each failure counts as
        one entry refused. `timeout`: longest wait for room, of a logger that blocks."""
        struct = EntryStruct()
        fill(struct, message, level, metadata or {}, timestamp)
        self._run(LIBRARY.stele_logger_log, (byref(struct), to_ms(timeout)), self._blocks)

    def flush(self, timeout: float | None = None) -> None:
        """Returns when all that was taken before is on disk. Raises TimedOut, or the daemon's
        reason if it has refused entries since the last flush."""
        begin = time.monotonic()
        try:
            self._run(LIBRARY.stele_logger_flush, (to_ms(timeout),), True)
        except TimedOut:
            self._in_vain = (self.status().accepted, time.monotonic() - begin)
            raise
        self._in_vain = None

    def status(self) -> LoggerStatus:
        found = LoggerStatusStruct()
        self._run(LIBRARY.stele_logger_get_status, (byref(found),), False)
        return LoggerStatus(found.accepted, found.stored, found.refused, found.waiting,
                            found.maybe_duplicated)

    def close(self, timeout: float | None = None) -> None:
        """Takes no more entries, and flushes; `timeout` None: `close_timeout`. What is not on disk
        by then is given up, and told. Closing again does nothing."""
        error = self._close(self._close_timeout if timeout is None else timeout)
        if error is not None:
            raise error

    def _run(self, function: Callable[..., int], arguments: tuple[Any, ...],
             may_wait: bool) -> None:
        if self._generation != generation():
            self._open()
        self._inside.append(None)
        try:
            handle = self._handle
            if handle is None:
                error = InvalidArgument("the logger is closed")
                error.code = "invalid_argument"
                raise error
            if may_wait:
                waiting(lambda: check(function(handle, *arguments)))
            else:
                check(function(handle, *arguments))
        finally:
            self._inside.pop()

    def _open(self) -> None:
        """Also in a child: its parent's handle stays the parent's."""
        with _opening:
            if self._generation == generation() or self._is_closed:
                return
            handle = c_void_p()
            check(LIBRARY.stele_logger_open_with(byref(self._options), byref(handle)))
            self._inside.clear()
            self._handle = handle
            self._in_vain = None
            self._generation = generation()
        if self._close_at_exit:
            _at_exit.add(self)
        _close_with_child(self)

    def _close(self, timeout: float) -> Exception | None:
        self._is_closed = True
        handle, self._handle = self._handle, None
        if handle is None or self._generation != generation():
            return None
        end = time.monotonic() + timeout
        while self._inside and time.monotonic() < end:  # Other threads, which are about to leave.
            time.sleep(0.001)
        if self._inside:
            return TimedOut("another thread still waits in the logger")
        limit = to_ms(end - time.monotonic())
        if self._in_vain is not None and self._in_vain[1] >= timeout:
            limit = 0 if self._in_vain[0] == _accepted(handle) else limit

        def close() -> Exception | None:
            code = LIBRARY.stele_logger_close(handle, limit)
            return None if code == OK else last_error(code)

        return waiting(close)


def _to_loss(observer: Callable[[int, str, str], None]) -> Any:
    return LOSS(lambda _, count, code, message: observer(
        count, LIBRARY.stele_code_name(code).decode(), message.decode("utf-8", "replace")))


def _accepted(handle: c_void_p) -> int:
    found = LoggerStatusStruct()
    check(LIBRARY.stele_logger_get_status(handle, byref(found)))
    return int(found.accepted)


def _close_with_child(logger: Logger) -> None:
    """multiprocessing ends its children without atexit."""
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    if process is None or util is None or process.parent_process() is None:
        return
    reference = weakref.ref(logger)

    def close() -> None:
        found = reference()
        if found is not None:
            found._close(found._close_timeout)

    util.Finalize(None, close, exitpriority=100)


def _close_all() -> None:
    for logger in list(_at_exit):
        logger._close(logger._close_timeout)


def _renew_lock() -> None:
    global _opening
    _opening = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
atexit.register(_close_all)
