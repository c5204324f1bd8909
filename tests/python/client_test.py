#!/usr/bin/env python3
"""stele.Client against the real daemon."""

import ctypes
import datetime
import itertools
import os
import re
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path

from steled import GUARD_S, Steled, run_python, start_python

import stele
from stele import _library

HEADER_DIR = os.environ["STELE_INCLUDE"]


class ClientCase(unittest.TestCase):
    def setUp(self):
        self.daemon = Steled().start()
        self.addCleanup(self.daemon.remove)
        self.client = stele.Client(self.daemon.socket, "test")
        self.addCleanup(self.client.close)

    def messages(self):
        return [entry.message for entry in self.client.read_logs()]


class Library(unittest.TestCase):
    def test_structs_are_laid_out_as_the_header_says(self):
        lines = ["#include <stdio.h>", "#include <stddef.h>", "#include <stele/stele.h>",
                 "int main(void) {"]
        wanted = []
        for name, struct in _library.STRUCTS.items():
            lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
            wanted.append(f"{name} {ctypes.sizeof(struct)}")
            for member, *_ in struct._fields_:
                lines.append(f'printf("{name}.{member} %zu\\n", offsetof({name}, {member}));')
                wanted.append(f"{name}.{member} {getattr(struct, member).offset}")
        lines.append("return 0; }")
        program = f"/tmp/stele-layout-{os.getpid()}"
        self.addCleanup(lambda: os.path.exists(program) and os.remove(program))
        subprocess.run(["gcc", "-xc", "-", f"-I{HEADER_DIR}", "-o", program], text=True, check=True,
                       input="\n".join(lines))
        found = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        self.assertEqual(found.split("\n")[:-1], wanted)

    def test_each_error_code_of_the_header_has_a_name_here(self):
        text = Path(HEADER_DIR, "stele/stele.h").read_text()
        for name, number in re.findall(r"^  STELE_(\w+) = (\d+),?$", text, re.MULTILINE):
            if int(number) >= 6:
                known = _library.LIBRARY.stele_code_name(int(number)).decode()
                self.assertEqual(known, name.lower())


class Entries(ClientCase):
    def test_what_is_written_is_read_back(self):
        when = datetime.datetime(2023, 11, 14, 22, 13, 20, 5, datetime.timezone.utc)
        seq = self.client.write_log("größer\0als", "warn", {"disk": "sda", "used": 0.91},
                                    timestamp=when)
        entry, = self.client.read_logs()
        self.assertEqual((entry.seq, entry.message, entry.level), (seq, "größer\0als",
                                                                   stele.Level.WARN))
        self.assertEqual(entry.metadata, {"disk": "sda", "used": 0.91})
        self.assertEqual((entry.time, entry.timestamp), (when, 1_700_000_000_000_005))
        self.assertEqual((entry.pid, entry.uid, entry.gid), (os.getpid(), os.getuid(), os.getgid()))

    def test_metadata_as_text_keeps_its_digits(self):
        self.client.write_log("", metadata='{"n":1.000e5,"m":18446744073709551616}')
        self.assertEqual(next(self.client.read_logs()).metadata_text,
                         '{"n":1.000e5,"m":18446744073709551616}')

    def test_many_have_consecutive_seqs(self):
        seqs = self.client.write_many_logs(["a", stele.Entry("b", stele.Level.ERROR), "c"])
        self.assertEqual((seqs, self.messages()), (range(1, 4), ["a", "b", "c"]))

    def test_a_number_stores_a_batch_once_over_connections(self):
        for _ in range(2):
            with stele.Client(self.daemon.socket, writer=b"sixteen bytes 16") as writer:
                self.assertEqual(writer.write_once(["a", "b"], 1), range(1, 3))
                self.assertEqual(writer.write_once(["c"], 2), range(3, 4))
        with stele.Client(self.daemon.socket, writer=b"sixteen bytes 16") as writer:
            self.assertEqual(writer.server.last_write_no, 2)
            with self.assertRaises(stele.Refused) as caught:
                writer.write_once(["d"], 2)
        self.assertEqual(caught.exception.code, "id_conflict")
        self.assertEqual(self.messages(), ["a", "b", "c"])

    def test_half_of_a_surrogate_pair_becomes_a_replacement_character(self):
        self.client.write_log("a\ud800b", metadata={"x": "\udfff"})
        entry, = self.client.read_logs()
        self.assertEqual((entry.message, entry.metadata), ("a\ufffdb", {"x": "\ufffd"}))


