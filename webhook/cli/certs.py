"""``runtimegate certs``: the commands of the program ``certs``, which stands alone."""

from certs.command import certs

__all__ = ["certs"]
