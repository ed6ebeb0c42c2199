"""How values are declared that every review makes anew: a dozen of them, a hundred fields.

``@per_review(frozen=True, slots=True, kw_only=True)`` is ``@dataclass(...)`` to the type checker,
which reads all of this program and its tests and refuses to assign to a field. At run time the lock
is left off: it costs 0.12 µs a field, a tenth of a decision. What outlives a review, and so could
be spoilt for another (policies, tables, snapshots), keeps the lock of ``dataclass``.
"""

import dataclasses
from typing import TYPE_CHECKING

__all__ = ["per_review"]

if TYPE_CHECKING:
    from dataclasses import dataclass as per_review
else:

    def per_review(**options):
        """A dataclass with a hash, as a frozen one has, but without its lock."""
        return dataclasses.dataclass(**{**options, "frozen": False, "unsafe_hash": True})
