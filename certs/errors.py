"""The errors of this package."""


class CertificateError(ValueError):
    """A certificate, key or bundle cannot be used.

    The message is one line for the person who gave the file: where, what is wrong, what is
    expected. ``label`` names the input (a path, an option), ``problem`` is the rest.
    """

    def __init__(self, label: str, problem: str) -> None:
        super().__init__(f"{label}: {problem}")
        self.label = label
        self.problem = problem


class ApiError(CertificateError):
    """The API server cannot be reached, or refused; ``status`` is the HTTP one, if there is one."""

    def __init__(self, label: str, problem: str, *, status: int | None = None) -> None:
        super().__init__(label, problem)
        self.status = status


class ConflictError(ApiError):
    """The object is no longer the one that was read: read again."""
