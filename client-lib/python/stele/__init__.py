"""Client for stele, a durable, structured log store for one Linux machine.

    import stele

    with stele.Client(name="my-program") as client:
        client.write_log("nearly full", "warn", {"disk": "sda"})    # returns when it is on disk
        for entry in client.read_logs(filter=stele.Filter(min_level="warn")):
            print(entry.seq, entry.time, entry.message, entry.metadata)

A program that uses `logging` changes one line:

    logging.basicConfig(level=logging.INFO, handlers=[stele.Handler()])
"""

from ._client import Client, Filter, Page, Server
from ._entry import Entry, Level, StoredEntry
from ._error import (CannotConnect, ConnectionLost, Error, InvalidArgument, OutcomeUnknown,
                     ProtocolViolation, Refused, TimedOut)
from ._follow import Follow
from ._handler import Handler
from ._library import LIBRARY as _LIBRARY
from ._logger import Logger, LoggerStatus

__version__ = _LIBRARY.stele_version().decode()
__all__ = ["CannotConnect", "Client", "ConnectionLost", "Entry", "Error", "Filter", "Follow",
           "Handler", "InvalidArgument", "Level", "Logger", "LoggerStatus", "OutcomeUnknown",
           "Page", "ProtocolViolation", "Refused", "Server", "StoredEntry", "TimedOut"]
