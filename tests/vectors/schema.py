"""The JSON Schema of the protocol, made from the daemon's own table of operations.

    schema.py --steled build/dev/bin/steled --write protocol/schema.json

The table comes from the reply to `help`; what a member may be is said here, once for each name.
"""

import argparse
import json
import pathlib

U64_MAX = 2**64 - 1
I64_MIN = -(2**63)


def ref(name):
    return {"$ref": f"#/$defs/{name}"}


def text(bytes_max):
    return {"type": "string", "maxLength": bytes_max}


def open_object(properties, *required):
    """Of a reply: members that are not named here may be added."""
    return {"type": "object", "properties": properties, "required": list(required)}


def whole(properties, optional=()):
    """The same where all members are there, but for the optional ones."""
    return open_object(properties, *(name for name in properties if name not in optional))


def closed_object(properties, *required):
    """Of a request: any other member is refused."""
    return {**open_object(properties, *required), "additionalProperties": False}


def array(items, **more):
    return {"type": "array", "items": items, **more}


def numbers(names):
    return {name: ref("u64") for name in names.split()}


# What each member of a request may be.
MEMBERS = {
    "client": text(256),
    "entry": ref("new_entry"),
    "entries": array(ref("new_entry"), minItems=1),
    "start_ts": ref("u64"),
    "end_ts": ref("u64"),
    "after_seq": ref("u64"),
    "min_level": ref("level"),
    "contains": text(4096),
    "where": {"type": "object", "maxProperties": 16},
    "origin": closed_object({"pid": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
                             "uid": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}}),
    "order": {"enum": ["asc", "desc"]},
    "limit": ref("u64"),
    "cursor": {"type": ["string", "null"], "minLength": 1, "maxLength": 256},
    "bucket_us": ref("positive"),
    "writer": ref("writer"),
    "since_seq": ref("u64"),
    "write_no": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    "follow": {"type": "boolean"},
    "target": ref("id"),
    "count": ref("positive"),
    "consumer": text(256),
    "seq": ref("u64"),
    "first_seq": ref("positive"),
    "last_seq": ref("positive"),
}

# What a follow does not take.
FOLLOW_RULE = {"if": {"properties": {"follow": {"const": True}}, "required": ["follow"]},
               "then": {"properties": {"order": {"const": "asc"},
                                       "cursor": {"enum": [None]}}}}

PATH = {"path": {"type": "string", "maxLength": 256}}

DETAILS = {
    "bad_frame": open_object(numbers("frame_bytes got_bytes request_seconds_max")),
    "frame_too_large": open_object(numbers("frame_bytes_max frame_bytes"), "frame_bytes_max"),
    "bad_json": open_object({**PATH, **numbers("offset depth_max")}, "path", "offset"),
    "bad_request": open_object({
        **PATH, "members": array({"type": "string"}), "ops": array({"type": "string"}),
        "id": ref("id"),
        **numbers("id_bytes_max where_members_max where_bytes_max durable_seq buckets_max")},
        "path"),
    "unknown_op": whole({**PATH, "ops": array({"type": "string"})}),
    "invalid_entry": whole(PATH),
    "entry_too_large": {"oneOf": [whole({**PATH, **numbers("entry_bytes_max entry_bytes")}),
                                  whole({**PATH, **numbers("batch_bytes_max batch_bytes")})]},
    "unsupported_version": whole({**PATH, "version_max": ref("u64")}),
    "no_space": open_object(numbers("uid history_bytes history_bytes_max")),
    "log_failed": open_object({}),
    "shutting_down": open_object({}),
    "too_many_connections": open_object(numbers("connections_max user_connections_max")),
    "overloaded": open_object(numbers("tails_max writer_writes_max")),
    "unknown_retry": open_object({}),
    "id_conflict": whole(numbers("first_seq last_seq")),
    "cursor_expired": open_object({}),
    "forbidden": whole(numbers("uid gid")),
    "internal": open_object({}),
}
RETRYABLE = ("no_space", "log_failed", "shutting_down", "too_many_connections", "overloaded")

LIMITS = numbers(
    "frame_bytes_max entry_bytes_max batch_bytes_max batch_entry_bytes json_depth_max "
    "request_id_bytes_max read_frame_bytes contains_bytes_max where_bytes_max where_members_max "
    "count_buckets_max connections_max user_connections_max in_flight_bytes_max unsent_bytes_max "
    "user_unsent_bytes_max all_unsent_bytes_max unread_bytes_max user_unread_bytes_max "
    "all_unread_bytes_max unanswered_max tails_max writers_max writer_writes_max "
    "request_seconds_max "
    "idle_seconds_max reader_seconds_max retain_bytes retain_seconds hold_bytes "
    "history_bytes_max "
    "store_bytes_max memory_bytes_max")

