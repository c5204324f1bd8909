"""JSON as the protocol means it: numbers keep their digits, objects their order.

A value is a str, a bool, None, a Number, a list, or a dict (an object: its names differ).
"""

import re
from decimal import Decimal

ESCAPED = re.compile(r'["\\\x00-\x1f]')
SPELLED_BYTES_MAX = 300   # longer texts are spelled plainly
SHORT_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
                 '"': '\\"', "\\": "\\\\"}


class Number:
    """A number by its text; equal to another one if every digit counts the same."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Number) and Decimal(self.text) == Decimal(other.text)

    def __hash__(self):
        return hash(Decimal(self.text))


def same_value(a, b):
    """Equality of `where`: a bool is no number, and an array has an order."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same_value(a[name], b[name]) for name in a)
    return a == b


def canonical_string(text):
    return '"' + ESCAPED.sub(lambda c: SHORT_ESCAPES.get(c[0]) or f"\\u{ord(c[0]):04x}", text) + '"'


def canonical(value):
    """The one spelling in which entries are stored."""
    if isinstance(value, str):
        return canonical_string(value)
    if isinstance(value, Number):
        return value.text
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{canonical_string(n)}:{canonical(v)}"
                              for n, v in value.items()) + "}"
    return {True: "true", False: "false", None: "null"}[value]


class Speller:
    """Any of the spellings that JSON allows, by chance."""

    def __init__(self, random):
        self._random = random

    def space(self):
        return self._random.choice(("", "", "", " ", "\t", "  ")) if self._wild() else ""

    def _wild(self):
        return self._random.random() < 0.2

    def string(self, text):
        if len(text) > SPELLED_BYTES_MAX:
            return canonical_string(text)
        return '"' + "".join(map(self._character, text)) + '"'

    def _character(self, c):
        if self._random.random() < 0.05:
            units = c.encode("utf-16-be", "surrogatepass")
            form = "\\u%04X" if self._wild() else "\\u%04x"
            return "".join(form % int.from_bytes(units[i:i + 2], "big")
                           for i in range(0, len(units), 2))
        if c == "/" and self._wild():
            return "\\/"
        return SHORT_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c)

    def value(self, value):
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, list):
            return "[" + ",".join(self.space() + self.value(v) + self.space()
                                  for v in value) + "]"
        if isinstance(value, dict):
            return "{" + ",".join(
                f"{self.space()}{self.string(n)}{self.space()}:{self.space()}{self.value(v)}"
                for n, v in value.items()) + self.space() + "}"
        return canonical(value)


def number(value):
    return Number(str(value))
