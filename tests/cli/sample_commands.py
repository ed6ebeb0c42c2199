"""Commands that end in every way a command can; imported only when one of them is named."""

import click

from certs.errors import CertificateError


@click.command()
def returns_one() -> int:
    """End with findings."""
    return 1


@click.command()
def returns_nothing() -> None:
    """End well."""


@click.command()
@click.pass_context
def exits(ctx: click.Context) -> None:
    """End by click's own means."""
    ctx.exit(1)


@click.command()
def missing_file() -> None:
    """Read a file that is not there."""
    with open("/nonexistent/policies.yaml"):
        pass


@click.command()
def bad_certificate() -> None:
    """Meet an input that its giver can mend."""
    raise CertificateError("tls.crt", "not PEM")


@click.command()
def bug() -> None:
    """Fail as no command should."""
    raise KeyError("a\x1b[2J\nb")


@click.command()
def interrupted() -> None:
    """Be stopped by Ctrl-C."""
    raise KeyboardInterrupt


@click.command()
@click.option("--depth", type=int, help="A number.")
def says(*, depth: int | None) -> None:
    """Print more than a pipe holds."""
    click.echo(str(depth))
    for _ in range(100_000):
        click.echo("a line of output")