STATES = ["ok", "damaged", "no_space", "shutting_down", "log_failed"]

PAIRS = array(array(ref("u64"), minItems=2, maxItems=2))


def gap():
    """A place where seqs are missing, as audit tells it."""
    lost = {"reason": {"enum": ["expired", "damaged", "torn"]},
            "acknowledged": {"const": True}, **numbers("first_seq last_seq segment_no offset")}
    dropped = {"reason": {"const": "dropped_by_client"}, "before_seq": ref("u64"),
               "count": ref("positive"), "writer": {"type": "string", "pattern": "^[0-9a-f]{8}$"}}
    return {"oneOf": [whole(lost, optional=("segment_no", "offset", "acknowledged")),
                      whole(dropped, optional=("writer",))]}


def stats(operations):
    return {
        "version": {"type": "string"},
        "state": {"enum": STATES},
        "store_id": {"type": "string"},
        "uptime_us": ref("u64"),
        "wal": whole({"backend": {"type": "string"}, "commit_us": PAIRS, **numbers(
            "next_seq durable_seq pending_bytes commits commit_entries commit_entries_max "
            "commit_bytes commit_us_sum marks segments segments_made segments_removed "
            "segment_waits segment_wait_us active_first_seq space_failures log_bytes "
            "segments_packed segments_not_packed packed_bytes packed_from_bytes")}),
        "store": whole(numbers("entries bytes index_bytes packed_entries packed_bytes "
                               "packed_text_bytes blocks_unpacked visible_seq removed_seq "
                               "oldest_ts newest_ts"), optional=("oldest_ts", "newest_ts")),
        "missing": whole(numbers("expired damaged acknowledged torn dropped")),
        "connections": whole(numbers("open accepted refused timed_out readers_timed_out")),
        "requests": whole({operation["op"]: ref("u64") for operation in operations}),
        "errors": open_object({code: ref("positive") for code in DETAILS}),
        "entry_counts": whole(numbers("written read")),
        "tails": whole(numbers("open entries lagged")),
        "memory": whole(numbers("store_bytes in_flight_bytes writers_bytes gaps_bytes unread_bytes "
                                "unsent_bytes pinned_bytes machine_bytes bytes waiting")),
        "history": whole({**numbers("bytes users shares_exceeded"), "largest": {
            "type": "array", "maxItems": 16, "items": whole(numbers("uid bytes"))}}),
        "diagnostics": whole(numbers("lines_dropped")),
        "writers": whole(numbers("remembered users bytes forgotten_seq writes_repeated")),
        "consumers": {"type": "object", "additionalProperties": whole(
            {"confirmed_seq": {"type": ["integer", "null"], "minimum": 0, "maximum": U64_MAX},
             **numbers("unconfirmed lost")})},
        "limits": ref("limits"),
        "recovery": whole({
            "clean_stop": {"type": "boolean"},
            **numbers("entries rejected bytes segments took_us gaps_omitted findings_omitted"),
            "gaps": array(whole({**numbers("first_seq last_seq"),
                                 "reason": {"type": "string"}})),
            "findings": array({"type": "string"})}),
    }


def success(properties, optional=()):
    return whole({"id": ref("id"), "ok": {"const": True}, **properties}, ("id", *optional))


def page():
    """A frame of a read or of a follow."""
    entries = {"entries": array(ref("entry"))}
    more, last = {"more": {"const": True}}, {"more": {"const": False}}
    cursor = {"cursor": {"type": ["string", "null"]}}
    lagged = {"lagged": whole(numbers("from_seq to_seq"))}
    seq = {"seq": ref("u64")}
    return {"anyOf": [
        success({**entries, **more}),
        success({**entries, **last, **cursor}),
        success({**entries, **more, **seq, "caught_up": {"const": True}, **lagged},
                optional=("caught_up", "lagged")),
        success({**entries, **last, "cursor": {"type": "null"}, **seq}),
    ]}