class Reads(ClientCase):
    def setUp(self):
        super().setUp()
        self.client.write_many_logs(
            stele.Entry(str(number), "error" if number % 3 == 0 else "info", {"third": number // 3},
                        number) for number in range(3000))

    def test_pages_go_on_at_their_cursor(self):
        first = self.client.read_page(10, limit=4)
        second = self.client.read_page(10, limit=4, cursor=first.cursor)
        self.assertEqual([entry.timestamp for entry in first.entries + second.entries],
                         list(range(10, 18)))
        self.assertEqual(self.client.read_page(2999).cursor, "")

    def test_an_iterator_has_all_of_a_range_in_order(self):
        self.assertEqual([entry.timestamp for entry in self.client.read_logs()], list(range(3000)))
        found = self.client.read_logs(100, 2000, newest_first=True, limit=700)
        self.assertEqual([entry.timestamp for entry in found], list(range(2000, 1300, -1)))

    def test_filters_hold_for_reads_and_counts(self):
        for terms, count in ((stele.Filter(min_level="error"), 1000),
                             (stele.Filter(contains="29", min_level="info"), 158),
                             (stele.Filter(where={"third": 7}), 3),
                             (stele.Filter(after_seq=2990), 10),
                             (stele.Filter(pid=os.getpid(), uid=os.getuid()), 3000),
                             (stele.Filter(pid=1), 0)):
            self.assertEqual(len(list(self.client.read_logs(filter=terms))),
                             self.client.count_logs(filter=terms))
            if terms.contains is None:
                self.assertEqual(self.client.count_logs(filter=terms), count)

    def test_leaving_a_loop_by_an_exception_leaves_the_client_as_it_was(self):
        for leave_at in (0, 1, 255, 256, 257, 2999):
            with self.assertRaises(ZeroDivisionError):
                for number, _ in enumerate(self.client.read_logs()):
                    1 // (leave_at - number)
            self.assertEqual(self.client.count_logs(), 3000)
            for entry in self.client.read_logs(7):
                self.assertEqual(self.client.read_page(7, 7).entries, [entry])
                break


class Failures(ClientCase):
    def test_a_refusal_says_why(self):
        with self.assertRaises(stele.Refused) as caught:
            self.client.write_log("x" * 2**21)
        error = caught.exception
        self.assertEqual((error.code, error.may_be_stored), ("entry_too_large", False))
        self.assertIn("limit", str(error) + str(error.detail))
        self.client.ping()

    def test_wrong_arguments_are_named_and_nothing_is_sent(self):
        for wrong in (lambda: self.client.write_log("", "loud"),
                      lambda: self.client.write_log("", timestamp=-1),
                      lambda: self.client.write_log("", timestamp=datetime.datetime.now()),
                      lambda: self.client.write_log("", metadata={"x": float("nan")}),
                      lambda: self.client.count_logs(filter=stele.Filter(contains="a\0b")),
                      lambda: stele.Client(self.daemon.socket, writer=b"short"),
                      lambda: stele.Client("a\0b")):
            with self.assertRaises(ValueError):
                wrong()
        with self.assertRaises(TypeError):
            self.client.write_log("", metadata={"x": object()})
        with self.assertRaises(stele.Error):
            self.client.write_log("", metadata="{")
        self.assertEqual(self.client.count_logs(), 0)

    def test_numbers_that_the_library_cannot_hold_are_refused_by_name(self):
        client = self.client
        numbered = {
            "count": client.report_dropped,
            "seq": lambda value: client.confirm("archive", value),
            "write_no": lambda value: client.write_once(["m"], value),
            "limit": lambda value: list(client.read_logs(limit=value)),
            "newest": lambda value: client.follow_logs(newest=value),
            "after_seq": lambda value: client.count_logs(filter=stele.Filter(after_seq=value)),
            "pid": lambda value: client.count_logs(filter=stele.Filter(pid=value)),
            "uid": lambda value: client.read_page(filter=stele.Filter(uid=value)),
            "buffer_bytes": lambda value: stele.Logger(self.daemon.socket, buffer_bytes=value),
            "batch_bytes": lambda value: stele.Logger(self.daemon.socket, batch_bytes=value),
        }
        for name, call in numbered.items():
            for value in (-1, 2**64, 2**64 + 1):
                with self.assertRaisesRegex(ValueError, f"^{name} is {value}; "):
                    call(value)
        texts = {
            "name": lambda value: stele.Client(self.daemon.socket, value),
            "consumer": lambda value: client.confirm(value, 1),
            "contains": lambda value: list(client.read_logs(filter=stele.Filter(contains=value))),
            "cursor": lambda value: client.read_page(cursor=value),
        }
        for name, call in texts.items():
            with self.assertRaisesRegex(ValueError, f"^{name} holds half of a surrogate pair"):
                call("\ud800")
        with self.assertRaisesRegex(ValueError, "^writer has 16 bytes"):
            client.report_dropped(1, writer=b"short")
        for call in (client.ping, lambda timeout: client.write_log("m", timeout=timeout)):
            with self.assertRaisesRegex(ValueError, "a timeout is a number of seconds"):
                call(timeout=float("nan"))
            for passed in (-1, float("-inf"), -1e308):
                with self.assertRaises(stele.TimedOut):
                    call(timeout=passed)
        for long in (1e308, 10**30, float("inf")):
            client.ping(timeout=long)
        self.assertEqual(client.audit()["dropped"], 0)
        self.assertEqual(client.count_logs(), 0)

    def test_a_sockets_path_may_be_any_bytes(self):
        os.symlink(self.daemon.socket, os.fsencode(self.daemon.folder) + b"/\xff")
        path = os.fsdecode(os.fsencode(self.daemon.folder) + b"/\xff")
        stele.Client(path).ping()
        with stele.Logger(path) as logger:
            logger.log("m")
        self.assertEqual(self.client.count_logs(), 1)

    def test_who_does_not_answer_is_named(self):
        with self.assertRaises(stele.CannotConnect) as caught:
            stele.Client("/nowhere")
        self.assertIsInstance(caught.exception, ConnectionError)
        self.assertIn("/nowhere", str(caught.exception))

    def test_a_time_that_has_passed_sends_nothing(self):
        for timeout in (0, -1):
            with self.assertRaises(TimeoutError):
                self.client.write_log("late", timeout=timeout)
        self.client.write_log("in time", timeout=GUARD_S)
        self.assertEqual(self.messages(), ["in time"])

    def test_a_deaf_daemon_times_out_and_is_met_again(self):
        self.daemon.signal(signal.SIGSTOP)
        with self.assertRaises(TimeoutError):
            self.client.count_logs(timeout=0.05)
        with self.assertRaises(TimeoutError):
            stele.Client(self.daemon.socket, connect_timeout=0.05)
        self.daemon.signal(signal.SIGCONT)
        self.assertEqual(self.client.count_logs(timeout=GUARD_S), 0)

    def test_a_closed_client_says_so(self):
        self.client.close()
        with self.assertRaisesRegex(stele.InvalidArgument, "closed"):
            self.client.ping()


class Restarts(ClientCase):
    def test_the_next_call_meets_the_new_daemon(self):
        self.client.write_log("before")
        self.daemon.kill()
        with self.assertRaises(stele.CannotConnect):
            self.client.write_log("meanwhile")
        self.daemon.start()
        self.assertEqual(self.client.write_log("behind"), 2)
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.messages(), ["before", "behind"])

    def test_a_follow_goes_on_behind_its_last_entry(self):
        with self.client.follow_logs(timeout=GUARD_S) as follow:
            for round_no in range(4):
                written = [f"{round_no} {number}" for number in range(100)]
                self.client.write_many_logs(written)
                self.assertEqual([entry.message for entry in itertools.islice(follow, 100)],
                                 written)
                self.assertEqual(follow.last_seq, 100 * (round_no + 1))
                (self.daemon.kill if round_no % 2 else self.daemon.stop)()
                self.daemon.start()
        self.assertEqual(list(follow), [])

    def test_a_follow_that_is_closed_wakes_who_waits_for_its_next_entry(self):
        follow = self.client.follow_logs()
        found = []
        reader = threading.Thread(target=lambda: found.extend(follow))
        reader.start()
        self.client.write_log("seen")
        while not found:
            time.sleep(0.001)
        follow.close()
        reader.join()
        self.assertEqual([entry.message for entry in found], ["seen"])

    def test_a_follow_from_now_on_has_no_entry_from_before(self):
        self.client.write_log("before")
        with self.client.follow_logs(newest=0, timeout=GUARD_S) as follow, \
                self.client.follow_logs(newest=1, timeout=0.01) as newest:
            self.assertRaises(TimeoutError, lambda: [next(newest) for _ in range(2)])
            self.client.write_log("behind")
            self.assertEqual(next(follow).message, "behind")
        with self.assertRaises(stele.Error):
            with self.client.follow_logs(timeout=GUARD_S, reconnect=False) as follow:
                for _ in follow:
                    self.daemon.kill()


