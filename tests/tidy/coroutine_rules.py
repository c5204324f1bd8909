"""The co_await expressions that GCC 12 compiles wrongly, found in text.

GCC 12.2 destroys some temporaries of a full expression with co_await twice (or not at all). Classes
with constructors are safe; lambdas, aggregates and the arms of ?: are not. Named locals made before
the await are the cure everywhere.
"""

import re

from cpp_text import code_only, line_of

LAMBDA = "build the lambda before the await: GCC 12 destroys a temporary lambda's captures twice"
AGGREGATE = "build the aggregate before the await: GCC 12 destroys a braced temporary twice"
CONDITIONAL = "use if/else: GCC 12 destroys the arms of ?: around co_await twice"
BINDING = "await into a named value first: newer GCCs skip or repeat the hidden object's destructor"
INSIDE = "await into a named local first: GCC 12 destroys what braces around co_await hold twice"

_OPEN, _CLOSE = "([{", ")]}"


def _opener_of(code, closing):
    """The offset of the bracket that opens the one closed at `closing`; -1 if there is none."""
    depth = 0
    for offset in range(closing, -1, -1):
        if code[offset] in _CLOSE:
            depth += 1
        elif code[offset] in _OPEN:
            depth -= 1
            if depth == 0:
                return offset
    return -1


def _closer_of(code, opening):
    depth = 0
    for offset in range(opening, len(code)):
        if code[offset] in _OPEN:
            depth += 1
        elif code[offset] in _CLOSE:
            depth -= 1
            if depth == 0:
                return offset
    return len(code)


def _is_block(code, brace):
    """Whether the { begins statements; else it begins an initialiser. By clang-format's spacing."""
    before = code[:brace].rstrip()
    if not before or before[-1] in ";{}":
        return not (before and before[-1] == "{" and code[brace - 1] == "{")
    if code[brace - 1] not in " \n":
        return False
    return before[-1] not in "=(,[?<&|+" and not re.search(r"\b(?:return|co_return)$", before)


def _is_lambda_body(code, brace):
    before = code[:brace].rstrip()
    head = re.search(r"(?:\)|\])\s*(?:mutable|noexcept|->\s*[\w:<>, *&]+|\s)*$", before)
    if not head:
        return False
    closing = head.start()
    if code[closing] == ")":
        closing = len(code[: max(_opener_of(code, closing), 0)].rstrip()) - 1
    return closing >= 0 and code[closing] == "]" and _starts_lambda(code, _opener_of(code, closing))


def _starts_lambda(code, bracket):
    before = code[:bracket].rstrip()
    return bool(before) and (before[-1] in "=(,{;}&|?:!" or before.endswith("return"))


def _start_of_expression(code, offset):
    """Walks back to the start of the full expression; also tells whether braces enclose `offset`."""
    in_braces = False
    offset -= 1
    while offset >= 0:
        char = code[offset]
        if char == ";":
            break
        if char == "{":
            if _is_block(code, offset) or _is_lambda_body(code, offset):
                break
            in_braces = True
        elif char in ")]":
            offset = _opener_of(code, offset)
        elif char == "}":
            opening = _opener_of(code, offset)
            if _is_block(code, opening) and not _is_lambda_body(code, opening):
                break
            offset = opening
        offset -= 1
    return offset + 1, in_braces


def _end_of_expression(code, offset):
    depth = 0
    while offset < len(code):
        char = code[offset]
        if char == ";":
            break
        if char == "{":
            if _is_block(code, offset) and not _is_lambda_body(code, offset):
                break
            offset = _closer_of(code, offset)
        elif char == "}" and depth == 0:
            break
        offset += 1
    return offset


def _without_lambda_bodies(code, start, end):
    """The expression's text with the bodies of its lambdas blanked, and whether it has a lambda."""
    text = code[start:end]
    found = False
    offset = text.find("{")
    while offset >= 0:
        closing = _closer_of(text, offset)
        if _is_lambda_body(code, start + offset):
            found = True
            text = text[:offset] + " " * (closing + 1 - offset) + text[closing + 1 :]
        offset = text.find("{", offset + 1)
    return text, found


def _around_await(text):
    """The text without the bracketed parts that hold no co_await: what is left surrounds one."""
    previous = None
    while previous != text:
        previous = text
        text = re.sub(r"\([^()]*\)", lambda m: m.group(0) if "co_await" in m.group(0) else "", text)
    return text


def coroutine_findings(text):
    """Yields (line, sentence) for each full expression with co_await that breaks a rule."""
    code = code_only(text)
    seen = set()
    for match in re.finditer(r"\bco_await\b", code):
        start, in_braces = _start_of_expression(code, match.start())
        if (start, in_braces) in seen:
            continue
        seen.add((start, in_braces))
        end = _end_of_expression(code, match.start())
        expression, has_lambda = _without_lambda_bodies(code, start, end)
        line = line_of(code, match.start())
        if re.search(r"\bauto\b[\s&]*(?:const)?[\s&]*\[[^\]]*\]\s*=\s*co_await", expression):
            yield line, BINDING
        if in_braces:
            yield line, INSIDE
        elif "{" in expression:
            yield line, AGGREGATE
        if has_lambda:
            yield line, LAMBDA
        if "?" in _around_await(expression):
            yield line, CONDITIONAL
