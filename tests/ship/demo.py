"""What demo.sh shows."""
import pathlib
import subprocess
import sys
import tempfile
import time

from nats_cluster import Cluster, last_seqs


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def main(programs: pathlib.Path) -> None:
    processes = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = pathlib.Path(scratch)
        cluster = Cluster(folder)
        try:
            say("three servers")
            cluster.start_all()
            print(cluster.urls)
            say("two machines, each with its log and its shipper")
            sockets = {}
            for host in ("web1", "web2"):
                socket = sockets[host] = folder / f"{host}.sock"
                processes.append(subprocess.Popen(
                    [programs / "steled", "--data-dir", folder / host, "--socket", socket],
                    stderr=subprocess.DEVNULL))
                stele = [programs / "stele", "--socket", socket]
                while subprocess.run([*stele, "ping"], capture_output=True).returncode:
                    time.sleep(0.05)
                ship = ["ship", "--batch", "--host", host, "--to", cluster.urls, "--stream", "LOGS",
                        "--create-replicas", "3"]
                print("stele", *ship)
                processes.append(subprocess.Popen([*stele, *ship]))
            say("5000 entries each; a server is killed in the midst, and comes back")
            for number in range(50):
                for host, socket in sockets.items():
                    text = "".join(f"{host} entry {number * 100 + i}\n" for i in range(100))
                    subprocess.run([programs / "stele", "--socket", socket, "import", "-"],
                                   input=text, text=True, check=True, capture_output=True)
                if number == 20:
                    cluster.kill(1)
                    print("killed", flush=True)
                if number == 40:
                    cluster.start(1)
                    print("started again", flush=True)
            say("what the stream has of each")
            while (seqs := last_seqs(cluster, "LOGS")) != {"web1": 5000, "web2": 5000}:
                time.sleep(0.5)
            print(seqs)
            say("merged: stele read --from … --stream LOGS -n 6")
            subprocess.run([programs / "stele", "read", "--from", cluster.urls, "--stream", "LOGS",
                            "-n", "6"], check=True)
        finally:
            for process in reversed(processes):
                process.kill()
                process.wait()
            cluster.stop_all()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
