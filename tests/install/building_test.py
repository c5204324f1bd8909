#!/usr/bin/env python3
"""Programs of others, built against what was installed: with strict warnings, another standard, no
CMake, another Boost, an spdlog of their own. What cannot work is refused with a sentence.

usage: building_test.py SOURCE_DIR BUILD_DIR
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

STRICT = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wswitch-enum"
          " -Wold-style-cast -Wnon-virtual-dtor -Wundef -Werror").split()
OTHER_BOOST_HPP = """#pragma once
#define BOOST_VERSION 108400
#define BOOST_LIB_VERSION "1_84"
"""
OTHER_BOOST_CMAKE = """if(NOT TARGET Boost::headers)
  add_library(Boost::headers INTERFACE IMPORTED)
  set_target_properties(Boost::headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}/include")
  add_library(Boost::json INTERFACE IMPORTED)
endif()
"""
OTHER_BOOST_VERSION = """set(PACKAGE_VERSION 1.84.0)
if(NOT PACKAGE_FIND_VERSION OR PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
"""
# Programs name the classes that they use in headers of their own, without including any.
FORWARD = """namespace stele {
class Client; class AsyncClient; class BufferedLogger; class SpdlogSink; class Metadata;
class Deadline; struct ClientOptions; struct LogEntry; struct StoredEntry;
}
"""
# What spdlog has from 1.15 on, for the sink.
MDC_HPP = """#pragma once
#include <map>
#include <string>
namespace spdlog { struct mdc {
  static std::map<std::string, std::string>& get_context() {
    static thread_local std::map<std::string, std::string> context;
    return context;
  }
}; }
"""
CONNECT = """#include <stele/client.hpp>
#include <cstdio>
int main() {
  auto client = stele::Client::connect();
  std::puts(client ? "connected" : client.error().message.c_str());
}
"""
PING = """#include <stele/async_client.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
int main() {
  boost::asio::io_context loop;
  stele::AsyncClient client{loop.get_executor()};
  client.async_ping([](stele::Result<void> done) { std::puts(done.error().message.c_str()); });
  loop.run();
}
"""
# Whether the compiler works is not asked: these projects build nothing.
PROJECT = """cmake_minimum_required(VERSION 3.25)
set(CMAKE_CXX_COMPILER_WORKS TRUE)
project(consumer CXX)
{text}
"""

source, build = (Path(word).resolve() for word in sys.argv[1:3])
work = Path()
prefix = Path()


def run(*words, **options):
    return subprocess.run([str(word) for word in words], text=True, capture_output=True, **options)


def setUpModule():
    global work, prefix
    work = Path(tempfile.mkdtemp(prefix="stele-building."))
    unittest.addModuleCleanup(shutil.rmtree, work)
    prefix = work / "prefix"
    for component in ("libstele", "libstele-dev"):
        done = run("cmake", "--install", build, "--prefix", prefix, "--component", component)
        assert done.returncode == 0, done.stderr


def headers():
    return sorted(f"stele/{path.name}" for path in (prefix / "include/stele").glob("*.hpp"))


def check_syntax(included, *flags, compiler="g++", more=""):
    """Compiles a program that includes these headers, but for its code."""
    text = FORWARD + "".join(f"#include <{name}>\n" for name in included) + more
    return run(compiler, "-xc++", "-fsyntax-only", f"-I{prefix}/include", *flags, "-", input=text)


def pkg_config(*words):
    folder = next(prefix.rglob("stele-client.pc")).parent
    done = run("pkg-config", *words, env={**os.environ, "PKG_CONFIG_PATH": str(folder)})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def configure(text, *arguments):
    """Configures a project with this text; returns what CMake says, its lines joined. What CMake
    finds out about the compiler, which takes it longest, it finds out once."""
    folder = Path(tempfile.mkdtemp(dir=work))
    (folder / "CMakeLists.txt").write_text(PROJECT.format(text=text))
    known = work / "compiler"
    if known.is_dir():
        shutil.copytree(known, folder / "build/CMakeFiles")
    done = run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja",
               f"-DCMAKE_PREFIX_PATH={prefix}", *arguments)
    found = list((folder / "build/CMakeFiles").glob("*/CMakeCXXCompiler.cmake"))
    if found and not known.is_dir():
        shutil.copytree(found[0].parent, known / found[0].parent.name)
    return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


class Headers(unittest.TestCase):
    def test_strict_warnings_find_nothing(self):
        (work / "mdc/spdlog").mkdir(parents=True)
        (work / "mdc/spdlog/mdc.h").write_text(MDC_HPP)
        done = check_syntax(headers(), "-std=c++20", *STRICT, f"-isystem{work}/mdc",
                            more="static_assert(STELE_SPDLOG_HAS_MDC);\n")
        self.assertEqual(done.stderr, "")

    def test_a_later_standard_and_another_compiler_take_them(self):
        if not shutil.which("clang++"):
            self.skipTest("no clang++")
        done = check_syntax(headers(), "-std=c++2b", *STRICT, compiler="clang++")
        self.assertEqual(done.stderr, "")

    def test_programs_without_exceptions_and_rtti_take_them(self):
        plain = [name for name in headers() if name != "stele/spdlog_sink.hpp"]
        done = check_syntax(plain, "-std=c++20", "-fno-exceptions", "-fno-rtti", *STRICT)
        self.assertEqual(done.stderr, "")

    def test_an_older_standard_is_refused_in_a_sentence_by_each(self):
        # By what each includes first; one of them is tried.
        for name in headers():
            text = (prefix / "include" / name).read_text()
            first = re.search(r"^#(?!pragma once).*$", text, re.MULTILINE)[0]
            if name != "stele/toolchain.hpp":
                self.assertTrue(first.startswith('#include "stele/toolchain.hpp"'), name)
        done = check_syntax(["stele/error.hpp"], "-std=c++17")
        self.assertEqual(done.stderr.count(" error: "), 2, done.stderr)
        self.assertIn("stele needs C++20: compile with -std=c++20", done.stderr)

    def test_a_call_whose_result_is_ignored_is_a_warning(self):
        calls = ("client.write_log({})", "client.write_many_logs({})", "client.write_once({}, 1)",
                 "client.read_logs(0, 1)", "client.read_logs({}, [](auto&) { return true; })",
                 "client.follow_logs({}, [](auto&) { return true; })", "client.count_logs({})",
                 "client.ping()", "client.stats_json()", "client.audit_json()",
                 "client.report_dropped(1)", 'client.confirm("c", 1)', "stele::Client::connect()",
                 "logger.flush()", "logger.try_flush()")
        text = ("#include <stele/buffered_logger.hpp>\n#include <stele/client.hpp>\n"
                "void use(stele::Client& client, stele::BufferedLogger& logger) {\n"
                + "".join(f"  {call};\n" for call in calls) + "}\n")
        done = run("g++", "-xc++", "-std=c++20", "-fsyntax-only", "-Wall", f"-I{prefix}/include",
                   "-", input=text)
        self.assertEqual(done.stderr.count("[-Wunused-result]"), len(calls), done.stderr)

    def test_c_takes_the_c_interface(self):
        text = "#include <stele/stele.h>\n"
        done = run("gcc", "-xc", "-std=c99", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
                   "-Wstrict-prototypes", "-Werror", f"-I{prefix}/include", "-", input=text)
        self.assertEqual(done.stderr, "")


class Symbols(unittest.TestCase):
    """symbols.txt is a promise: a line is never changed and never taken out."""

    def exported(self):
        done = run("nm", "-D", "--defined-only", "--with-symbol-versions",
                   next(prefix.rglob("libstele.so.0")))
        names = [line.split()[-1] for line in done.stdout.splitlines()]
        return {name.replace("@@", "@") for name in names if not re.fullmatch(r"STELE_\d+", name)}

    def test_the_library_exports_what_was_promised_and_nothing_else(self):
        promised = Path(__file__).with_name("symbols.txt").read_text().split()
        self.assertEqual(self.exported(), set(promised))

    def test_each_function_of_the_header_is_exported(self):
        text = (prefix / "include/stele/stele.h").read_text()
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        declared = set(re.findall(r"^[\w *]+[ *](stele_\w+)\(", text, re.MULTILINE))
        self.assertEqual(declared, {name.split("@")[0] for name in self.exported()})


class WithoutCMake(unittest.TestCase):
    """Programs that are compiled with what pkg-config says, and with what does not go with it."""

    def build(self, name, *flags, text=None):
        file = work / "program.cpp"
        file.write_text(text or CONNECT)
        return run("g++", "-std=c++20", "-O0", *flags, file, "-o", work / name,
                   *pkg_config("--cflags", "--libs", "stele-client"))

    def test_a_program_in_cpp_is_built_with_pkg_config(self):
        done = self.build("hello")
        self.assertEqual(done.returncode, 0, done.stderr)
        ran = run(work / "hello", env={"STELE_SOCKET": "/nowhere"})
        self.assertIn("cannot connect to /nowhere", ran.stdout)

    def test_a_program_with_another_boost_does_not_link(self):
        other = work / "other/boost"
        other.mkdir(parents=True)
        (other / "version.hpp").write_text(OTHER_BOOST_HPP)
        done = self.build("other_hello", f"-I{work}/other")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("undefined reference to `stele::Client::connect[abi:boost_1_84]", done.stderr)

    def test_a_program_with_another_layout_of_the_standard_types_does_not_link(self):
        done = self.build("debug_hello", "-D_GLIBCXX_DEBUG")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"undefined reference to `stele::Client::connect"
                                      r"\[abi:boost_\w+_glibcxx_debug\]")

    def test_a_program_whose_asio_is_set_otherwise_does_not_link(self):
        done = self.build("ping", text=PING)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("connect", run(work / "ping").stdout)
        done = self.build("other_ping", "-fno-rtti", text=PING)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("undefined reference to `stele::AsyncCalls[abi:asio_no_typeid]::ping",
                      done.stderr)

    def test_the_boost_that_is_needed_can_be_asked_for(self):
        version, = pkg_config("--variable=boost_version", "stele-client")
        self.assertRegex(version, r"^1\.\d+\.\d+$")

    def test_the_sink_brings_spdlog(self):
        flags = pkg_config("--cflags", "--libs", "stele-spdlog-sink")
        self.assertIn("-lspdlog", flags)
        self.assertIn("-lstele_client", flags)
        self.assertNotIn("-lspdlog", pkg_config("--cflags", "--libs", "stele-client"))


class FindPackage(unittest.TestCase):
    def other_boost(self):
        folder = Path(tempfile.mkdtemp(dir=work))
        (folder / "include/boost").mkdir(parents=True)
        (folder / "include/boost/version.hpp").write_text(OTHER_BOOST_HPP)
        (folder / "BoostConfig.cmake").write_text(OTHER_BOOST_CMAKE)
        (folder / "BoostConfigVersion.cmake").write_text(OTHER_BOOST_VERSION)
        return folder

    def assert_refused(self, text, sentence, *arguments):
        is_configured, said = configure(text, *arguments)
        self.assertFalse(is_configured, said)
        self.assertIn(sentence, said)

    def test_a_program_that_has_found_another_boost_is_refused(self):
        self.assert_refused("""find_package(Boost 1.84 CONFIG REQUIRED)
find_package(stele 0.1 CONFIG REQUIRED)""", "this program uses Boost 1.84.0: build both with",
                            f"-DBoost_DIR={self.other_boost()}")

    def test_where_only_another_boost_is_installed_it_is_refused(self):
        self.assert_refused("""set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH FALSE)
