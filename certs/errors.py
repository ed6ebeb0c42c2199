"""The one error of this package."""


class CertificateError(ValueError):
    """A certificate, key or bundle cannot be used.

    The message is one line for the person who gave the file: where, what is wrong, what is
    expected. ``label`` names the input (a path, an option), ``problem`` is the rest.
    """

    def __init__(self, label: str, problem: str) -> None:
        super().__init__(f"{label}: {problem}")
        self.label = label
        self.problem = problem
