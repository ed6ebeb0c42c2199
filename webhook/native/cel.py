"""CEL written safely: literals, globs as RE2, and expressions put together.

Everything that comes from a policy or a table enters an expression through ``literal`` or a regular
expression of ``glob_regex``: nothing that somebody wrote is ever read as CEL.
"""

from collections.abc import Iterable, Mapping, Sequence

TRUE, FALSE = "true", "false"


def literal(text: str) -> str:
    """``text`` as a CEL string, whatever it holds; ASCII only, on one line."""
    return "'" + "".join(map(_escaped, text)) + "'"


def _escaped(char: str) -> str:
    if char in "'\\":
        return "\\" + char
    code = ord(char)
    if 0x20 <= code < 0x7F:
        return char
    # No string of CEL holds half a surrogate pair, nor does any text that Kubernetes takes.
    return (
        f"\\u{0xFFFD if 0xD800 <= code < 0xE000 else code:04x}"
        if code < 0x10000
        else (f"\\U{code:08x}")
    )


def list_of(texts: Iterable[str]) -> str:
    """A CEL list of strings."""
    return "[" + ", ".join(map(literal, texts)) + "]"


def numbers(values: Iterable[int]) -> str:
    """A CEL list of integers."""
    return "[" + ", ".join(map(str, values)) + "]"


def map_of(texts: Mapping[str, str]) -> str:
    """A CEL map of strings."""
    pairs = (f"{literal(key)}: {literal(value)}" for key, value in texts.items())
    return "{" + ", ".join(pairs) + "}"


def either(parts: Iterable[str]) -> str:
    """Whether one of ``parts`` holds; constants are folded."""
    given = [part for part in dict.fromkeys(parts) if part != FALSE]
    if TRUE in given:
        return TRUE
    return " || ".join(map(_grouped, given)) or FALSE


def both(parts: Iterable[str]) -> str:
    """Whether all of ``parts`` hold; constants are folded."""
    given = [part for part in dict.fromkeys(parts) if part != TRUE]
    if FALSE in given:
        return FALSE
    return " && ".join(map(_grouped, given)) or TRUE


def negated(part: str) -> str:
    """Whether ``part`` does not hold."""
    constant = {TRUE: FALSE, FALSE: TRUE}.get(part)
    return constant or "!" + _grouped(part)


def _grouped(part: str) -> str:
    return part if " " not in part else f"({part})"


def one_of(value: str, texts: Sequence[str]) -> str:
    """Whether the expression ``value`` is one of ``texts``."""
    if not texts:
        return FALSE
    return f"{value} == {literal(texts[0])}" if len(texts) == 1 else f"{value} in {list_of(texts)}"


def matches(value: str, regex: str) -> str:
    """Whether the expression ``value`` matches the regular expression."""
    return f"{value}.matches({literal(regex)})"


def chosen(index: str, values: Sequence[str]) -> str:
    """The expression of ``values`` at ``index``; where all are the same, that one."""
    if len(set(values)) == 1:
        return values[0]
    return f"[{', '.join(values)}][{index}]"


ANYTHING = "(?s)^.*$"


def glob_regex(globs: Iterable[str]) -> str:
    """The RE2 expression of what some of ``globs`` names; ``*`` and ``?`` only are special.

    It means for RE2 what ``images.glob_matches`` does, newlines included.
    """
    wanted = sorted(set(globs))
    if "*" in wanted:
        return ANYTHING
    return f"(?s)^(?:{'|'.join(map(_glob, wanted))})$" if wanted else r"^[^\s\S]$"


def _glob(glob: str) -> str:
    return glob_part(glob, any_one=".")


def glob_part(glob: str, *, any_one: str) -> str:
    """One glob without anchors; ``any_one`` is what ``?`` stands for."""
    special = {"*": f"{any_one}*", "?": any_one}
    return "".join(special.get(char) or quoted(char) for char in glob)


def quoted(text: str) -> str:
    """``text`` as RE2 reads it literally."""
    return "".join(c if c.isalnum() or c in "_-/" or ord(c) > 127 else f"\\{c}" for c in text)


def globbed(value: str, globs: Sequence[str]) -> str:
    """Whether one of ``globs`` names the expression ``value``: without stars a plain list."""
    if "*" in globs:
        return TRUE
    if not any("*" in glob or "?" in glob for glob in globs):
        return one_of(value, sorted(set(globs)))
    return matches(value, glob_regex(globs))
