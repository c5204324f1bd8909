"""What documents tell a newcomer to run is there, and each such script installs what it calls."""

import re

DOCUMENTED = re.compile(r"(?<![\w/])(bash|python3)(?: -B)? ((?:\.?\w[\w-]*/)+[\w.-]+\.(?:sh|py)|\.ci/run)\b")
PACKAGES = ".ci/packages.txt"
INSTALL = ".ci/install-packages.sh"

# A command, or what a build asks for -> the package that has it.
NEEDED = {
    r"(?:cmake|ctest|cpack)": "cmake",
    r"cmake --preset": "ninja-build",
    r"cmake --preset (?!.*STELE_BUILD_TESTS=OFF)": "libboost-test1.81-dev",
    r"cmake --preset (?:clang|fuzz)": "clang",
    r"(?:faults_test|cmake --build --preset \w+ --parallel \S+ \|\|)": "libfuse3-dev",
    r"stele-bench-sqlite": "libsqlite3-dev",
    r"stele-bench-postgres": "libpq-dev",
    r"stele-bench-pack": "liblz4-dev",
    r"stele_ship_command": "libnats-dev",
    r"cpack": "lintian",
    r"compare\.py": "redis-tools",
    r"demo\.py": "nats-server",
    r"python3": "python3",
    r"gcovr": "gcovr",
    r"valgrind": "valgrind",
    r"patch --": "patch",
    r"column -": "bsdextrautils",
    r"git (?:ls-files|apply)": "git",
}


# A program that a test starts -> the package that has it; None: every Debian has it.
STARTED = re.compile(r"""(?:subprocess\.(?:run|Popen|check_output|check_call)\(\[
                         |run_program\(\{|exists_program\()"([\w-]+)\"""", re.VERBOSE)
PROGRAMS = {"ctest": "cmake", "cmake": "cmake", "dpkg": None, "gcc": "g++", "jq": "jq", "journalctl": "systemd",
            "ldconfig": None, "lnav": "lnav", "mount": None, "openssl": "openssl",
            "pkg-config": "pkg-config", "promtool": "prometheus", "protoc": "protobuf-compiler",
            "readelf": "g++", "stele": None, "systemctl": "systemd", "systemd-analyze": "systemd",
            "nats-server": "nats-server", "unshare": None}
RUN_ALL = "tests/run.sh"


def documented(path, text):
    """(line, script) of each script that a document says to run, from the root of the repository."""
    for number, line in enumerate(text.splitlines(), 1):
        for _, script in DOCUMENTED.findall(line):
            yield number, script


def commands(text):
    """The lines of a script that run something, with those that continue put together."""
    text = re.sub(r"\\\n\s*", "", text)
    return [line for line in text.splitlines() if line.strip() and not re.match(r"\s*#", line)]


def purposes_of(script, files, read, seen=()):
    """What a script installs for, by itself and by the scripts that it runs."""
    found = set()
    for line in commands(read(script)):
        if INSTALL in line or "install-packages.sh" in line:
            found.update(re.findall(r"\b[a-z]+\b", line.split("install-packages.sh", 1)[1]))
        if "purposes" in line:
            found.update(re.findall(r"\b[a-z]+\b", line))
        for called in re.findall(r"bash ((?:\.?\w[\w-]*/)+[\w-]+\.sh)", line):
            if called in files and called not in (*seen, script, INSTALL):
                found |= purposes_of(called, files, read, (*seen, script))
    return found


def program_findings(files, read, lists):
    """Each program that a test starts is in a package that tests/run.sh installs."""
    if RUN_ALL not in files:
        return
    purposes = purposes_of(RUN_ALL, files, read)
    installed = {package for purpose, package in lists if purpose in purposes}
    for path in files:
        if not re.fullmatch(r"tests/(?!tidy/|bench/).*\.(?:py|cpp|hpp)", path):
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            for program in STARTED.findall(line):
                package = PROGRAMS.get(program, "a package that script_rules.py does not know")
                if package not in installed | {None}:
                    yield path, number, f"{program} is in {package}, which {RUN_ALL} does not install"


def script_findings(files, read):
    """All of the above, as (path, line, sentence). `read` gives a file's text."""
    lists = re.findall(r"^([a-z]+) (\S+)$", read(PACKAGES) if PACKAGES in files else "", re.MULTILINE)
    yield from program_findings(files, read, lists)
    scripts = {}
    for path in files:
        if path.endswith(".md"):
            for number, script in documented(path, read(path)):
                if script not in files:
                    yield path, number, f"{script} is not there"
                elif script.endswith(".sh") and script != INSTALL:
                    scripts[script] = path
    for script, document in sorted(scripts.items()):
        text = read(script)
        purposes = purposes_of(script, files, read)
        installed = {package for purpose, package in lists if purpose in purposes}
        asked = set()
        for line in commands(text):
            for words, package in NEEDED.items():
                if package not in installed | asked and re.search(rf"(?<![\w./-]){words}", line):
                    asked.add(package)
                    yield script, 1, (f"{document} says to run it, it needs {package}, and it "
                                      "installs that for no purpose")
        for preset in set(re.findall(r"cmake --build --preset (\w\S*)", text)):
            if f"cmake --preset {preset}" not in text:
                yield script, 1, f"builds {preset}, which it has not configured"
