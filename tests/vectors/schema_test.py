"""Holds protocol/schema.json against the daemon: schema_test.py STELED SOURCE_DIR.

The schema is the one that the daemon's table of operations gives; every request and reply of the
vectors is judged by it; every member of the reply to stats is in PROTOCOL.md; every error code has
a vector, or a reason; a batch counts what the document says. 77: there is no python3-jsonschema.
"""

import json
import os
import pathlib
import re
import sys

try:
    import jsonschema
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])
    print("there is no python3-jsonschema")
    sys.exit(77)

import replay_vectors
import schema as made

# Codes that say nothing against the request.
OF_THE_DAEMON = ("no_space", "log_failed", "shutting_down", "too_many_connections", "overloaded",
                 "unknown_retry", "id_conflict", "cursor_expired", "forbidden", "internal")

# What no vector can have an answer to: it takes damage (audit_test, procedures_cases).
WITHOUT_ANSWER = {"acknowledge"}
# Codes that no vector provokes.
WITHOUT_VECTOR = {
    "log_failed": "needs a disk that fails",
    "shutting_down": "needs a daemon that is stopping",
    "internal": "needs a defect",
}


def closed(schema):
    """The schema of a reply without room for members that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(part) for name, part in schema.items()}
    if "properties" in schema and "required" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


class Judge(replay_vectors.Observer):
    """Judges what travels; what differs is in `findings`."""

    def __init__(self, schema):
        strict = {"$defs": {name: part if name.startswith("request") else closed(part)
                            for name, part in schema["$defs"].items()}}
        self.validators = {
            name: jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", **strict})
            for name in schema["$defs"]}
        self.findings = []
        self.codes = set()
        self.answered = set()
        self.asked = {}

    def is_valid(self, name, value):
        return self.validators[name].is_valid(as_python(value))

    def explain(self, name, value):
        return "; ".join(error.message[:300] for error in
                         self.validators[name].iter_errors(as_python(value)))

    def sent(self, connection, text, step):
        try:
            value = replay_vectors.parse(text)
        except ValueError:
            return  # No JSON, or a word; members given twice are such a case too.
        is_object = isinstance(value, dict)
        key = json.dumps(value.get("id")) if is_object else None
        op = value.get("op") if is_object else None
        self.asked.setdefault(connection, []).append({
            "key": key, "op": op, "text": text, "expected": step.get("valid", "by the reply"),
            "valid": self.is_valid("request", value)})

    def received(self, connection, value):
        asked = self.question_of(connection, value)
        op = asked["op"] if asked else None
        name = "reply"
        if not value.get("ok"):
            name = "failure"
            self.codes.add(value["error"]["code"])
        elif f"reply_{op}" in self.validators:
            name = f"reply_{op}"
            self.answered.add(op)
        if not self.is_valid(name, value):
            self.findings.append(f"not a {name}: {json.dumps(value)[:300]}: "
                                 f"{self.explain(name, value)}")
        if asked and not asked.get("judged"):
            asked["judged"] = True
            self.judge_request(asked, value)

    def question_of(self, connection, value):
        refused = value.get("error", {}).get("detail", {})
        key = json.dumps(value.get("id", refused.get("id")))
        known = self.asked.get(connection, [])
        same = [one for one in known if one["key"] == key]
        fresh = [one for one in same if not one.get("judged")]
        follows = [one for one in same if one["op"] == "read_logs"]
        return fresh[0] if fresh else follows[-1] if follows else same[-1] if same else None

    def judge_request(self, asked, value):
        expected = asked["expected"]
        if expected == "by the reply":
            code = value["ok"] or value["error"]["code"]
            expected = None if code == "bad_json" else code is True or code in OF_THE_DAEMON
        if expected is not None and expected != asked["valid"]:
            self.findings.append(f"a request is {'valid' if asked['valid'] else 'not valid'} by "
                                 f"the schema: {asked['text'][:300]}")


def as_python(value):
    """Numbers with a fraction as floats."""
    if isinstance(value, replay_vectors.Number):
        return float(value)
    if isinstance(value, dict):
        return {name: as_python(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_python(element) for element in value]
    return value


def check_file(schema, path):
    jsonschema.Draft202012Validator.check_schema(schema)
    if path.read_text() != made.to_text(schema):
        yield f"{path} is not what the table of operations gives: see tests/vectors/schema.py"


def check_stats_document(schema, document):
    """Each member of the reply to stats stands in the document, as `wal.commits`."""
    listed = set(re.findall(r"`([\w.]+)`", document))
    stats = schema["$defs"]["reply_stats"]["properties"]
    for name, member in stats.items():
        inner = [] if name in ("limits", "requests", "errors") else member.get("properties", [])
        for path in [f"{name}.{part}" for part in inner] or [name]:
            if path not in listed and name not in ("id", "ok"):
                yield f"PROTOCOL.md does not say what {path} of stats is"


def check_coverage(schema, judge):
    for code in made.DETAILS:
        if (code in judge.codes) == (code in WITHOUT_VECTOR):
            yield f"the vectors and WITHOUT_VECTOR disagree about {code}"
    for name in schema["$defs"]:
        op = name.removeprefix("reply_")
        is_answer = name.startswith("reply_") and op not in WITHOUT_ANSWER
        if is_answer and op not in judge.answered:
            yield f"no vector has an answer to {op}"


def ask(connection, text):
    connection.send_message(text)
    return json.loads(connection.receive())


def check_batch_account(steled):
    """A client that counts as the document says fills a batch to its last byte."""
    daemon = replay_vectors.Daemon(steled, {"segment-bytes": "1M"})
    try:
        connection = replay_vectors.Connection(daemon.socket, "binary")
        limits = ask(connection, '{"op":"hello"}')["limits"]
        room = limits["batch_bytes_max"] - 2 * (limits["batch_entry_bytes"] + len('""{}'))
        first = room // 2
        for more in (0, 1):
            entries = [{"message": "x" * first}, {"message": "x" * (room - first + more)}]
            reply = ask(connection, json.dumps({"op": "write_many_logs", "entries": entries}))
            detail = None if reply["ok"] else reply["error"]["detail"]
            expected = {"path": "entries", "batch_bytes_max": limits["batch_bytes_max"],
                        "batch_bytes": limits["batch_bytes_max"] + 1} if more else None
            if detail != expected:
                yield f"a batch of {more} bytes above the limit: {json.dumps(reply)}"
        connection.close()
    finally:
        daemon.stop()


def main():
    steled, source = sys.argv[1], pathlib.Path(sys.argv[2])
    parser_arguments = type("Arguments", (), {"socket": None, "steled": steled})
    daemons = replay_vectors.Daemons(parser_arguments)
    try:
        schema = made.make_schema(made.table_of(daemons.shared_socket()))
        findings = list(check_file(schema, source / "protocol" / "schema.json"))
        findings += check_stats_document(schema, (source / "protocol/PROTOCOL.md").read_text())
        judge = Judge(schema)
        vectors = replay_vectors.read_vectors(source / "protocol" / "vectors.jsonl")
        good = replay_vectors.replay_all(vectors, daemons, judge)
        findings += judge.findings
        findings += check_coverage(schema, judge)
        findings += check_batch_account(steled)
    finally:
        daemons.close()
    for finding in dict.fromkeys(findings):
        print(finding)
    return 0 if good and not findings else 1


if __name__ == "__main__":
    sys.exit(main())
