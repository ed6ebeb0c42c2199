"""``runtimegate policy compile``: the policies as native admission policies of the API server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from webhook.cli.options import day, output_option, policies_option, today_option
from webhook.core.names import Mode, counted
from webhook.documents.folder import load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped
from webhook.native.compile import Compiled, Settings, compile_policies
from webhook.native.objects import COMPILED_LABEL, MANAGED_BY, MANAGED_BY_LABEL, CompileError
from webhook.native.written import as_list, as_yaml, summary

_SOFTENED: dict[str, Mode | None] = {"policy": None, "warn": Mode.WARN, "audit": Mode.AUDIT}


@click.command(name="compile", short_help="Write the policies as native admission policies (CEL).")
@policies_option
@click.option(
    "--name-prefix",
    default="runtimegate-",
    show_default=True,
    metavar="PREFIX",
    help="What the name of every object begins with; the policy's name follows.",
)
@click.option(
    "--alone",
    is_flag=True,
    help="No webhook runs beside: a policy with a fallback assigns the first class that would do, "
    "as far as CEL can tell. Without it such pods are left to the webhook.",
)
@click.option(
    "--bindings",
    type=click.Choice([*_SOFTENED, "none"]),
    default="policy",
    show_default=True,
    help="policy: as the mode of each policy says. warn or audit: refuse and change nothing, only "
    "tell. none: leave the bindings out.",
)
@click.option(
    "--exclude-namespace",
    "excluded_namespaces",
    multiple=True,
    metavar="NAME",
    help="Leave this namespace alone, as kube-system always is: the webhook's own.",
)
@output_option(
    "yaml",
    "json",
    said="YAML documents with the list of what is left out as a comment, or one JSON List.",
)
@today_option("Judge as of this day (UTC): exemptions that have ended are left out.")
def compile_command(
    *,
    policies: Path,
    name_prefix: str,
    alone: bool,
    bindings: str,
    excluded_namespaces: tuple[str, ...],
    output: str,
    today: datetime | None,
) -> None:
    """Write what CEL can say of the policies as MutatingAdmissionPolicies and
    ValidatingAdmissionPolicies with their bindings, for `kubectl apply --server-side -f -`.

    They go on deciding when the webhook is away. What they cannot say exactly they let pass, and
    it is listed: in the comment at the head, or under `omitted` with -o json.
    """
    folder = load_folder(policies)
    loaded = load_policies(folder.named_files, shipped())
    settings = Settings(
        prefix=name_prefix,
        alone=alone,
        softened=_SOFTENED.get(bindings),
        bound=bindings != "none",
        excluded=excluded_namespaces,
    )
    try:
        compiled = compile_policies(
            policies=loaded.policies,
            inventory=loaded.inventory,
            compat=loaded.compat,
            today=day(today),
            revision=folder.revision.hash,
            settings=settings,
        )
    except CompileError as error:
        raise click.ClickException(str(error)) from error
    revision = str(folder.revision)
    if output == "json":
        click.echo(as_list(compiled, revision=revision))
    else:
        click.echo(as_yaml(compiled, head=_head(compiled, revision, settings)), nl=False)
    click.echo(summary(compiled), err=True)


def _head(compiled: Compiled, revision: str, settings: Settings) -> Iterator[str]:
    """What these objects are and how to keep them current, as lines of comment."""
    use = "in place of the webhook" if settings.alone else "beside the webhook"
    yield f"{counted(len(compiled.documents), 'object')} made by `runtimegate policy compile`"
    yield f"of policy revision {revision}, for use {use}."
    yield "Do not edit them: edit the policies and compile again."
    yield ""
    yield "Apply them, then remove what an earlier run has left:"
    yield "  kubectl apply --server-side --force-conflicts -f THIS_FILE"
    yield f"  kubectl delete {','.join(_KINDS)} \\"
    yield f"    -l {MANAGED_BY_LABEL}={MANAGED_BY},{COMPILED_LABEL}!={compiled.label}"
    yield ""


_KINDS = (
    "mutatingadmissionpolicybinding",
    "mutatingadmissionpolicy",
    "validatingadmissionpolicybinding",
    "validatingadmissionpolicy",
)
