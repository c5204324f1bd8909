#!/usr/bin/env python3
"""Writes an entry, logs another with Python's own logging, reads all back, and shows what a failure
looks like. The socket: $STELE_SOCKET, else the default."""

import logging

import stele


def main():
    client = stele.Client(name="python-example")
    client.write_log("hello from Python", "warn", {"disk": "sda", "used": 0.91})  # On disk.

    handler = stele.Handler(name="python-example")
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.info("in the background", extra={"step": 2})
    handler.flush()

    for entry in client.read_logs():
        print(entry.seq, entry.level.name.lower(), entry.message, entry.metadata.get("step"))
    try:
        client.write_log("x" * 2**21)
    except stele.Refused as error:
        print("refused:", error.code)


if __name__ == "__main__":
    main()
