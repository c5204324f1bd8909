#!/usr/bin/env python3
"""What documents and headers show is compiled as it stands, against what was installed, and run.

usage: snippets_test.py SOURCE_DIR BUILD_DIR     with the environment of tests/python

In C++ and C each snippet becomes a block of a function, behind what it takes for granted (`client`,
`entry`, `report`, …); its includes go to the top. A line that ends with `// before` is another
program's. All of them are one program, which runs against a daemon. Those in Python are run one by
one, those for CMake configured.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

source, build = (Path(word).resolve() for word in sys.argv[1:3])
sys.path[:0] = [str(source / "tests/python"), str(source / "tests/tidy")]

from coroutine_rules import coroutine_findings  # noqa: E402
from steled import Steled, run_python  # noqa: E402

DOCUMENTS = ("README.md", "client-lib/README.md", "client-lib/python/README.md")
HEADERS = ("protocol/include/stele", "client-lib/include/stele")
FLAGS = "-O0 -Wall -Wextra -Werror -Wno-unused-variable -Wno-unused-but-set-variable".split()

PROGRAM = """{includes}
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <iostream>
#include <spdlog/spdlog.h>
#include <stele/async_client.hpp>
#include <stele/buffered_logger.hpp>
#include <stele/client.hpp>
#include <stele/follower.hpp>
#include <stele/metadata.hpp>
#include <stele/spdlog_sink.hpp>

using namespace std::chrono_literals;
using boost::asio::use_awaitable;

static int failures = 0;
[[maybe_unused]] static int report(stele::Failure const& failure) {{
  std::cerr << failure.message << '\\n';
  ++failures;
  return 1;
}}
{functions}
int main() {{
{calls}
  return failures;
}}
"""
PLAIN = """
static int snippet_{number}() {{
  auto client = stele::Client::connect().value();
  stele::LogEntry entry{{.message = "entry"}};
  {{
#line {line} "{path}"
{text}
  }}
  return 0;
}}
"""
COROUTINE = """
static boost::asio::awaitable<void> coroutine_{number}(boost::asio::io_context& loop) {{
  auto executor = loop.get_executor();
  {{
#line {line} "{path}"
{text}
    if (!hello) report(hello.error());
    if (!seq) report(seq.error());
  }}
}}
static int snippet_{number}() {{
  boost::asio::io_context loop;
  boost::asio::co_spawn(loop, coroutine_{number}(loop), [](std::exception_ptr thrown) {{
    if (thrown) std::rethrow_exception(thrown);
  }});
  loop.run();
  return 0;
}}
"""
C_PROGRAM = """{includes}
#include <stdio.h>
#include <stele/stele.h>
#include <string.h>

