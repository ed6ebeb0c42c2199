"""Lists that count what is read of them: what a review costs, without a clock."""

from collections.abc import Iterator
from typing import Any


class Counted(list[Any]):
    """A list; ``read`` is how many of its members were handed out, over all passes."""

    read = 0

    def __iter__(self) -> Iterator[Any]:
        for member in super().__iter__():
            self.read += 1
            yield member
