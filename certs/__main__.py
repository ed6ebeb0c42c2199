"""The program ``runtimegate-certs`` (``python -m certs``): ``runtimegate certs`` without the rest.

Exit codes as everywhere: 0 clean, 1 findings, 2 usage or input, 3 a bug of ours.
"""

import sys
import traceback
from collections.abc import Sequence

import click

from certs.command import certs
from certs.errors import CertificateError
from certs.inspect import printable

CLEAN, UNREADABLE, BUG, INTERRUPTED = 0, 2, 3, 130


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        returned = certs.main(list(arguments), prog_name="runtimegate-certs", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return UNREADABLE
    except CertificateError as error:
        click.echo(str(error), err=True)
        return UNREADABLE
    except Exception as error:  # noqa: BLE001 - the rim: said to the person, never lost
        traceback.print_exception(error)
        click.echo(f"this is a bug; please report it: {printable(str(error))}", err=True)
        return BUG
    return returned if isinstance(returned, int) else CLEAN


if __name__ == "__main__":
    main()
