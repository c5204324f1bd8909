#!/usr/bin/env python3
"""Checks that programs are built as the release preset says: against what a memory error can do.

usage: hardening.py BUILD_DIR PROGRAM…     the build's compile commands, and its programs
       hardening.py --self-test            builds programs without each protection: all are found

Reads the programs with readelf; prints what is missing, one line each; exit 1 if there is any.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

COMPILE_FLAGS = ["-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection",
                 "-fcf-protection=full", "-D_GLIBCXX_ASSERTIONS"]
MODULES = ("protocol", "wal", "daemon", "client-lib")


def readelf(option, path):
    return subprocess.run(["readelf", "--wide", option, str(path)], check=True,
                          capture_output=True, text=True).stdout


def program_findings(path):
    header = readelf("--file-header", path)
    segments = readelf("--segments", path)
    dynamic = readelf("--dynamic", path)
    symbols = readelf("--dyn-syms", path)
    if not re.search(r"Type:\s+DYN", header) or not re.search(r"FLAGS_1.*\bPIE\b", dynamic):
        yield "not position-independent (PIE)"
    if "GNU_RELRO" not in segments:
        yield "no RELRO"
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        yield "RELRO is partial: symbols are bound late"
    stack = re.search(r"GNU_STACK.* (R[W ][E ]) ", segments)
    if not stack or "E" in stack.group(1):
        yield "the stack is executable"
    if "__stack_chk_fail" not in symbols:
        yield "no stack protector"
    if not re.search(r" __(?!stack)\w+_chk\b", symbols):
        yield "no function of FORTIFY_SOURCE"


def object_findings(path):
    """Control-flow marks: the linker drops the program's own, since Debian's crt1.o has none."""
    header = readelf("--file-header", path)
    if "X86-64" in header and "IBT, SHSTK" not in readelf("--notes", path):
        yield "no marks of cf-protection"


def build_findings(build):
    commands = json.loads((build / "compile_commands.json").read_text())
    source = Path(__file__).parents[2]
    for command in commands:
        try:
            path = Path(command["file"]).relative_to(source)
        except ValueError:
            continue
        if path.parts[0] not in MODULES:
            continue
        flags = command["command"].split()
        for flag in COMPILE_FLAGS:
            if flag not in flags:
                yield path, f"compiled without {flag}"
        compiled = build / flags[flags.index("-o") + 1]
        if compiled.exists():
            for sentence in object_findings(compiled):
                yield compiled, sentence


def self_test():
    text = ("#include <cstdio>\n#include <cstring>\nint main(int argc, char** argv) {\n"
            "  char text[16];\n  std::strcpy(text, argv[argc - 1]);\n  return std::puts(text);\n}\n")
    good = ["-O2", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fcf-protection=full",
            "-fPIE", "-pie", "-Wl,-z,relro,-z,now,-z,noexecstack"]
    weak = {(): None,
            ("-no-pie", "-fno-pie"): "not position-independent (PIE)",
            ("-Wl,-z,norelro",): "no RELRO",
            ("-Wl,-z,lazy",): "RELRO is partial: symbols are bound late",
            ("-Wl,-z,execstack",): "the stack is executable",
            ("-fno-stack-protector",): "no stack protector",
            ("-U_FORTIFY_SOURCE",): "no function of FORTIFY_SOURCE",
            ("-fcf-protection=none",): "no marks of cf-protection"}
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "program.cpp"
        source.write_text(text)
        for flags, expected in weak.items():
            program, compiled = Path(folder) / "program", Path(folder) / "program.o"
            compile_flags = [flag for flag in [*good, *flags] if not flag.startswith("-Wl")]
            subprocess.run(["c++", "-w", *compile_flags, "-c", source, "-o", compiled], check=True)
            subprocess.run(["c++", "-w", *good, *flags, compiled, "-o", program], check=True)
            found = [*program_findings(program), *object_findings(compiled)]
            if (expected is None) != (found == []) or (expected and expected not in found):
                print(f"with {flags}: {found}, not {expected}")
                failures += 1
    print(f"hardening: {len(weak)} programs, {failures} failures")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    build, programs = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    found = [(path, sentence) for path in programs for sentence in program_findings(path)]
    found += build_findings(build)
    for path, sentence in found:
        print(f"{path}: {sentence}")
    print(f"hardening: {len(found)} findings" if found else "hardening: nothing to report")
    return 1 if found or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