def replies(operations):
    dup = {"dup": {"const": True}}
    knowledge = {"known_above": {"type": ["integer", "null"], "minimum": 0, "maximum": U64_MAX},
                 "written": PAIRS, "under_way": PAIRS,
                 **numbers("last_write_no last_seq durable_seq forgotten_seq")}
    audit = numbers("first_seq last_seq present expired damaged acknowledged torn dropped "
                    "unexplained gaps_omitted")
    return {
        "hello": success({"protocol": {"const": 1}, "version": {"type": "string"},
                          "store_id": {"type": "string"},
                          **knowledge, "limits": ref("limits")}, optional=tuple(knowledge)),
        "ping": success({}),
        "stats": success(stats(operations)),
        "write_log": success({"seq": ref("u64"), **dup}, optional=("dup",)),
        "write_many_logs": success({**numbers("first_seq last_seq"), **dup}, optional=("dup",)),
        "read_logs": page(),
        "count_logs": success({"count": ref("u64"), "buckets": PAIRS}, optional=("buckets",)),
        "cancel": success({"cancelled": {"type": "boolean"}}),
        "audit": success({**audit, "complete": {"type": "boolean"}, "gaps": array(gap())}),
        "report_dropped": success({"before_seq": ref("u64")}),
        "acknowledge": success({"acknowledged": ref("u64")}),
        "confirm": success({}),
        "help": success({
            "help": array(whole({"op": {"type": "string"}, "members": array({"type": "string"}),
                                 "needed": array({"type": "string"}),
                                 "example": {"type": "string"}, "what": {"type": "string"}})),
            "words": array({"type": "string"})}),
    }


def failure():
    codes = [open_object({"code": {"const": code}, "message": {"type": "string"},
                          "retryable": {"const": code in RETRYABLE},
                          "detail": ref(f"detail_{code}")},
                         "code", "message", "retryable", "detail") for code in DETAILS]
    return whole({"id": ref("id"), "ok": {"const": False},
                  "state": {"enum": ["not_written", "unknown"]}, "error": {"oneOf": codes}},
                 optional=("id", "state"))


def request(operation):
    members = {name: MEMBERS[name] for name in operation["members"]}
    one = closed_object({"op": {"const": operation["op"]}, "id": ref("id"), **members},
                        "op", *operation["needed"])
    if "follow" in members:
        one |= FOLLOW_RULE
    if "since_seq" in members:
        one["dependentRequired"] = {"since_seq": ["writer"]}
    return one


def basics():
    u64 = {"type": "integer", "minimum": 0, "maximum": U64_MAX}
    level = {"enum": ["trace", "debug", "info", "warn", "error", "fatal"]}
    new_entry = closed_object({"timestamp": ref("u64"), "level": ref("level"),
                               "message": {"type": "string"}, "metadata": {"type": "object"},
                               "version": {"const": 1}}, "message")
    origin = whole({name: {"type": "integer"} for name in ("pid", "uid", "gid")})
    entry = whole({"seq": ref("positive"), "timestamp": ref("u64"), "level": ref("level"),
                   "message": {"type": "string"}, "metadata": {"type": "object"},
                   "version": {"const": 1}, "origin": origin})
    return {
        "u64": u64,
        "positive": {**u64, "minimum": 1},
        "id": {"anyOf": [{"type": "integer", "minimum": I64_MIN, "maximum": U64_MAX}, text(254)]},
        "level": level,
        "writer": {"type": "string", "pattern": "^[0-9A-Fa-f]{32}$", "not": {"pattern": "^0+$"}},
        "new_entry": new_entry,
        "entry": entry,
        "limits": whole(LIMITS),
        "gap": gap(),
    }


def make_schema(operations):
    """`operations`: the member `help` of the reply to help."""
    names = [operation["op"] for operation in operations]
    success_of = replies(operations)
    if sorted(success_of) != sorted(names):
        raise ValueError(f"replies are said of {sorted(success_of)}, not of {sorted(names)}")
    defs = basics()
    defs |= {f"request_{one['op']}": request(one) for one in operations}
    defs["request"] = {"oneOf": [ref(f"request_{name}") for name in names]}
    defs |= {f"detail_{code}": detail for code, detail in DETAILS.items()}
    defs |= {f"reply_{name}": success_of[name] for name in names}
    defs["failure"] = failure()
    defs["reply"] = {"anyOf": [ref("failure"), *(ref(f"reply_{name}") for name in names)]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The stele protocol, version 1",
        "description": "A message of either direction. PROTOCOL.md says what the schema cannot.",
        "anyOf": [ref("request"), ref("reply")],
        "$defs": defs,
    }


def to_text(schema):
    return json.dumps(schema, indent=1) + "\n"


def table_of(socket):
    """The operations of the daemon at a socket."""
    import replay_vectors

    connection = replay_vectors.Connection(socket, "binary")
    connection.send_message('{"op":"help"}')
    operations = json.loads(connection.receive())["help"]
    connection.close()
    return operations


def main():
    import replay_vectors

    parser = argparse.ArgumentParser()
    parser.add_argument("--steled", required=True)
    parser.add_argument("--write", required=True)
    arguments = parser.parse_args()
    daemon = replay_vectors.Daemon(arguments.steled, {})
    try:
        schema = make_schema(table_of(daemon.socket))
    finally:
        daemon.stop()
    pathlib.Path(arguments.write).write_text(to_text(schema))


if __name__ == "__main__":
    main()
