"""Where audit, plan and policy diff find what they look at: the options, alike in each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.cli.options import files_option
from webhook.core.names import ALWAYS_EXCLUDED

CommandT = TypeVar("CommandT", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the options say: manifests, what kubectl printed of a cluster, or a cluster itself."""

    files: tuple[str, ...] = ()
    saved: Path | None = None
    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    excluded: frozenset[str] = ALWAYS_EXCLUDED

    @property
    def live(self) -> bool:
        """Whether an API server is asked."""
        return not self.files and self.saved is None

    @property
    def unnamed(self) -> str:
        """The namespace of manifests that name none, as kubectl has it: the one asked for."""
        return self.namespaces[0] if len(self.namespaces) == 1 else "default"

    def looked_into(self, namespace: str) -> bool:
        """Whether objects of a namespace are wanted."""
        return not self.namespaces or namespace in self.namespaces


_OPTIONS = (
    files_option,
    click.option(
        "--cluster",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A saved cluster: what `kubectl get ns,runtimeclass,node,deploy,…,pod -A -o json` "
        "printed (YAML will do). With -f only its facts count.",
    ),
    click.option(
        "--context",
        metavar="NAME",
        help="The kubeconfig's context, where neither -f nor --cluster is given.  "
        "[default: the current one; in a pod its service account]",
    ),
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The kubeconfig.  [default: as kubectl finds it]",
    ),
    click.option(
        "-n",
        "--namespace",
        "namespaces",
        metavar="NAME",
        multiple=True,
        help="Only this namespace, which is also that of manifests that name none; may be given "
        "several times.  [default: all]",
    ),
    click.option(
        "-A", "--all-namespaces", is_flag=True, help="All namespaces: the default, as kubectl says."
    ),
    click.option(
        "--exclude-namespace",
        "excluded",
        multiple=True,
        metavar="NAME",
        help="A namespace that the server leaves alone, as kube-system always is.",
    ),
)
_NAMES = (
    "files", "cluster", "context", "kubeconfig", "namespaces", "all_namespaces", "excluded",
)  # fmt: skip


def where_options(command: CommandT) -> CommandT:
    """The options; the command takes them as ``**given`` and reads them by ``take_where``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_where(given: dict[str, Any]) -> Where:
    """Take the options out of ``given``. Raises click.UsageError where two contradict."""
    values = {name: given.pop(name) for name in _NAMES}
    files: Sequence[str] = values["files"]
    for option in ("context", "kubeconfig"):
        if values[option] is not None and (files or values["cluster"] is not None):
            raise click.UsageError(f"--{option} asks a cluster, -f and --cluster read files")
    if values["namespaces"] and values["all_namespaces"]:
        raise click.UsageError("give -n or -A, not both")
    return Where(
        files=tuple(files),
        saved=values["cluster"],
        kubeconfig=values["kubeconfig"],
        context=values["context"],
        namespaces=tuple(dict.fromkeys(values["namespaces"])),
        excluded=ALWAYS_EXCLUDED | frozenset(values["excluded"]),
    )
