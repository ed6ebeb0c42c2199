"""Which texts globs have in common: decided exactly, by walking small automata side by side.

Lint asks two questions: can one namespace be named by two policies, and does every image of one
override belong to an earlier one. Both are: is there a text that these patterns match and those do
not. The walk is breadth first, so the text found is a shortest one and serves as an example.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from webhook.core.images import ImagePattern

_MOST_STATES = 50_000

States = frozenset[tuple[int, int]]


class Language(Protocol):
    """A set of texts, read a character at a time."""

    @property
    def characters(self) -> frozenset[str]:
        """Characters that it tells from others."""

    def start(self) -> States:
        """The states before the first character."""

    def step(self, states: States, char: str) -> States:
        """The states after one more character; empty when no longer text can belong."""

    def accepts(self, states: States) -> bool:
        """Whether the text read so far belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One place of a pattern: ``char`` None is any; ``run`` is any number of them, also none."""

    char: str | None = None
    run: bool = False
    crosses_slash: bool = True

    def takes(self, char: str) -> bool:
        """Whether ``char`` may stand here."""
        if self.char is not None:
            return self.char == char
        return self.crosses_slash or char != "/"


@dataclass(frozen=True, slots=True)
class Patterns:
    """The texts that match at least one of some patterns."""

    patterns: tuple[tuple[Token, ...], ...]

    @property
    def characters(self) -> frozenset[str]:
        """Every character written in a pattern."""
        return frozenset(t.char for tokens in self.patterns for t in tokens if t.char is not None)

    def start(self) -> States:
        """The beginning of each pattern."""
        return self._closed((index, 0) for index in range(len(self.patterns)))

    def step(self, states: States, char: str) -> States:
        """Every place that one more character leads to."""
        return self._closed(
            (index, place if token.run else place + 1)
            for index, place in states
            if place < len(self.patterns[index])
            and (token := self.patterns[index][place]).takes(char)
        )

    def accepts(self, states: States) -> bool:
        """Whether a pattern is at its end."""
        return any(place == len(self.patterns[index]) for index, place in states)

    def _closed(self, states: Iterable[tuple[int, int]]) -> States:
        """With the places behind each run, which may be empty."""
        closed: set[tuple[int, int]] = set()
        for index, first in states:
            tokens, place = self.patterns[index], first
            closed.add((index, place))
            while place < len(tokens) and tokens[place].run:
                place += 1
                closed.add((index, place))
        return frozenset(closed)


class DnsLabels:
    """The names that a Namespace may have (RFC 1123): the one language that is no pattern."""

    characters = frozenset("a-")

    def start(self) -> States:
        """Nothing read."""
        return frozenset({(0, 0)})

    def step(self, states: States, char: str) -> States:
        """State (1, n): n characters, the last a letter or digit; (2, n): the last a dash."""
        ((last, length),) = states
        if length == 63 or (char == "-" and last == 0) or not (char == "-" or char.isalnum()):
            return frozenset()
        return frozenset({(2 if char == "-" else 1, length + 1)})

    def accepts(self, states: States) -> bool:
        """Whether the last character is a letter or digit."""
        return any(last == 1 for last, _ in states)


def globs(written: Iterable[str]) -> Patterns:
    """The texts that some glob of ``*`` and ``?`` names, as ``core.images.glob_matches`` has it."""
    return Patterns(tuple(tuple(_glob_tokens(glob, crosses_slash=True)) for glob in written))


def images(patterns: Iterable[ImagePattern]) -> Patterns:
    """The normalised references ``registry/path:tag`` that some pattern names."""
    return Patterns(tuple(tuple(_image_tokens(pattern)) for pattern in patterns))


def _image_tokens(pattern: ImagePattern) -> Iterable[Token]:
    for index, component in enumerate(pattern.components):
        if index:
            yield Token(char="/")
        if component == "*":  # one or more whole components
            yield Token(crosses_slash=False)
            yield Token(run=True)
        else:
            yield from _glob_tokens(component, crosses_slash=False)
    # "@" stands for the tag's colon, which a registry's port has too; no tag is any tag or none.
    if pattern.tag is None:
        yield Token(char="@")
        yield Token(run=True)
    else:
        yield Token(char="@")
        yield Token(char=":")
        yield from _glob_tokens(pattern.tag, crosses_slash=False)


def _glob_tokens(glob: str, *, crosses_slash: bool) -> Iterable[Token]:
    for char in glob:
        if char == "*":
            yield Token(run=True, crosses_slash=crosses_slash)
        elif char == "?":
            yield Token(crosses_slash=crosses_slash)
        else:
            yield Token(char=char)


def example(wanted: Sequence[Language], unwanted: Sequence[Language] = ()) -> str | None:
    """A shortest text that belongs to all of ``wanted`` and to none of ``unwanted``; None if none.

    Exact, but for patterns so many and so long that the walk is given up: then a text that may
    belong, so that None is always a proof.
    """
    every = (*wanted, *unwanted)
    alphabet = _alphabet(every)
    first = tuple(language.start() for language in every)
    seen = {first}
    queue = deque([("", first)])
    while queue:
        text, states = queue.popleft()
        if _belongs(every, states, len(wanted)) or len(seen) > _MOST_STATES:
            return text
        for char in alphabet:
            following = tuple(lang.step(s, char) for lang, s in zip(every, states, strict=True))
            if all(following[: len(wanted)]) and following not in seen:
                seen.add(following)
                queue.append((text + char, following))
    return None


def _belongs(every: Sequence[Language], states: Sequence[States], wanted: int) -> bool:
    answers = [language.accepts(s) for language, s in zip(every, states, strict=True)]
    return all(answers[:wanted]) and not any(answers[wanted:])


def _alphabet(languages: Sequence[Language]) -> list[str]:
    """Every character that some language tells from others, and one that none does."""
    told = frozenset[str]().union(*(language.characters for language in languages))
    other = next(c for c in "abcdefghijklmnopqrstuvwxyz0123456789" if c not in told or c == "9")
    return sorted(told | {other}, key=lambda c: (not c.isalpha(), c))
