"""Cost as work grows. Labels are curve/abscissa."""

from log_figures import fill_stele, recover_stele
from servers import Stele

SIXTEEN_CLIENTS = ("--clients", 16)


def measure_clients(run):
    for clients in run.sizes.clients:
        with Stele(run) as stele:
            run.load(stele, f"clients/{clients}", "--clients", clients,
                     warm_up=max(1000, 4 * clients))


def measure_entry_bytes(run):
    for entry_bytes in run.sizes.entry_bytes:
        with Stele(run) as stele:
            run.load(stele, f"entry-bytes/{entry_bytes}", "--entry-bytes", entry_bytes,
                     *SIXTEEN_CLIENTS, warm_up=500)


def measure_out_of_order(run):
    """Logs of the same size, with more and more entries out of order."""
    for share in run.sizes.shares:
        with Stele(run) as stele:
            filled = fill_stele(run, stele, run.sizes.share_entries, f"out-of-order {share:g}",
                                "--out-of-order", share)
            run.keep(**{**filled, "label": f"out-of-order/{share:g}"})


def measure_entries(run):
    """One log that grows: at each size writes, reads and a restart."""
    with Stele(run) as stele:
        held = 0
        for entries in run.sizes.entries:
            if entries <= held:
                continue  # The writes measured at the size before have come so far already.
            run.tool("stele-bench", "--socket", stele.socket, "--json", "--batch", 1000,
                     "--entries", entries - held, server=stele, label=f"filled/{entries}")
            run.load(stele, f"log-write/{entries}", *SIXTEEN_CLIENTS, warm_up=300)
            run.load(stele, f"log-read/{entries}", "--mode", "read", warm_up=0)
            run.load(stele, f"log-range/{entries}", "--mode", "range", warm_up=0)
            recover_stele(run, stele, f"log-recovery/{entries}")
            held = stele.stats()["store"]["entries"]
