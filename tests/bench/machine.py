"""Says on what a measurement was made, from /proc and /sys."""

import datetime
import os
import platform
from pathlib import Path


def _cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory_gib():
    kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
    return round(kilobytes / 2**20)


def _disk(folder):
    """The file system of a folder and the device's sectors and cache."""
    device = os.stat(folder).st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    text = "unknown file system"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2] == name:
            kind, source = line.split(" - ")[1].split()[:2]
            text = f"{kind} on {source}"
    queue = Path(f"/sys/dev/block/{name}/queue")
    if not queue.exists():
        queue = Path(f"/sys/dev/block/{name}/../queue")
    if queue.exists():
        def read(entry):
            return (queue / entry).read_text().strip()
        text += (f", {read('logical_block_size')}-byte logical and "
                 f"{read('physical_block_size')}-byte physical sectors, {read('write_cache')}")
    return text


def describe_machine(folder):
    """[[what, value]] for a table."""
    return [
        ["date", datetime.datetime.now().strftime("%Y-%m-%d %H:%M")],
        ["processor", f"{_cpu_model()}, {os.cpu_count()} cores"],
        ["memory", f"{_memory_gib()} GiB"],
        ["kernel", platform.release()],
        ["disk", _disk(folder)],
        ["load average before the run", " ".join(Path("/proc/loadavg").read_text().split()[:3])],
    ]
