"""C++ source as the rules see it: comments and literals blanked out, every offset and line kept."""

import re

_TOKEN = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'
    """,
    re.VERBOSE | re.DOTALL,
)


def code_only(text):
    """Blanks comments and the insides of literals; quotes, offsets and line breaks stay."""

    def blank(match):
        token = match.group(0)
        spaces = re.sub(r"[^\n]", " ", token)
        return spaces if token[0] == "/" else '"' + spaces[1:-1] + '"'

    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def matching_brace(code, opening):
    """The offset of the } that closes the { at `opening`, or the end of the text."""
    depth = 0
    for offset in range(opening, len(code)):
        if code[offset] == "{":
            depth += 1
        elif code[offset] == "}":
            depth -= 1
            if depth == 0:
                return offset
    return len(code)


def function_bodies(code):
    """Yields (opening brace, closing brace) of each function body, of lambdas only the outermost.

    A { opens a function body if the text since the last ; { or } has a parameter list and is
    neither a type, a namespace nor an initialiser. Good for code in the style of .clang-format.
    """
    offset = 0
    while True:
        opening = code.find("{", offset)
        if opening < 0:
            return
        start = max(code.rfind(mark, 0, opening) for mark in ";{}") + 1
        head = re.sub(r"^\s*(?:#[^\n]*|BOOST_\w+_TEST_SUITE\([^\n]*\))$", "", code[start:opening],
                      flags=re.MULTILINE).strip()
        is_function = (
            "(" in head
            and not re.match(r"(?:template\s*<.*>\s*)?(?:class|struct|union|enum|namespace)\b", head)
            and not re.search(r"(?<![=!<>])=\s*$", head)
        )
        if is_function:
            closing = matching_brace(code, opening)
            yield opening, closing
            offset = closing + 1
        else:
            offset = opening + 1
