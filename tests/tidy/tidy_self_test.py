#!/usr/bin/env python3
"""Plants one violation at a time and expects exactly its rule; and plants sound code, expecting none."""

import tempfile
import unittest
from pathlib import Path

from coroutine_rules import coroutine_findings
from tidy import findings

HEADER = "// What it is.\n#pragma once\n"
LISTED = {"wal/CMakeLists.txt": "add_library(w a.cpp io/uring_backend.cpp)\n",
          "protocol/CMakeLists.txt": "add_library(p a.cpp)\n",
          "daemon/CMakeLists.txt": "add_library(d a.cpp session/session.cpp\n"
                                  "                 operations/metrics.cpp)\n",
          "client-lib/CMakeLists.txt": "add_library(c a.cpp cli/main.cpp cli/read/read_command.cpp "
                                    "cli/offline/verify_command.cpp)\n",
          "protocol/include/stele/error.hpp": HEADER,
          "client-lib/include/stele/client.hpp": HEADER}

UNNAMED = "namespace a {\nnamespace {\n\n%s\n\n}  // namespace\n}  // namespace a\n"
DECLARING = UNNAMED % ("constexpr int size = 3;\nclass Reader {\n};\nusing Name = int;\n"
                       "int f(int a) {\n  return a;\n}")

MEETING = [
    ("constexpr double size = 1;", "size is declared in daemon/a.cpp"),
    ("class Reader {\n};", "Reader is declared in daemon/a.cpp"),
    ("std::string const size = f();", "size is declared in daemon/a.cpp"),
    ("int size(int a) {\n  return a;\n}", "size(int) is declared in daemon/a.cpp"),
    ("using Name = long;", "Name = long is declared in daemon/a.cpp"),
    ("long f(int other) {\n  return other;\n}", "f(int) is declared in daemon/a.cpp"),
]

# (file, its content, part of the expected sentence)
PLANTED = [
    ("protocol/a.cpp", '#include "wal/format/crc32c.hpp"\n', "protocol knows no other module"),
    ("protocol/a.cpp", "#include <boost/asio/buffer.hpp>\n", "no sockets"),
    ("protocol/a.cpp", "#include <sys/socket.h>\n", "no sockets"),
    ("protocol/a.cpp", '#include "stele/client.hpp"\n', "protocol knows no other module"),
    ("wal/a.cpp", '#include "stele/error.hpp"\n', "no other module"),
    ("wal/a.cpp", '#include "protocol/frame/frame.hpp"\n', "no other module"),
    ("wal/a.cpp", "#include <boost/json/value.hpp>\n", "no JSON"),
    ("wal/a.cpp", "#include <liburing.h>\n", "uring_backend.cpp alone"),
    ("daemon/a.cpp", '#include "wal/format/format.hpp"\n', "is public"),
    ("daemon/a.cpp", '#include "stele/client.hpp"\n', "does not need the client"),
    ("daemon/a.cpp", '#include "support/daemon.hpp"\n', "no module includes tests"),
    ("client-lib/a.cpp", '#include "wal/log.hpp"\n', "never sees wal"),
    ("client-lib/cli/read/read_command.cpp", '#include "wal/offline/log_check.hpp"\n', "never sees wal"),
    ("client-lib/cli/offline/verify_command.cpp", '#include "wal/write/log_core.hpp"\n', "the offline verbs see"),
    ("client-lib/include/stele/client.hpp", HEADER + "#include <boost/asio/error.hpp>\n", "hides"),
    ("daemon/a.cpp", "int a = 1;" + " " * 90 + "// far\n", "columns"),
    ("daemon/a.cpp", "int a = 1; \n", "white space"),
    ("daemon/a.cpp", "\tint a = 1;\n", "a tab"),
    ("daemon/a.cpp", "int a = 1;", "no line end"),
    ("daemon/a.cpp", "// TODO: later\n", "finish it"),
    ("daemon/a.cpp", "auto const [a, b] = std::minmax(x, f());\n", "references"),
    ("daemon/a.cpp", "// It begins anew.\n", "anew: say again"),
    ("daemon/a.cpp", "int f(int a) {\n" + "  ++a;\n" * 70 + "}\n", "a function of 72 lines"),
    ("daemon/a.cpp", "int a;\n" * 501, "501 lines"),
    ("daemon/a.cpp", "class SessionManager {};\n", "says nothing"),
    ("daemon/a.cpp", "struct EntryData {\n};\n", "says nothing"),
    ("daemon/util.hpp", HEADER, "one idea"),
    ("daemon/a.hpp", HEADER + "using namespace std;\n", "leaks"),
    ("daemon/a.hpp", "#pragma once\n", "begins with a comment"),
    ("daemon/a.hpp", "// What it is.\n", "no #pragma once"),
    ("daemon/session/session.cpp", "std::function<void()> f;\n", "allocates"),
    ("daemon/a.cpp", "co_spawn(io, run(), asio::detached);\n", "swallows"),
    ("daemon/a.cpp", "void f() { try { g(); } catch (...) {} }\n", "hides defects"),
    ("daemon/b.cpp", "int a;\n", "nothing builds it"),
    ("daemon/CMakeLists.txt", "file(GLOB all *.cpp)\n# a.cpp session.cpp\n", "explicit"),
    ("docs/a.md", "# A\n", "top level is closed"),
    ("wal/a.cpp.orig", "int a;\n", "left over by a tool"),
    ("README.md", "A robust store.\n", "praises"),
    ("README.md", "Done \u2705\n", "plain text"),
    (".ci/packages.txt", "build libboost-json-dev\n", "unversioned"),
    ("README.md", "Held by `a_test/it_stays`.\n", "a_test/it_stays is not there"),
    ("README.md", "## The life of a write\n\n1. `daemon/gone.cpp` reads.\n\n## Then\n\n`daemon/any.cpp`\n",
     "daemon/gone.cpp is not there"),
]