static int report(int code) {{
  fprintf(stderr, "%s: %s\\n", stele_code_name(code), stele_error_message());
  return 1;
}}
int main(void) {{
  {{
#line {line} "{path}"
{text}
  }}
  (void)report;
  return 0;
}}
"""
CMAKE_PROJECT = """cmake_minimum_required(VERSION 3.25)
project(snippet CXX)
add_executable(app app.cpp)
{text}
"""


def of_document(path, language):
    """(line, text) of each block of this language."""
    text = (source / path).read_text()
    for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(1)


def of_header(path):
    """(line, text) of each block of code in its comments: indented by three columns, no JSON."""
    lines = (source / path).read_text().split("\n")
    number = 0
    while number < len(lines):
        block = []
        while number < len(lines) and (match := re.match(r"\s*///?   (\s*\S.*)", lines[number])):
            block.append(match.group(1))
            number += 1
        text = "\n".join(line for line in block if not line.endswith("// before"))
        if ";" in text:
            yield number - len(block) + 1, text
        number += 1


def of_docstrings(path):
    """(line, text) of each block that is indented further than its docstring."""
    for node in ast.walk(ast.parse((source / path).read_text())):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            continue
        if text := ast.get_docstring(node):
            for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text + "\n", re.MULTILINE):
                if "stele." in block:
                    yield node.body[0].lineno, textwrap.dedent(block)


def in_cpp():
    for path in DOCUMENTS:
        for line, text in of_document(path, "cpp"):
            yield path, line, text
    for folder in HEADERS:
        for header in sorted((source / folder).glob("*.hpp")):
            path = str(header.relative_to(source))
            for line, text in of_header(path):
                yield path, line, text


def in_python():
    for path in DOCUMENTS:
        for line, text in of_document(path, "python"):
            yield path, line, text
    for module in sorted((source / "client-lib/python/stele").glob("*.py")):
        path = str(module.relative_to(source))
        for line, text in of_docstrings(path):
            yield path, line, text


def split_includes(text):
    """The includes, and the text with empty lines in their place."""
    found = re.findall(r"^#include .*$", text, re.MULTILINE)
    return found, re.sub(r"^#include .*$", "", text, flags=re.MULTILINE)


def run(*words, **options):
    return subprocess.run([str(word) for word in words], text=True, capture_output=True, **options)


class Snippets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = Path(tempfile.mkdtemp(prefix="stele-snippets."))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        cls.prefix = cls.work / "prefix"
        for component in ("libstele", "libstele-dev"):
            done = run("cmake", "--install", build, "--prefix", cls.prefix,
                       "--component", component)
            assert done.returncode == 0, done.stderr
        cls.daemon = Steled().start()
        cls.addClassCleanup(cls.daemon.remove)

    def flags(self, package):
        folder = next(self.prefix.rglob("stele-client.pc")).parent
        done = run("pkg-config", "--cflags", "--libs", package,
                   env={**os.environ, "PKG_CONFIG_PATH": str(folder)})
        return done.stdout.split()

    def build_and_run(self, compiler, name, text, package):
        (self.work / name).write_text(text)
        program = self.work / f"{name}.program"
        built = run(*compiler, self.work / name, "-o", program, *FLAGS, *self.flags(package))
        self.assertEqual(built.returncode, 0, built.stderr)
        ran = run(program, env={"STELE_SOCKET": self.daemon.socket,
                                "LD_LIBRARY_PATH": str(next(self.prefix.rglob("*.so.0")).parent)})
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))

    def test_those_in_cpp_compile_and_run(self):
        snippets = list(in_cpp())
        print(f"{len(snippets)} snippets in C++:",
              ", ".join(f"{path}:{line}" for path, line, _ in snippets))
        self.assertGreaterEqual(len(snippets), 9)
        includes, functions, calls = [], [], []
        for number, (path, line, text) in enumerate(snippets):
            found, text = split_includes(text)
            includes += found
            form = COROUTINE if "co_await" in text else PLAIN
            functions.append(form.format(number=number, line=line, path=path, text=text))
            calls.append(f"  snippet_{number}();\n  spdlog::drop_all();")
        self.build_and_run(["g++", "-std=c++20"], "snippets.cpp", PROGRAM.format(
            includes="\n".join(includes), functions="".join(functions), calls="\n".join(calls)),
            "stele-spdlog-sink")

    def test_none_in_cpp_is_one_that_gcc_12_compiles_wrongly(self):
        for path, line, text in in_cpp():
            body = COROUTINE.format(number=0, line=line, path=path, text=text)
            found = [sentence for _, sentence in coroutine_findings(body)]
            self.assertEqual(found, [], f"{path}:{line}")

    def test_those_in_c_compile_and_run(self):
        for path in DOCUMENTS:
            for line, text in of_document(path, "c"):
                with self.subTest(f"{path}:{line}"):
                    includes, text = split_includes(text)
                    self.build_and_run(["gcc", "-std=c11"], "snippet.c", C_PROGRAM.format(
                        includes="\n".join(includes), line=line, path=path, text=text), "stele")

    def test_those_in_python_run(self):
        snippets = list(in_python())
        print(f"{len(snippets)} snippets in Python:",
              ", ".join(f"{path}:{line}" for path, line, _ in snippets))
        self.assertGreaterEqual(len(snippets), 4)
        for path, line, text in snippets:
            with self.subTest(f"{path}:{line}"):
                code, _, err = run_python("import logging\nimport stele\n" + text, self.daemon)
                self.assertEqual((code, err), (0, ""))

    def test_those_for_cmake_configure(self):
        for path in DOCUMENTS:
            for line, text in of_document(path, "cmake"):
                with self.subTest(f"{path}:{line}"):
                    folder = Path(tempfile.mkdtemp(dir=self.work))
                    (folder / "app.cpp").touch()
                    (folder / "CMakeLists.txt").write_text(CMAKE_PROJECT.format(text=text))
                    done = run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja",
                               f"-DCMAKE_PREFIX_PATH={self.prefix}")
                    self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    del sys.argv[1:3]
    unittest.main(verbosity=2)