class Threads(ClientCase):
    def test_a_client_may_be_shared(self):
        def write(name):
            for number in range(50):
                self.client.write_log(f"{name} {number}")

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name in "abcd":
            self.assertEqual([text for text in self.messages() if text[0] == name],
                             [f"{name} {number}" for number in range(50)])

    def test_a_child_has_a_connection_of_its_own(self):
        for number in range(20):
            child = os.fork()
            if child == 0:
                try:
                    self.client.write_log(f"child {number}")
                    os._exit(0)
                except BaseException:
                    os._exit(1)
            self.client.write_log(f"parent {number}")
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(len({entry.pid for entry in self.client.read_logs()}), 21)
        self.assertEqual(len(set(self.messages())), 40)


CALLS = {
    "write_log": "client.write_log('under way')",
    "write_many_logs": "client.write_many_logs(['under way'] * 3)",
    "read_logs": "list(client.read_logs())",
    "count_logs": "client.count_logs()",
    "ping": "client.ping()",
    "stats": "client.stats()",
    "connect": "stele.Client(connect_timeout=None)",
    "follow": "next(follow)",
    "flush": "logger.log('x'); logger.flush()",
    "full": "[logger.log('x' * 100000) for _ in range(10000)]",
}
INTERRUPTED = """
import os, signal, stele
client = stele.Client(request_timeout=None)
follow = client.follow_logs(newest=0)
logger = stele.Logger(when_full="block", close_timeout=0.1, buffer_bytes=300000,
                      on_loss=lambda *_: None)
os.kill(int(os.environ["DAEMON"]), signal.SIGSTOP)
try:
    print("in a call", flush=True)
    {call}
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("interrupted", flush=True)
os.kill(int(os.environ["DAEMON"]), signal.SIGCONT)
print(client.write_log("behind") > 0, client.count_logs() > 0)
"""