set(CMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH FALSE)
find_package(stele 0.1 CONFIG REQUIRED)""", "and needs it, with Boost.JSON; found: 1.84.0",
                            f"-DBoost_DIR={self.other_boost()}")

    def test_spdlog_comes_only_with_the_sink(self):
        is_configured, said = configure("""find_package(stele 0.1 CONFIG REQUIRED)
if(TARGET spdlog::spdlog OR TARGET stele::spdlog_sink OR DEFINED spdlog_DIR)
  message(FATAL_ERROR "brought spdlog")
endif()
find_package(stele 0.1 CONFIG REQUIRED COMPONENTS client spdlog_sink)
if(NOT TARGET spdlog::spdlog OR NOT TARGET stele::spdlog_sink)
  message(FATAL_ERROR "brought no spdlog")
endif()""")
        self.assertTrue(is_configured, said)

    def test_the_sink_takes_the_programs_own_spdlog(self):
        is_configured, said = configure("""add_library(own_spdlog INTERFACE)
add_library(spdlog::spdlog ALIAS own_spdlog)
find_package(stele 0.1 CONFIG REQUIRED COMPONENTS spdlog_sink)
if(DEFINED spdlog_DIR OR NOT TARGET stele::spdlog_sink)
  message(FATAL_ERROR "looked for another spdlog")
endif()""")
        self.assertTrue(is_configured, said)

    def test_a_component_that_there_is_not_is_refused(self):
        self.assert_refused("find_package(stele 0.1 CONFIG REQUIRED COMPONENTS sync)",
                            "has the components client and spdlog_sink, and not sync")


if __name__ == "__main__":
    del sys.argv[1:3]
    unittest.main(verbosity=2)
