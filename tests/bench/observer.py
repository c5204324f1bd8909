"""Who used the processors and the disk while something was measured.

A figure that was taken while other programs ran says nothing, and one whose generator was busy all
the time is the generator's figure. Both are seen here, from /proc, and kept with the figure.
"""

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
KERNEL_THREADS = 2  # The process that all of them descend from.


def _stat_fields(path):
    """The fields of a /proc stat file after the name, which may hold anything."""
    try:
        return Path(path).read_text().rpartition(") ")[2].split()
    except OSError:  # It has ended.
        return None


def thread_cpu_seconds(pid):
    """Of a process' first thread alone."""
    fields = _stat_fields(f"/proc/{pid}/task/{pid}/stat")
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def context_switches(pid):
    """Of all threads of a process: at least one for each time that one of them woke up."""
    count = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if "ctxt_switches" in line:
                count += int(line.split()[1])
    return count


class _Processes:
    """CPU seconds of all processes, with those of children that they have reaped."""

    def __init__(self):
        self._cpu, self._children = {}, {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            fields = _stat_fields(f"/proc/{entry}/stat")
            if fields:
                self._cpu[int(entry)] = sum(int(f) for f in fields[11:15]) / TICKS
                self._children.setdefault(int(fields[1]), []).append(int(entry))

    def tree(self, pid):
        """Of a process and all that descend from it."""
        return self._cpu.get(pid, 0.0) + sum(self.tree(c) for c in self._children.get(pid, ()))


def _machine_idle_and_interrupts():
    fields = [int(f) / TICKS for f in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle, iowait, irq, softirq = fields[3:7]
    return idle + iowait, irq + softirq


def _disk_busy_seconds(device):
    path = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(path.read_text().split()[9]) / 1000 if path.exists() else 0.0


class Observer:
    """begin(), measure, end(): shares of one core (processors) and of the time (disk)."""

    def __init__(self, folder, server_pid=None):
        self._device = os.stat(folder).st_dev
        self._server_pid = server_pid
        self._before = self._look()

    def _look(self):
        processes = _Processes()
        idle, interrupts = _machine_idle_and_interrupts()
        now = time.monotonic()
        server = processes.tree(self._server_pid) if self._server_pid else 0.0
        loop = thread_cpu_seconds(self._server_pid) if self._server_pid else 0.0
        busy = os.cpu_count() * now - idle - interrupts
        others = busy - processes.tree(os.getpid()) - processes.tree(KERNEL_THREADS)
        return {"now": now, "server_cpu": server, "server_loop_cpu": loop, "others_cpu": others,
                "disk_busy": _disk_busy_seconds(self._device)}

    def end(self):
        """{name: share}"""
        after = self._look()
        seconds = max(after.pop("now") - self._before["now"], 1e-6)
        return {name: round(max(0.0, (value - self._before[name]) / seconds), 3)
                for name, value in after.items()}
