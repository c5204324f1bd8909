"""Calls that wait, so that a signal can interrupt them: Ctrl-C, and every other handler.

Python runs handlers in the main thread, between two of its own instructions; while that thread is
in a call of the library it runs none. So such a call of the main thread is made by another one,
while the main thread waits as Python waits. A call that was interrupted goes on there until it has
its answer or its time is over; what it used is freed then.

A call that calls back must not do so when the interpreter has ended: the process would be aborted.
So such calls of other threads are stopped at the end, and waited for.
"""

from __future__ import annotations

import atexit
import collections
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class _Call:
    __slots__ = ("function", "result", "error", "done", "is_abandoned")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()
        self.is_abandoned = False


class _Worker(threading.Thread):
    """Makes calls of the main thread, one at a time."""

    def __init__(self) -> None:
        super().__init__(name="stele-call", daemon=True)
        self.calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self.call: _Call | None = None
        self.start()

    def run(self) -> None:
        while True:
            self.call = call = self.calls.get()
            _under_way.add(call)
            try:
                call.result = call.function()
            except BaseException as error:  # It is the caller's.
                call.error = error
            _under_way.discard(call)
            self.call = None
            _idle.append(self)
            call.done.release()
            del call


# What the interpreter does with these is atomic.
_idle: list[_Worker] = []
_under_way: set[_Call] = set()
_calling_back: collections.deque[None] = collections.deque()
_is_ending = False


def waiting(function: Callable[[], T]) -> T:
    """The result of `function`, which waits in the library. If a signal handler raises meanwhile,
    that is raised at once, and the result is nobody's."""
    if threading.current_thread() is not threading.main_thread():
        return function()
    call = _Call(function)
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.calls.put(call)
    try:
        call.done.acquire()
    except BaseException:
        call.is_abandoned = True
        raise
    if call.error is not None:
        raise call.error
    result: T = call.result
    return result


def must_stop() -> bool:
    """What a callback asks: whether nobody waits for its call any more."""
    thread = threading.current_thread()
    if isinstance(thread, _Worker):
        return thread.call is not None and thread.call.is_abandoned
    return _is_ending and thread is not threading.main_thread()


def calling_back(function: Callable[[], T]) -> T:
    """The result of `function`, whose callbacks ask must_stop()."""
    if isinstance(threading.current_thread(), _Worker):
        return function()
    _calling_back.append(None)
    try:
        if not must_stop():
            result = function()
            if not must_stop():
                return result
    finally:
        _calling_back.pop()
    while True:  # This thread ends with the interpreter.
        time.sleep(3600)


def _forget_threads() -> None:
    """In a child after fork(): it has none of them."""
    _idle.clear()
    _under_way.clear()
    _calling_back.clear()


def _wait_at_exit() -> None:
    """They are given a moment to end before the interpreter does."""
    global _is_ending
    _is_ending = True
    end = time.monotonic() + 1
    while (_under_way or _calling_back) and time.monotonic() < end:
        time.sleep(0.01)


os.register_at_fork(after_in_child=_forget_threads)
atexit.register(_wait_at_exit)