SOUND = {
    "protocol/a.cpp": '#include "stele/error.hpp"\n#include <boost/json/value.hpp>\n',
    "wal/io/uring_backend.cpp": "#include <liburing.h>\n"
                             "void f() { try { g(); } catch (...) { undo(); throw; } }\n",
    "wal/a.cpp": '#include "wal/format/format.hpp"\n// mentions "protocol/frame/frame.hpp" and class FooData\n',
    "daemon/a.cpp": '#include "wal/log.hpp"\n#include "wal/storage.hpp"\n#include "stele/error.hpp"\n'
                    'char const* s = "class InfoData {";\nint f(int a) {\n' + "  ++a;\n" * 68 + "}\n"
                    "namespace n {\n" + "int g();\n" * 100 + "}\n",
    "daemon/session/session.cpp": "#include \"protocol/frame/frame.hpp\"\n",
    "client-lib/a.cpp": '#include <boost/asio/buffer.hpp>\n#include "stele/client.hpp"\n',
    "client-lib/cli/main.cpp": "int main() { return 0; }\n",
    "client-lib/cli/offline/verify_command.cpp": '#include "wal/offline/log_check.hpp"\n',
    "README.md": "A durable log store.\n```\n" + "long " * 30 + "answer\n```\n",
    "tests/CMakeLists.txt": "add_executable(t a_test.cpp)\n",
    "tests/a_test.cpp": "auto f() {\n  return T{\n" + "      {1, 2},\n" * 90 + "  };\n}\n"
                        "auto s = \"" + "x" * 200 + "\";\n",
    ".ci/packages.txt": "build libboost-json1.81-dev\n",
}

