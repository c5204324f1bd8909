#!/usr/bin/env python3
"""Installs a build into a prefix and uses it as others would, where the source tree cannot be seen.

usage: install_test.py SOURCE_DIR BUILD_DIR

An own mount namespace covers the source tree (root only; else the paths are searched for in what
was installed). The programs are examples of client-lib.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIND_PACKAGE = """cmake_minimum_required(VERSION 3.25)
project(consumer CXX)
find_package(stele 0.1 CONFIG REQUIRED COMPONENTS spdlog_sink)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
foreach(standard IN ITEMS 20 23)
  add_executable(hello${standard} hello.cpp)
  set_target_properties(hello${standard} PROPERTIES CXX_STANDARD ${standard})
  target_link_libraries(hello${standard} PRIVATE stele::client)
endforeach()
add_executable(spdlog spdlog.cpp)
target_link_libraries(spdlog PRIVATE stele::spdlog_sink)
"""

# Only compiled: linking would build the whole library once more.
SUBDIRECTORY = """cmake_minimum_required(VERSION 3.25)
project(consumer CXX)
add_subdirectory({source} stele)
add_library(consumer OBJECT hello.cpp)
target_link_libraries(consumer PRIVATE stele::client)
"""


def run(words, **options):
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, **options)
    if done.returncode != 0:
        sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")
    print(f"{what}: as wanted")


def configure_and_build(folder, *arguments, targets=("all",)):
    run(["cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja",
         "-DCMAKE_BUILD_TYPE=Debug", *arguments])
    run(["cmake", "--build", folder / "build", "--parallel", "2", "--target", *targets])


def use_from_subdirectory(source, work):
    folder = work / "subdirectory"
    folder.mkdir()
    shutil.copy(source / "client-lib/examples/hello.cpp", folder)
    (folder / "CMakeLists.txt").write_text(SUBDIRECTORY.format(source=source))
    configure_and_build(folder, targets=("consumer",))
    rules = run(["ninja", "-C", folder / "build", "-t", "targets", "all"])
    for unwanted in ("steled", "stele_command", "_test"):
        expect(f"a subdirectory without {unwanted}", unwanted in rules, False)


def build_consumers(prefix, work):
    cmake = work / "find_package"
    (cmake / "CMakeLists.txt").write_text(FIND_PACKAGE)
    configure_and_build(cmake, f"-DCMAKE_PREFIX_PATH={prefix}")
    packages = next(prefix.rglob("stele.pc")).parent
    flags = run(["pkg-config", "--cflags", "--libs", "stele"],
                env={**os.environ, "PKG_CONFIG_PATH": str(packages)}).split()
    run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-o", work / "c", cmake / "c.c",
         *flags])


def check_command_texts(prefix):
    """The shells that are there parse their completions; lnav takes the format."""
    share = prefix / "share"
    for path, word, shell in (
            ("man/man1/stele.1", ".TH STELE 1", None),
            ("man/man8/steled.8", ".Dt STELED 8", None),
            ("bash-completion/completions/stele", "complete ", "bash"),
            ("zsh/vendor-completions/_stele", "#compdef stele", "zsh"),
            ("fish/vendor_completions.d/stele.fish", "complete -c stele", "fish"),
            ("lnav/formats/stele/stele.json", '"stele_log"', None)):
        expect(f"share/{path} with {word!r}", word in (share / path).read_text(), True)
        if shell and shutil.which(shell):
            run([shell, "-n", share / path])


def check_service(prefix):
    """The units start what was installed, with the settings that were installed."""
    units = prefix / "lib/systemd/system"
    for name in ("steled.service", "steled.socket", "steled@.service", "steled@.socket"):
        expect(f"{name} is installed", (units / name).is_file(), True)
    for name in ("lib/sysusers.d/stele.conf", "lib/tmpfiles.d/stele.conf",
                 "etc/stele/steled.conf", "share/doc/stele/systemd.md",
                 "share/doc/stele/PROTOCOL.md", "share/doc/stele/schema.json",
                 "share/doc/stele/vectors.jsonl", "share/doc/stele/replay_vectors.py"):
        expect(f"{name} is installed", (prefix / name).is_file(), True)
    checked = run([prefix / "sbin/steled", "--check-config",
                   "--config", prefix / "etc/stele/steled.conf"])
    bound_mib = int(re.search(r"^memory: at most (\d+) MiB", checked, re.MULTILINE).group(1))
    unit = (units / "steled.service").read_text()
    unit_mib = int(re.search(r"^MemoryMax=(\d+)G$", unit, re.MULTILINE).group(1)) * 1024
    expect("MemoryMax= is above the sum of the daemon's bounds", unit_mib > bound_mib, True)
    run([sys.executable, "-B", prefix / "share/doc/stele/replay_vectors.py",
         "--steled", prefix / "sbin/steled", "--only", "^frames/"])
    expect("the unit's program", f"\nExecStart={prefix}/sbin/steled --config "
           f"{prefix}/etc/stele/steled.conf\n" in (units / "steled.service").read_text(), True)


def use_prefix(prefix, work):
    """Runs with the source tree out of sight."""
    build_consumers(prefix, work)
    library = next(prefix.rglob("libstele.so.0"))
    check_command_texts(prefix)
    check_service(prefix)
    socket = work / "stele.sock"
    environment = {**os.environ, "STELE_SOCKET": str(socket), "STELE_LIBRARY": str(library),
                   "LD_LIBRARY_PATH": str(library.parent),
                   "PYTHONPATH": str(next(prefix.rglob("dist-packages")))}
    daemon = subprocess.Popen([prefix / "sbin/steled", "--data-dir", work / "data", "--socket",
                               socket, "--segment-bytes", "4M"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while subprocess.run([prefix / "bin/stele", "ping"], env=environment,
                             capture_output=True).returncode != 0:
            if daemon.poll() is not None or time.monotonic() > deadline:
                sys.exit("the installed daemon does not answer")
            time.sleep(0.02)
        built = work / "find_package/build"
        for program in (built / "hello20", built / "hello23", built / "spdlog", work / "c",
                        "/usr/bin/python3"):
            arguments = [work / "find_package/python.py"] if "python" in str(program) else []
            run([program, *arguments], env=environment)
        text = run([prefix / "bin/stele", "read", "-o", "cat"], env=environment)
        expect("entries of each consumer",
               [text.count(one) for one in ("hello, log", "started with", "from C", "from Python")],
               [2, 1, 1, 1])
    finally:
        daemon.terminate()
        daemon.wait()


def main():
    if sys.argv[1] == "--inside":
        source, prefix, work = (Path(word) for word in sys.argv[2:])
        run(["mount", "-t", "tmpfs", "none", source])
        use_prefix(prefix, work)
        return
    source, build = (Path(word).resolve() for word in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="stele-install.") as folder:
        work = Path(folder)
        prefix = work / "prefix"
        run(["cmake", "--install", build, "--prefix", prefix])
        use_from_subdirectory(source, work)
        (work / "find_package").mkdir()
        for name in ("hello.cpp", "spdlog.cpp", "c.c", "python.py"):
            shutil.copy(source / "client-lib/examples" / name, work / "find_package")
        for path in prefix.rglob("*"):
            if path.suffix in (".cmake", ".pc", ".hpp", ".h") and str(source) in path.read_text():
                sys.exit(f"{path} names the source tree")
        script = shutil.copy(__file__, work)
        if os.geteuid() != 0:
            use_prefix(prefix, work)
            return
        sys.exit(subprocess.run(["unshare", "--mount", sys.executable, script, "--inside",
                                 source, prefix, work], cwd=work).returncode)


if __name__ == "__main__":
    main()
