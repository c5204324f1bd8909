#!/usr/bin/env python3
"""Programs of others, built against what was installed: without CMake, with another Boost, with an
spdlog of their own. What cannot work is refused with a sentence.

usage: building_test.py SOURCE_DIR BUILD_DIR
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

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


def pkg_config(*words):
    folder = next(prefix.rglob("stele-client.pc")).parent
    done = run("pkg-config", *words, env={**os.environ, "PKG_CONFIG_PATH": str(folder)})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def configure(text, *arguments):
    """Configures a project with this text; returns what CMake says, its lines joined."""
    folder = Path(tempfile.mkdtemp(dir=work))
    (folder / "CMakeLists.txt").write_text(PROJECT.format(text=text))
    done = run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja",
               f"-DCMAKE_PREFIX_PATH={prefix}", *arguments)
    return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


class WithoutCMake(unittest.TestCase):
    """hello.cpp, compiled with what pkg-config says."""

    def build(self, name, *flags):
        return run("g++", "-std=c++20", "-O0", *flags, source / "client-lib/examples/hello.cpp",
                   "-o", work / name, *pkg_config("--cflags", "--libs", "stele-client"))

    def test_a_program_in_cpp_is_built_with_pkg_config(self):
        done = self.build("hello")
        self.assertEqual(done.returncode, 0, done.stderr)
        ran = run(work / "hello", env={"STELE_SOCKET": "/nowhere"})
        self.assertIn("cannot connect to /nowhere", ran.stderr)

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
