"""How fast entries are shipped, beside libnats that publishes the same lines, each into streams of
three replicas of the same cluster, in turns: ship_bench.py BUILD_DIR [ENTRIES [ROUNDS]]. Then the
lag under 10,000 entries a second."""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from nats_cluster import Cluster, NatsReader
from ship_cases import Store


def main(build: pathlib.Path, entries: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = pathlib.Path(scratch)
        cluster = Cluster(folder)
        cluster.start_all()
        store = Store(build / "bin", folder / "one")
        try:
            store.write(entries, tail=" " + "x" * 100)
            lines = folder / "lines"
            lines.write_text(store.stele("read", "-o", "json").stdout)
            figures = {"libnats": [], "libnats, ids and order checked": [],
                       "libnats, batches": [], "libnats, batches, order checked": [],
                       "ship": [], "ship --batch": []}
            for number in range(rounds):
                for name, words in (("libnats", []),
                                    ("libnats, ids and order checked", ["checked"]),
                                    ("libnats, batches", ["batches"]),
                                    ("libnats, batches, order checked", ["checked-batches"])):
                    stream = f"RAW{number}{''.join(words)}"
                    raw = subprocess.run([build / "bin/stele-publish-bench",
                                          cluster.urls.split(",")[0], stream, stream.lower(), lines,
                                          *words], capture_output=True, text=True, check=True)
                    figures[name].append(entries / float(raw.stdout))
                for name, words in (("ship", []), ("ship --batch", ["--batch"])):
                    stream = f"S{number}{len(words)}"
                    pattern = f"{stream}.{{host}}" + ("" if words else ".{level}")
                    begun = time.monotonic()
                    process = store.ship("--to", cluster.urls, "--stream", stream,
                                         "--create-replicas", "3", "--subject-pattern", pattern,
                                         "--until-caught-up", *words)
                    assert process.wait() == 0
                    figures[name].append(entries / (time.monotonic() - begun))
            raw = statistics.median(figures["libnats"])
            size = lines.stat().st_size / entries
            print(f"{entries} entries of {size:.0f} bytes, {rounds} rounds, medians; "
                  f"3 servers, 3 replicas, {os.cpu_count()} processors")
            for name, values in figures.items():
                rate = statistics.median(values)
                print(f"  {name:31} {rate:9.0f} entries/s  {rate / raw:5.2f} x libnats")
            measure_lag(store, cluster)
        finally:
            store.kill()
            cluster.stop_all()


def measure_lag(store: Store, cluster: Cluster) -> None:
    process = store.ship("--to", cluster.urls, "--stream", "LAG", "--create-replicas", "3",
                         "--subject-pattern", "lag.{host}.{level}")
    reader = None
    lags = []
    stop = threading.Event()

    def behind() -> int:
        durable = store.stats()["wal"]["durable_seq"]
        return durable - reader.stream_info("LAG")["state"]["messages"]

    def watch():
        while not stop.wait(0.1):
            lags.append(behind())

    time.sleep(3)
    with NatsReader(cluster.ports) as reader:
        while behind() > 0:
            time.sleep(0.2)
        watcher = threading.Thread(target=watch)
        watcher.start()
        begun = time.monotonic()
        for number in range(200):
            store.write(1000, number * 1000, tail=" " + "x" * 100)
            time.sleep(max(0.0, begun + (number + 1) * 0.1 - time.monotonic()))
        took = time.monotonic() - begun
        stop.set()
        watcher.join()
    process.kill()
    process.wait()
    lags.sort()
    print(f"lag under {200_000 / took:.0f} entries/s for {took:.0f} s, written 1000 at a time: "
          f"median {lags[len(lags) // 2]}, p99 {lags[len(lags) * 99 // 100]}, most {lags[-1]}")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(pathlib.Path(arguments[0]).resolve(), int(arguments[1]) if len(arguments) > 1 else 200_000,
         int(arguments[2]) if len(arguments) > 2 else 3)
