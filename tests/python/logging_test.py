#!/usr/bin/env python3
"""stele.Logger and stele.Handler against the real daemon.

STELE_PYTHON_ENTRIES and STELE_PYTHON_KILLS: how much is logged through how many kills.
"""

import logging
import logging.config
import os
import random
import signal
import threading
import time
import unittest

from steled import GUARD_S, Steled, run_python

import stele

ENTRIES = int(os.environ.get("STELE_PYTHON_ENTRIES", "40000"))
KILLS = int(os.environ.get("STELE_PYTHON_KILLS", "4"))
THREADS = 8
SEED = int(os.environ.get("STELE_SEED", random.randrange(2**32)))


class LoggingCase(unittest.TestCase):
    def setUp(self):
        self.daemon = Steled().start()
        self.addCleanup(self.daemon.remove)
        self.client = stele.Client(self.daemon.socket)
        self.addCleanup(self.client.close)

    def entries(self):
        return list(self.client.read_logs())

    def messages(self):
        return [entry.message for entry in self.entries()]

    def log_of(self, handler):
        """A logger of `logging` with this handler alone."""
        log = logging.Logger("app")
        log.addHandler(handler)
        self.addCleanup(handler.close)
        return log


class Loggers(LoggingCase):
    def test_what_is_logged_is_on_disk_after_a_flush(self):
        with stele.Logger(self.daemon.socket, "test") as logger:
            begin = time.time_ns() // 1000
            for number in range(1000):
                logger.log(str(number), "debug", {"number": number})
            logger.flush(GUARD_S)
            self.assertEqual(logger.status(), stele.LoggerStatus(1000, 1000, 0, 0, 0))
            entries = self.entries()
        self.assertEqual([entry.metadata["number"] for entry in entries], list(range(1000)))
        self.assertLessEqual(begin, entries[0].timestamp)
        with self.assertRaisesRegex(stele.InvalidArgument, "closed"):
            logger.log("late")

    def test_closing_writes_what_is_left(self):
        logger = stele.Logger(self.daemon.socket)
        logger.log("left")
        logger.close()
        logger.close()
        self.assertEqual(self.messages(), ["left"])

    def test_a_full_buffer_refuses_and_what_was_lost_is_told(self):
        self.daemon.kill()
        lost = []
        logger = stele.Logger(self.daemon.socket, when_full="refuse", buffer_bytes=100_000,
                              on_loss=lambda count, code, reason: lost.append((count, code)))
        with self.assertRaises(stele.Refused) as caught:
            for _ in range(1000):
                logger.log("x" * 1000)
        self.assertEqual(caught.exception.code, "overloaded")
        waiting = logger.status().waiting
        with self.assertRaises(TimeoutError):
            logger.close(0.05)
        self.assertEqual(sum(count for count, _ in lost), waiting)
        self.daemon.start()

    def test_a_child_begins_with_an_empty_buffer(self):
        logger = stele.Logger(self.daemon.socket)
        self.addCleanup(logger.close)
        for number in range(20):
            logger.log(f"parent {number}")
            child = os.fork()
            if child == 0:
                try:
                    logger.log(f"child {number}")
                    logger.flush(GUARD_S)
                    os._exit(0)
                except BaseException:
                    os._exit(1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        logger.flush(GUARD_S)
        messages = self.messages()
        self.assertEqual(sorted(messages), sorted(set(messages)))
        self.assertEqual(len(messages), 40)


class Handlers(LoggingCase):
    def test_a_record_becomes_an_entry(self):
        handler = stele.Handler(socket_path=self.daemon.socket)
        handler.setFormatter(logging.Formatter("ignored %(message)s"))
        log = self.log_of(handler)
        for level in (5, 10, 20, 25, 30, 40, 50):
            log.log(level, "level %d", level, extra={"disk": "sda"})
        try:
            1 // 0
        except ZeroDivisionError:
            log.exception("failed", stack_info=True)
        handler.flush()
        *entries, failed = self.entries()
        self.assertEqual([entry.level.name for entry in entries],
                         ["TRACE", "DEBUG", "INFO", "INFO", "WARN", "ERROR", "FATAL"])
        first = entries[0].metadata
        self.assertEqual(entries[0].message, "level 5")
        self.assertEqual((first["logger"], first["disk"], first["thread"], first["thread_name"]),
                         ("app", "sda", threading.get_ident(), "MainThread"))
        self.assertEqual(first["source"]["file"], __file__)
        self.assertEqual(first["source"]["function"], "test_a_record_becomes_an_entry")
        self.assertEqual(failed.message, "failed")
        self.assertIn("ZeroDivisionError", failed.metadata["exception"])
        self.assertIn("logging_test.py", failed.metadata["stack"])

    def test_an_entry_has_the_time_of_its_record(self):
        handler = stele.Handler(socket_path=self.daemon.socket)
        log = self.log_of(handler)
        record = log.makeRecord("app", logging.INFO, "app.py", 1, "old", (), None)
        record.created = 1.5
        log.handle(record)
        handler.flush()
        self.assertEqual([entry.timestamp for entry in self.entries()], [1_500_000])

    def test_extras_that_json_cannot_hold_become_text(self):
        deep = []
        for _ in range(100):
            deep = [deep]
        itself = {}
        itself["itself"] = itself
        handler = stele.Handler(socket_path=self.daemon.socket)
        log = self.log_of(handler)
        for value in (object(), float("inf"), {1: 2, "1": 3}, deep, itself, b"bytes", "\ud800",
                      2**70, {"nested": {"set": {1}}}):
            log.info("said", extra={"value": value, "source": "mine"})
        handler.flush()
        entries = self.entries()
        self.assertEqual([entry.message for entry in entries], ["said"] * 9)
        self.assertEqual(entries[7].metadata["extra"], {"value": 2**70, "source": "mine"})
        self.assertEqual(entries[1].metadata["extra"]["value"], "inf")

    def test_a_configuration_may_name_it(self):
        logging.config.dictConfig({
            "version": 1, "disable_existing_loggers": False,
            "handlers": {"log": {"class": "stele.Handler", "level": "WARNING",
                                 "socket_path": self.daemon.socket}},
            "loggers": {"configured": {"handlers": ["log"]}}})
        log = logging.getLogger("configured")
        self.addCleanup(log.handlers[0].close)
        log.info("below")
        log.warning("above")
        log.handlers[0].flush()
        self.assertEqual(self.messages(), ["above"])

    def test_handlers_may_share_a_logger(self):
        with stele.Logger(self.daemon.socket) as logger:
            for name in "ab":
                handler = stele.Handler(logger=logger)
                self.log_of(handler).warning(name)
                handler.close()
            logger.flush(GUARD_S)
            self.assertEqual(self.messages(), ["a", "b"])

    def test_eight_threads_through_kills_have_each_entry_once_and_in_order(self):
        handler = stele.Handler(socket_path=self.daemon.socket, when_full="block")
        log = self.log_of(handler)

        def work(name):
            for number in range(ENTRIES // THREADS):
                log.warning("%d", number, extra={"by": name})

        threads = [threading.Thread(target=work, args=(name,)) for name in range(THREADS)]
        for thread in threads:
            thread.start()
        chance = random.Random(SEED)
        for kill in range(KILLS):
            while handler.logger.status().accepted < ENTRIES * (kill + 1) // (KILLS + 1):
                time.sleep(chance.uniform(0, 0.02))
            self.daemon.kill()
            self.daemon.start()
        for thread in threads:
            thread.join()
        handler.flush()
        print(f"{ENTRIES} entries, {KILLS} kills, STELE_SEED={SEED}", flush=True)
        numbers = {name: [] for name in range(THREADS)}
        for entry in self.client.read_logs():
            numbers[entry.metadata["by"]].append(int(entry.message))
        for name in range(THREADS):
            self.assertEqual(numbers[name], list(range(ENTRIES // THREADS)))


ONE_LINE = """
import logging, stele
logging.basicConfig(level=logging.INFO, handlers=[stele.Handler()])
for number in range(1000):
    logging.info("number %d", number)
"""

# As a program unloads a plugin in C, which alone uses the library.
UNLOADED = """
import _ctypes, ctypes, os
load = lambda: ctypes.CDLL(os.environ["STELE_LIBRARY"])
library, logger = load(), ctypes.c_void_p()
assert library.stele_logger_open(None, None, ctypes.c_size_t(0), 0, ctypes.byref(logger)) == 0
_ctypes.dlclose(library._handle)
assert "libstele" in open("/proc/self/maps").read(), "it is gone, and its thread at work"
assert load().stele_logger_close(logger, ctypes.c_int64(-1)) == 0
"""


class Programs(LoggingCase):
    def test_one_line_changes_and_all_is_on_disk_at_the_end(self):
        self.assertEqual(run_python(ONE_LINE, self.daemon), (0, "", ""))
        self.assertEqual(self.messages(), [f"number {number}" for number in range(1000)])

    def test_a_logger_that_nobody_closed_is_written_at_the_end(self):
        self.assertEqual(run_python("import stele; log = stele.Logger(); log.log('left')",
                                    self.daemon), (0, "", ""))
        self.assertEqual(self.messages(), ["left"])

    def test_a_plugin_that_is_unloaded_may_leave_a_logger_and_its_thread(self):
        self.assertEqual(run_python(UNLOADED, self.daemon), (0, "", ""))

    def test_without_a_daemon_a_program_goes_on_and_says_what_was_lost(self):
        self.daemon.kill()
        code, out, err = run_python(ONE_LINE.replace("Handler()", "Handler(flush_timeout=0.2)"),
                                    self.daemon)
        self.assertEqual((code, out), (0, ""), err)
        self.assertIn("1000 entries", err)
        self.daemon.start()

    def test_a_child_of_multiprocessing_writes_what_it_logged(self):
        for method in ("fork", "spawn"):
            code, out, err = run_python(f"""
import logging, multiprocessing, sys, stele
sys.modules["__main__"].__file__ = None
import child_of_test
if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, handlers=[stele.Handler()])
    logging.info("parent")
    context = multiprocessing.get_context("{method}")
    child = context.Process(target=child_of_test.work)
    child.start()
    child.join()
    print(child.exitcode)
""", self.daemon, PYTHONPATH=f"{os.environ['STELE_PYTHON']}:{os.path.dirname(__file__)}")
            self.assertEqual((code, out, err), (0, "0\n", ""))
        self.assertEqual(sorted(self.messages()),
                         ["child"] * 200 + ["parent"] * 2)

    def test_a_program_that_is_interrupted_has_written_what_it_logged(self):
        code, _, err = run_python(f"""
import logging, os, signal, stele
logging.basicConfig(level=logging.INFO, handlers=[stele.Handler()])
for number in range(100):
    logging.info("number %d", number)
os.kill(os.getpid(), signal.{signal.SIGINT.name})
while True:
    pass
""", self.daemon)
        self.assertNotEqual(code, 0)
        self.assertIn("KeyboardInterrupt", err)
        self.assertEqual(len(self.messages()), 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