AWAIT_BROKEN = [
    ("co_await send([s] { return s; });", "lambda"),
    ("co_await co_spawn(ex, [s]() -> awaitable<void> { co_return; }, use_awaitable);", "lambda"),
    ("co_await send(Agg{a, b});", "aggregate"),
    ("co_await send({.a = a});", "aggregate"),
    ("co_await send({{\"ok\", true}});", "aggregate"),
    ("auto agg = Agg{co_await a(), co_await b()};", "braces around"),
    ("Agg agg{co_await a(), 1};", "braces around"),
    ("auto x = c ? co_await a() : std::string(\"…\");", "if/else"),
    ("co_return (ok && co_await a()) ? 1 : 2;", "if/else"),
    ("auto [ec, n] = co_await socket.async_read_some(b, tok);", "named value"),
    ("auto const& [ec, n] = co_await socket.async_read_some(b, tok);", "named value"),
    ("if (co_await send(Agg{a})) { f(); }", "aggregate"),
    ("while (\n    co_await f(\n        Agg{a},\n        b)) {\n}", "aggregate"),
]

AWAIT_SOUND = [
    "auto r = co_await op(tok);\nauto& [ec, n] = r;",
    "auto f = [&]() -> awaitable<void> { co_await op(tok); };\nAgg a{1, 2};\nco_await g(a, std::move(f));",
    "auto run = [this] {\n  return Agg{1};\n};\nco_await op(tok);",
    "co_await op(flag ? 1 : 2);",
    "if (co_await op(tok)) {\n  x = y ? 1 : 2;\n  f(Agg{a});\n}",
    "for (;;) {\n  co_await op(tok);\n}\nauto a = Agg{1};",
    "switch (k) {\n  case 1: {\n    co_await op(tok);\n  }\n}",
    "// co_await send({1})\nauto s = \"co_await f({})\";",
    "auto const a = flag ? 1 : 2;\nco_await op(a);",
    "try {\n  co_await op(tok);\n} catch (error const& e) {\n}",
    "awaitable<void> f() noexcept {\n  co_await op(tok);\n}",
]