def interrupt(process):
    """Until it ends: it may not have begun its call. Its output and errors."""
    end = time.monotonic() + GUARD_S
    while time.monotonic() < end:
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=0.1)
        except subprocess.TimeoutExpired:
            pass
    process.kill()
    return process.communicate()


class Signals(ClientCase):
    def test_ctrl_c_ends_each_call_that_waits_and_the_client_goes_on(self):
        """None of them has a limit, and the daemon does not answer."""
        for name, call in CALLS.items():
            with self.subTest(name):
                self.daemon.signal(signal.SIGCONT)
                process = start_python(INTERRUPTED.format(call=call), self.daemon,
                                       DAEMON=str(self.daemon.process.pid))
                self.assertEqual(process.stdout.readline(), "in a call\n")
                self.assertEqual(interrupt(process), ("interrupted\nTrue True\n", ""))

    def test_a_handler_runs_while_a_call_waits(self):
        code, out, err = run_python("""
import os, signal, stele
daemon = int(os.environ["DAEMON"])
client = stele.Client(request_timeout=None)
def resume(*_):
    print("handled")
    os.kill(daemon, signal.SIGCONT)
signal.signal(signal.SIGALRM, resume)
os.kill(daemon, signal.SIGSTOP)
signal.setitimer(signal.ITIMER_REAL, 0.05)
print(client.write_log("x"))
""", self.daemon, DAEMON=str(self.daemon.process.pid))
        self.assertEqual((code, out, err), (0, "handled\n1\n", ""))

    def test_a_program_may_end_while_its_threads_read_and_follow(self):
        """Called back after its end, the interpreter would abort the process."""
        self.client.write_many_logs(map(str, range(5000)))
        for _ in range(5):
            self.assertEqual(run_python("""
import stele, threading
client = stele.Client()
has_read = threading.Event()
def work():
    while True:
        list(client.read_logs())
        has_read.set()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
follow = client.follow_logs()
next(follow)
has_read.wait()
""", self.daemon), (0, "", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
