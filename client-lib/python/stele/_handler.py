"""The handler for Python's own `logging`."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from ._entry import Level
from ._error import Error, Refused
from ._logger import Logger

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_OWN = frozenset({"logger", "thread", "thread_name", "source", "exception", "stack", "extra"})
_DEPTH_MAX = 8
_formatter = logging.Formatter()


class Handler(logging.Handler):
    """Stores what a program logs:

        logging.basicConfig(level=logging.INFO, handlers=[stele.Handler()])

    An entry has the text, the time and the level of the record (critical is fatal), and metadata
    such as

        {"logger":"app","thread":4711,"thread_name":"MainThread",
         "source":{"file":"/srv/app.py","line":12,"function":"main"},"disk":"sda"}

    with what was given by `extra`, and `exception` and `stack` where there are any. Formatters are
    not applied. flush() means on disk; at the end of the program logging.shutdown() calls it, and
    close().

    A daemon that is down costs a program its newest entries when the buffer is full, not its life
    or its time: a call waits a second, once, and then refuses (`when_full`).
    """

    def __init__(self, level: int | str = logging.NOTSET, *, socket_path: str | None = None,
                 name: str | None = None, logger: Logger | None = None, when_full: str = "wait",
                 flush_timeout: float = 5.0, **options: Any) -> None:
        """`logger`: one that is shared, and stays open when the handler is closed. `options` are
        those of a Logger. `flush_timeout`: how long flush() and close() may wait for the disk."""
        super().__init__(level)
        self._owns = logger is None
        self._flush_timeout = flush_timeout
        self._told = 0.0
        self.logger = logger or Logger(socket_path, name, when_full=when_full,
                                       close_timeout=flush_timeout, close_at_exit=False, **options)

    def createLock(self) -> None:
        """None: the logger is for any number of threads."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._store(record)
        except Refused as error:
            # There may be as many as the program logs: a line a second at most.
            if error.code != "overloaded" or time.monotonic() - self._told > 1:
                self._told = time.monotonic()
                self.handleError(record)
        except Exception:
            self.handleError(record)

    def _store(self, record: logging.LogRecord) -> None:
        message, metadata = record.getMessage(), metadata_of(record)
        level, timestamp = level_of(record.levelno), max(int(record.created * 1e6), 0)
        try:
            self.logger.log(message, level, metadata, timestamp=timestamp)
        except (TypeError, ValueError, RecursionError, Refused) as error:
            if isinstance(error, Error) and error.code not in ("invalid_entry", "bad_json"):
                raise
            self.logger.log(message, level, plain(metadata), timestamp=timestamp)

    def flush(self) -> None:
        """Returns when all is on disk, or after `flush_timeout`: then a line on stderr says so. The
        logger's own flush() raises."""
        try:
            if not self.logger.is_closed:
                self.logger.flush(self._flush_timeout)
        except Error as error:
            self._tell(error)

    def close(self) -> None:
        super().close()
        if self._owns:
            try:
                self.logger.close(self._flush_timeout)
            except Error as error:
                self._tell(error)

    def _tell(self, error: Error) -> None:
        """As handleError() does, which is for records."""
        if logging.raiseExceptions and sys.stderr:
            print(f"stele.Handler: {error}", file=sys.stderr)


def level_of(number: int) -> Level:
    """Of a level of `logging`, also of one in between."""
    if number >= logging.CRITICAL:
        return Level.FATAL
    if number >= logging.ERROR:
        return Level.ERROR
    if number >= logging.WARNING:
        return Level.WARN
    if number >= logging.INFO:
        return Level.INFO
    return Level.DEBUG if number >= logging.DEBUG else Level.TRACE


def metadata_of(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = {"logger": record.name}
    if record.thread is not None:
        found["thread"] = record.thread
    if record.threadName is not None:
        found["thread_name"] = record.threadName
    found["source"] = {"file": record.pathname, "line": record.lineno, "function": record.funcName}
    if record.exc_info and not record.exc_text:
        record.exc_text = _formatter.formatException(record.exc_info)
    if record.exc_text:
        found["exception"] = record.exc_text
    if record.stack_info:
        found["stack"] = record.stack_info
    extra = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
    if extra:
        if _OWN.isdisjoint(extra):
            found.update(extra)
        else:
            found["extra"] = extra
    return found


def plain(value: Any, depth: int = 0) -> Any:
    """What JSON can hold: anything else as text."""
    if isinstance(value, dict) and depth < _DEPTH_MAX:
        return {str(name): plain(member, depth + 1) for name, member in value.items()}
    if isinstance(value, (list, tuple)) and depth < _DEPTH_MAX:
        return [plain(member, depth + 1) for member in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    return str(value)