class TidyTest(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {**LISTED, **files}.items():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_text(text, encoding="utf-8")
            return [(path, sentence) for path, _, sentence in findings(Path(folder))]

    def test_each_planted_violation_is_found_once_and_alone(self):
        for path, text, expected in PLANTED:
            with self.subTest(expected=expected, text=text[:60]):
                found = self.run_on({path: text})
                self.assertEqual([path if "top level" not in expected else "docs"],
                                 [where for where, _ in found], found)
                self.assertIn(expected, found[0][1])

    def test_names_that_meet_in_a_unity_build_are_found(self):
        for text, expected in MEETING:
            with self.subTest(text=text):
                found = self.run_on({"daemon/a.cpp": DECLARING, "daemon/session/session.cpp": UNNAMED % text})
                self.assertEqual([("daemon/session/session.cpp", True)],
                                 [(where, expected in sentence) for where, sentence in found], found)
        apart = UNNAMED % ("using Name = int;\nint f(double a) {\n  return a;\n}\nclass Writer {\n  int size = 1;\n};\n"
                           "int Writer::f(int a) {\n  return a;\n}")
        self.assertEqual([], self.run_on({"daemon/a.cpp": DECLARING, "daemon/session/session.cpp": apart,
                                          "wal/a.cpp": DECLARING}))
        self.assertEqual([], self.run_on({
            "tests/wal/CMakeLists.txt": "stele_test(wal FILES a_test.cpp b_test.cpp)\n",
            "tests/wal/a_test.cpp": DECLARING,
            "tests/wal/b_test.cpp": "BOOST_AUTO_TEST_SUITE(b_test)\n" + DECLARING}))

    def test_folders_that_do_not_use_one_another_as_drawn_are_found(self):
        picture = "# x\n\n```folders\ndaemon -> all\nsession -> store  replies\nstore ->\n```\n"
        sound = {"daemon/README.md": picture,
                 "daemon/session/session.cpp": '#include "daemon/store/store.hpp"\n',
                 "daemon/store/store.hpp": HEADER + '#include "daemon/clock.hpp"\n',
                 "daemon/clock.hpp": HEADER}
        self.assertEqual([], self.run_on(sound))
        for path, text, expected in [
                ("daemon/store/store.hpp", HEADER + '#include "daemon/session/session.hpp"\n',
                 ["does not say that store uses session", "by way of others", "by way of others"]),
                ("daemon/session/session.cpp", "", ["session does not use store"]),
                ("daemon/net/socket.hpp", HEADER, ["net/ is not in the picture"]),
                ("daemon/README.md", picture.replace("store ->", "store ->\nnet ->"),
                 ["there is no folder net"])]:
            with self.subTest(path=path, expected=expected):
                found = self.run_on({**sound, path: text})
                self.assertEqual(len(expected), len(found), found)
                for part in expected:
                    self.assertIn(part, " ".join(sentence for _, sentence in found))
        many = {f"daemon/store/concept_{number}.hpp": HEADER for number in range(10)}
        found = self.run_on({**sound, **many})
        self.assertEqual(1, len(found), found)
        self.assertIn("11 files that are about one thing", found[0][1])

    def test_scripts_that_install_less_than_they_call_are_found(self):
        sound = {"README.md": "`bash tests/run.sh dev` and `bash .ci/install-packages.sh build test`\n",
                 ".ci/install-packages.sh": "", ".ci/packages.txt": (
                     "build cmake\nbuild ninja-build\ntest libboost-test1.81-dev\ntest python3\n"),
                 "tests/run.sh": "bash .ci/install-packages.sh build test\ncmake --preset dev\n"
                                 "cmake --build --preset dev \\\n  --target a\n# gcovr\n"}
        self.assertEqual([], self.run_on(sound))
        for path, text, expected in (
                ("README.md", "bash tests/runs.sh\n", "tests/runs.sh is not there"),
                ("README.md", "Then `STELE_SEED=1 python3 -B tests/a.py`.\n", "tests/a.py is not"),
                ("tests/a.py", 'subprocess.run(["openssl", "x"])\n', "openssl is in openssl, which"),
                ("tests/a.py", 'run = subprocess.Popen(["odd"])\n', "odd is in a package that"),
                ("tests/run.sh", sound["tests/run.sh"] + "gcovr --root .\n", "it needs gcovr"),
                ("tests/run.sh", sound["tests/run.sh"] + "x=$(git ls-files)\n", "it needs git"),
                ("tests/run.sh", sound["tests/run.sh"].replace("build test", "build"),
                 "it needs libboost-test1.81-dev"),
                ("tests/run.sh", sound["tests/run.sh"] + "cmake --build --preset tsan\n",
                 "builds tsan")):
            with self.subTest(text=text):
                found = self.run_on({**sound, path: text})
                self.assertEqual([(path, True)], [(where, expected in sentence)
                                                  for where, sentence in found], found)

    def test_mutants_that_say_nothing_are_found(self):
        patch = ("It stays.\nCaught by: STELE_SEED=1 a_test --run_test=a_test/it_stays*\n"
                 "--- a/wal/a.cpp\n+++ b/wal/a.cpp\n@@ -4,3 +4,2 @@\n int a;\n-int b;\n int c;\n"
                 "@@ -9,2 +8,2 @@\n-int d;\n+int e;\n \n")
        sound = {"tests/CMakeLists.txt": "add_executable(t a_test.cpp)\n",
                 "tests/a_test.cpp": "BOOST_DATA_TEST_CASE_F(Fixture, it_stays_so, all(), a) {}\n",
                 "tests/README.md": "| M01 | it stays |\n| M02, M03 | it goes (M04: or not) |\n",
                 "wal/a.cpp": "// Moved by a line.\nint a;\nint b;\nint c;\nint d;\n\n",
                 **{f"tests/mutants/{name}.patch": patch for name in ("M01", "M01b", "M02", "M03", "M04")}}
        self.assertEqual([], self.run_on(sound))
        mutant = "tests/mutants/M01b.patch"
        for path, before, after, where, expected in [
                (mutant, "-int b;", "-int  b;", mutant, "does not apply to wal/a.cpp, at its line 4"),
                (mutant, " int a;", " int d;", mutant, "does not apply to wal/a.cpp, at its line 4"),
                (mutant, "-int d;", "-int a;", mutant, "does not apply to wal/a.cpp, at its line 9"),
                (mutant, "+int e;", "+int d;", mutant, "changes nothing"),
                (mutant, "wal/a.cpp", "wal/b.cpp", mutant, "wal/b.cpp is not there"),
                (mutant, "+8,2 @@", "+8,4 @@", mutant, "another number of lines"),
                (mutant, "It stays.\n", "", mutant, "the first two lines"),
                (mutant, "/it_stays*", "/it_stays", mutant, "is not there"),
                (mutant, "it_stays*", "it_goes*", mutant, "is not there"),
                ("tests/README.md", "M02, M03", "M02", "tests/README.md", "has no M03"),
                ("tests/README.md", "M04", "M05", "tests/README.md", "M0")]:
            with self.subTest(expected=expected, after=after):
                found = self.run_on({**sound, path: sound[path].replace(before, after)})
                self.assertTrue(found)
                self.assertTrue(all(place == where and expected in sentence
                                    for place, sentence in found), found)

    def test_what_documents_leave_out_is_found(self):
        rows = "".join(f"| P{number} | it stays | `a_test/it_stays` |\n" for number in range(1, 39))
        documents = {
            "tests/CMakeLists.txt": "add_executable(t a_test.cpp)\n",
            "tests/a_test.cpp": "BOOST_AUTO_TEST_CASE(it_stays) {}\n",
            "wal/FORMAT.md": rows,
            "protocol/PROTOCOL.md": "| P39, P40 | it goes | `a_test/it_stays` |\n| `a_max` | 1 |\n",
            "tests/README.md": "| `a_max` | a | `a_test/it_stays` |\n| `b_max` | b |\n",
            "daemon/operations/metrics.cpp": 'void f() { ObjectText(out, "limits").number("a_max", 1); }\n',
            "daemon/CMakeLists.txt": "add_library(d operations/metrics.cpp)\n"}
        self.assertEqual([], self.run_on(documents))
        for path, before, after, expected in [
                ("wal/FORMAT.md", "| P7 |", "| P6 |", "holds P7"),
                ("protocol/PROTOCOL.md", "P39, P40", "P39", "holds P40"),
                ("tests/a_test.cpp", "it_stays", "it_went", "is not there"),
                ("daemon/operations/metrics.cpp", "a_max", "b_max", "limit b_max is in no table")]:
            with self.subTest(expected=expected):
                changed = documents[path].replace(before, after)
                found = self.run_on({**documents, path: changed})
                self.assertTrue(found)
                self.assertTrue(all(expected in sentence for _, sentence in found), found)

    def test_sound_files_have_no_findings(self):
        self.assertEqual([], self.run_on(SOUND))

    def test_each_broken_await_is_found(self):
        for text, expected in AWAIT_BROKEN:
            with self.subTest(text=text):
                body = "awaitable<void> f() {\n  prepare();\n  " + text + "\n  done();\n}\n"
                found = [sentence for _, sentence in coroutine_findings(body)]
                self.assertTrue(any(expected in sentence for sentence in found), found)

    def test_sound_awaits_have_no_findings(self):
        for text in AWAIT_SOUND:
            with self.subTest(text=text):
                body = "awaitable<void> f() {\n  prepare();\n  " + text + "\n  done();\n}\n"
                self.assertEqual([], list(coroutine_findings(body)))

    def test_the_line_of_an_await_is_told(self):
        self.assertEqual([3], [line for line, _ in coroutine_findings(
            "awaitable<void> f() {\n  g();\n  co_await send(Agg{a});\n}\n")])


if __name__ == "__main__":
    unittest.main()
