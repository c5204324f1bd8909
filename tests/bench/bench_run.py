"""One run of compare.py: its folder, its sizes, and the lines of results that it gathers."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from observer import Observer
from servers import NotRunning

TOOL_SECONDS_MAX = 600


@dataclass
class Sizes:
    """What --quick makes smaller."""
    rounds: int = 5
    seconds: float = 1.2          # of one measurement
    curve_rounds: int = 3
    log_entries: int = 1_000_000
    entries: tuple = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
    clients: tuple = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
    entry_bytes: tuple = (50, 100, 250, 1024, 4096, 16384, 65536)
    shares: tuple = (0, 0.01, 0.1, 0.25, 0.5, 0.75, 1)
    share_entries: int = 500_000
    turns: int = 20
    idle_seconds: int = 10
    journal_entries: int = 100_000


QUICK = Sizes(rounds=1, seconds=0.4, curve_rounds=1, log_entries=100_000,
              entries=(10_000, 100_000), clients=(1, 8, 64, 512),
              entry_bytes=(50, 250, 4096, 65536),
              shares=(0, 0.5, 1), share_entries=50_000, turns=3, idle_seconds=1,
              journal_entries=10_000)


@dataclass
class BenchRun:
    bin: Path
    sizes: Sizes
    folder: Path = field(init=False)
    lines: list = field(default_factory=list)
    round: int = 0

    def __enter__(self):
        base = os.environ.get("STELE_BENCH_DIR", "/var/tmp")
        self.folder = Path(tempfile.mkdtemp(prefix="stele-compare.", dir=base))
        self.folder.chmod(0o711)  # PostgreSQL, as another user, passes through.
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_folder(self):
        made = Path(tempfile.mkdtemp(dir=self.folder))
        made.chmod(0o755)
        return made

    def keep(self, label, **members):
        self.lines.append({"label": label, "round": self.round, **members})

    def tool(self, name, *words, label, server=None):
        """Runs a measuring program, and keeps its line of JSON and who used the machine."""
        os.sync()  # What earlier work left to be written is written now.
        command = [str(self.bin / name), *(str(word) for word in words)]
        wal_before = _wal(server)
        observer = Observer(self.folder, server.pid if server else None)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=TOOL_SECONDS_MAX)
        observed = observer.end()
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
        result = json.loads(done.stdout)
        result.update(**observed, **_commits_between(wal_before, _wal(server)))
        result["label"] = label
        self.keep(**result)
        return result

    def load(self, server, label, *words, peer="stele", warm_up=1000, seconds=None):
        """stele-bench against a server."""
        seconds = self.sizes.seconds if seconds is None else seconds
        return self.tool("stele-bench", "--socket", server.socket, "--json", "--peer", peer,
                         "--seconds", seconds, "--warm-up", warm_up, *words, server=server,
                         label=label)

    @contextlib.contextmanager
    def scratch(self):
        """A folder that is gone after the `with`."""
        folder = self.new_folder()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def unless_not_running(self, label, figure):
        """A peer that does not run here is left out, and the report says so."""
        try:
            figure()
        except NotRunning as why:
            self.keep(label, not_running=str(why).strip().splitlines()[-1])


def _wal(server):
    return server.stats()["wal"] if hasattr(server, "stats") else None


def _commits_between(before, after):
    """How the log of stele was written meanwhile."""
    if before is None:
        return {}
    grown = {name: after[name] - before[name]
             for name in ("commits", "commit_entries", "commit_bytes", "segments_made",
                          "segment_waits", "segment_wait_us") if name in after}
    return {"wal": grown}
