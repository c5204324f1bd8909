"""Calls that wait, so that a signal can interrupt them: Ctrl-C, and every other handler.

Python runs handlers in the main thread, between two of its own instructions; while that thread is
in a call of the library it runs none. So such a call of the main thread is made by another one,
while the main thread waits as Python waits. A call that was interrupted goes on there until it has
its answer or its time is over; what it used is freed then.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class _Call:
    __slots__ = ("function", "result", "error", "done")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class _Worker(threading.Thread):
    """Makes calls of the main thread, one at a time."""

    def __init__(self) -> None:
        super().__init__(name="stele-call", daemon=True)
        self.calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            call = self.calls.get()
            _under_way.add(call)
            try:
                call.result = call.function()
            except BaseException as error:  # It is the caller's.
                call.error = error
            _under_way.discard(call)
            _idle.append(self)
            call.done.release()
            del call


# What the interpreter does with these is atomic.
_idle: list[_Worker] = []
_under_way: set[_Call] = set()


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
    call.done.acquire()
    if call.error is not None:
        raise call.error
    result: T = call.result
    return result


def _forget_threads() -> None:
    """In a child after fork(): it has none of them."""
    _idle.clear()
    _under_way.clear()


def _wait_at_exit() -> None:
    """What was interrupted is given a moment to end before the interpreter does."""
    end = time.monotonic() + 1
    while _under_way and time.monotonic() < end:
        time.sleep(0.01)


os.register_at_fork(after_in_child=_forget_threads)
atexit.register(_wait_at_exit)
