"""libstele: its functions and structs as <stele/stele.h> has them. Nothing here is for users.

The library is $STELE_LIBRARY, else libstele.so.0 where the linker finds it.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import (CFUNCTYPE, POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32,
                    c_uint64, c_void_p)
from typing import Any


class EntryStruct(ctypes.Structure):
    _fields_ = [("timestamp", c_uint64), ("has_timestamp", c_int32), ("level", c_int32),
                ("message", c_char_p), ("message_bytes", c_size_t), ("metadata", c_char_p)]


class StoredEntryStruct(ctypes.Structure):
    _fields_ = [("seq", c_uint64), ("timestamp", c_uint64), ("level", c_int32), ("pid", c_int32),
                ("uid", c_uint32), ("gid", c_uint32), ("message", c_void_p),
                ("message_bytes", c_size_t), ("metadata", c_char_p)]


class QueryStruct(ctypes.Structure):
    _fields_ = [("start_ts", c_uint64), ("end_ts", c_uint64), ("limit", c_uint64),
                ("after_seq", c_uint64), ("newest_first", c_int32), ("min_level", c_int32),
                ("contains", c_char_p), ("where", c_char_p), ("pid", POINTER(c_int32)),
                ("uid", POINTER(c_uint32))]


class SizedStruct(ctypes.Structure):
    """One that begins with its size."""

    def __init__(self, **members: Any) -> None:
        super().__init__(size=ctypes.sizeof(self), **members)


class SelectionStruct(SizedStruct):
    _fields_ = [("size", c_size_t), ("start_ts", c_uint64), ("end_ts", c_uint64),
                ("limit", POINTER(c_uint64)), ("after_seq", POINTER(c_uint64)),
                ("newest_first", c_int32), ("min_level", c_int32), ("contains", c_char_p),
                ("contains_bytes", c_size_t), ("where", c_char_p), ("pid", POINTER(c_int32)),
                ("uid", POINTER(c_uint32)), ("cursor", c_char_p)]


class ClientOptionsStruct(SizedStruct):
    _fields_ = [("size", c_size_t), ("socket_path", c_char_p), ("name", c_char_p),
                ("writer", c_char_p), ("connect_timeout_ms", c_int64),
                ("request_timeout_ms", c_int64)]


class ServerStruct(SizedStruct):
    _fields_ = [("size", c_size_t), ("store_id", c_char_p), ("version", c_char_p),
                ("entry_bytes_max", c_uint64), ("frame_bytes_max", c_uint64),
                ("last_write_no", c_uint64)]


LOSS = CFUNCTYPE(None, c_void_p, c_uint64, c_int, c_char_p)


class LoggerOptionsStruct(SizedStruct):
    _fields_ = [("size", c_size_t), ("socket_path", c_char_p), ("name", c_char_p),
                ("buffer_bytes", c_size_t), ("batch_bytes", c_size_t), ("when_full", c_int32),
                ("on_loss", LOSS), ("context", c_void_p)]


class LoggerStatusStruct(SizedStruct):
    _fields_ = [("size", c_size_t), ("accepted", c_uint64), ("stored", c_uint64),
                ("refused", c_uint64), ("waiting", c_uint64), ("maybe_duplicated", c_uint64)]


STRUCTS = {
    "stele_entry": EntryStruct, "stele_stored_entry": StoredEntryStruct, "stele_query": QueryStruct,
    "stele_selection": SelectionStruct, "stele_client_options": ClientOptionsStruct,
    "stele_server": ServerStruct, "stele_logger_options": LoggerOptionsStruct,
    "stele_logger_status": LoggerStatusStruct}

VISITOR = CFUNCTYPE(c_int, c_void_p, POINTER(StoredEntryStruct))
REMOVED = CFUNCTYPE(None, c_void_p, c_uint64, c_uint64)

_HANDLE = c_void_p
_ENTRIES = POINTER(EntryStruct)
_OUT_SEQ = POINTER(c_uint64)
_OUT_TEXT = POINTER(c_char_p)
# Name -> (result, arguments).
_FUNCTIONS = {
    "stele_version": (c_char_p, []),
    "stele_code_name": (c_char_p, [c_int]),
    "stele_error_message": (c_char_p, []),
    "stele_error_detail": (c_char_p, []),
    "stele_error_state": (c_char_p, []),
    "stele_error_retryable": (c_int, []),
    "stele_may_be_stored": (c_int, [c_int]),
    "stele_client_open_with": (c_int, [POINTER(ClientOptionsStruct), POINTER(_HANDLE)]),
    "stele_client_close": (None, [_HANDLE]),
    "stele_client_server": (c_int, [_HANDLE, POINTER(ServerStruct)]),
    "stele_write_log": (c_int, [_HANDLE, _ENTRIES, c_int64, _OUT_SEQ]),
    "stele_write_many_logs": (c_int, [_HANDLE, _ENTRIES, c_size_t, c_int64, _OUT_SEQ]),
    "stele_write_once": (c_int, [_HANDLE, _ENTRIES, c_size_t, c_uint64, c_int64, _OUT_SEQ]),
    "stele_report_dropped": (c_int, [_HANDLE, c_uint64, c_char_p, c_int64]),
    "stele_confirm": (c_int, [_HANDLE, c_char_p, c_uint64, c_int64]),
    "stele_stats": (c_int, [_HANDLE, c_int64, _OUT_TEXT]),
    "stele_audit": (c_int, [_HANDLE, c_uint64, c_int64, _OUT_TEXT]),
    "stele_count_logs": (c_int, [_HANDLE, POINTER(QueryStruct), c_int64, _OUT_SEQ]),
    "stele_ping": (c_int, [_HANDLE, c_int64]),
    "stele_read_page": (c_int, [_HANDLE, POINTER(SelectionStruct), c_int64, VISITOR, c_void_p,
                                _OUT_TEXT]),
    "stele_follow": (c_int, [_HANDLE, POINTER(SelectionStruct), c_int64, VISITOR, REMOVED,
                             c_void_p, _OUT_SEQ]),
    "stele_logger_open_with": (c_int, [POINTER(LoggerOptionsStruct), POINTER(_HANDLE)]),
    "stele_logger_log": (c_int, [_HANDLE, _ENTRIES, c_int64]),
    "stele_logger_flush": (c_int, [_HANDLE, c_int64]),
    "stele_logger_get_status": (c_int, [_HANDLE, POINTER(LoggerStatusStruct)]),
    "stele_logger_close": (c_int, [_HANDLE, c_int64]),
}


def _load() -> ctypes.CDLL:
    name = os.environ.get("STELE_LIBRARY", "libstele.so.0")
    try:
        library = ctypes.CDLL(name)
        for function, (result, arguments) in _FUNCTIONS.items():
            found = getattr(library, function)
            found.restype = result
            found.argtypes = arguments
    except OSError as error:
        raise ImportError(f"stele needs its library: {error}; install libstele, or name it in"
                          " $STELE_LIBRARY") from error
    except AttributeError as error:
        raise ImportError(f"{name} is older than this package: {error}") from error
    return library


LIBRARY = _load()
