#!/usr/bin/env python3
"""Writes an entry through libstele, reads all back, and shows what a failure looks like.

The library: $STELE_LIBRARY, else libstele.so.0 where the linker finds it.
"""

import ctypes
import json
import os


class Entry(ctypes.Structure):
    _fields_ = [("timestamp", ctypes.c_uint64), ("has_timestamp", ctypes.c_int32),
                ("level", ctypes.c_int32), ("message", ctypes.c_char_p),
                ("message_bytes", ctypes.c_size_t), ("metadata", ctypes.c_char_p)]


class StoredEntry(ctypes.Structure):
    _fields_ = [("seq", ctypes.c_uint64), ("timestamp", ctypes.c_uint64),
                ("level", ctypes.c_int32), ("pid", ctypes.c_int32), ("uid", ctypes.c_uint32),
                ("gid", ctypes.c_uint32), ("message", ctypes.c_void_p),
                ("message_bytes", ctypes.c_size_t), ("metadata", ctypes.c_char_p)]


VISITOR = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(StoredEntry))
LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")

stele = ctypes.CDLL(os.environ.get("STELE_LIBRARY", "libstele.so.0"))
stele.stele_code_name.restype = ctypes.c_char_p
stele.stele_error_message.restype = ctypes.c_char_p
stele.stele_client_open.argtypes = [ctypes.c_char_p, ctypes.c_char_p,
                                    ctypes.POINTER(ctypes.c_void_p)]
stele.stele_client_close.argtypes = [ctypes.c_void_p]
stele.stele_write_log.argtypes = [ctypes.c_void_p, ctypes.POINTER(Entry), ctypes.c_int64,
                                  ctypes.POINTER(ctypes.c_uint64)]
stele.stele_read_logs.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64,
                                  ctypes.c_uint64, ctypes.c_int64, VISITOR, ctypes.c_void_p]


class SteleError(Exception):
    def __init__(self, code):
        self.name = stele.stele_code_name(code).decode()
        super().__init__(stele.stele_error_message().decode())


def check(code):
    if code != 0:
        raise SteleError(code)


class Client:
    def __init__(self, name="python"):
        self.handle = ctypes.c_void_p()
        check(stele.stele_client_open(None, name.encode(), ctypes.byref(self.handle)))

    def close(self):
        stele.stele_client_close(self.handle)

    def write_log(self, message, level="info", **metadata):
        """Returns the entry's seq, once it is on disk."""
        text = message.encode()
        entry = Entry(level=LEVELS.index(level), message=text, message_bytes=len(text),
                      metadata=json.dumps(metadata).encode())
        seq = ctypes.c_uint64()
        check(stele.stele_write_log(self.handle, ctypes.byref(entry), 10_000, ctypes.byref(seq)))
        return seq.value

    def read_logs(self, start_ts=0, end_ts=2**64 - 1):
        found = []

        def visit(_, entry):
            shown = entry.contents
            text = ctypes.string_at(shown.message, shown.message_bytes).decode()
            found.append((shown.seq, LEVELS[shown.level], text, json.loads(shown.metadata)))
            return 1

        check(stele.stele_read_logs(self.handle, start_ts, end_ts, 0, 10_000, VISITOR(visit), None))
        return found


if __name__ == "__main__":
    client = Client()
    client.write_log("hello from Python", level="warn", disk="sda", used=0.91)
    for one in client.read_logs():
        print(*one)
    try:
        client.write_log("x" * 2**21)
    except SteleError as error:
        print("refused:", error.name)
    client.close()
