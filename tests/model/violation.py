"""A broken promise."""


class Violation(Exception):
    pass


def require(holds, text):
    if not holds:
        raise Violation(text() if callable(text) else text)
