"""What a call fails with."""

from __future__ import annotations

import json
from typing import Any

from ._library import LIBRARY


class Error(Exception):
    """A failed call. `code` is its name, such as "no_space"; PROTOCOL.md and <stele/stele.h> say
    what to do about each."""

    code: str = "unknown"
    detail: dict[str, Any] = {}
    """What the code needs, such as the limit that was broken."""
    state: str | None = None
    """Of a write: "not_written" or "unknown", if anybody knows."""
    retryable: bool | None = None
    """Whether the daemon said that the same request may succeed later; None: it did not answer."""
    may_be_stored: bool = False
    """Of a write: whether it may be stored all the same."""


class Refused(Error):
    """The daemon's answer, or what it would have answered."""


class InvalidArgument(Error, ValueError):
    """The call itself is wrong. Nothing was sent."""


class CannotConnect(Error, ConnectionError):
    """Nobody answers at the socket. Nothing was sent."""


class ConnectionLost(Error, ConnectionError):
    """The connection ended. What would have changed anything was not carried out."""


class OutcomeUnknown(Error):
    """A write was sent, and its acknowledgement did not arrive: it may be stored or not."""


class TimedOut(Error, TimeoutError):
    """No answer in time, to a call that changes nothing; or the time had passed before the call."""


class ProtocolViolation(Error):
    """What answers at the socket does not speak this protocol."""


OK = 0
SHUTTING_DOWN = 11
TIMED_OUT = 104
_CONNECTION_LOST = 102
_CLASSES: dict[int, type[Error]] = {
    101: CannotConnect, _CONNECTION_LOST: ConnectionLost, 103: OutcomeUnknown, TIMED_OUT: TimedOut,
    105: ProtocolViolation, 201: InvalidArgument}


def last_error(code: int) -> Error:
    """The exception for a code that a call of this thread has just returned."""
    kind = _CLASSES.get(code, Refused if code < 100 else Error)
    error = kind(LIBRARY.stele_error_message().decode("utf-8", "replace"))
    error.code = LIBRARY.stele_code_name(code).decode()
    error.detail = json.loads(LIBRARY.stele_error_detail())
    error.state = LIBRARY.stele_error_state().decode() or None
    retryable = LIBRARY.stele_error_retryable()
    error.retryable = None if retryable < 0 else bool(retryable)
    error.may_be_stored = bool(LIBRARY.stele_may_be_stored(code))
    return error


def check(code: int) -> None:
    if code != OK:
        raise last_error(code)
