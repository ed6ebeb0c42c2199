"""What the compat commands share: the table to ask, and the runtime that an option describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from webhook.cli.options import today_option
from webhook.core.compat import CompatTable
from webhook.core.explain import newest_release
from webhook.core.names import RUNTIME_TITLES, shown
from webhook.core.runtimes import CRIS, DEFAULT_ARCH, HYPERVISORS, RuntimeProfile
from webhook.core.syscalls import ARCHITECTURES
from webhook.documents.folder import load_policies
from webhook.documents.inventory import Installed
from webhook.documents.sentences import problems
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped

CommandT = TypeVar("CommandT", bound=Callable[..., object])

UNKNOWN = "unknown"
"""As a release: nobody knows which."""

policies_option = click.option(
    "-p",
    "--policies",
    type=click.Path(path_type=Path),
    envvar="RUNTIMEGATE_POLICIES",
    help="A policy folder whose own facts and requirements go over the shipped ones.",
)
of_day_option = today_option(
    "Judge as of this day (UTC): an unknown release is one of the last 24 months."
)


def profile_options(command: CommandT) -> CommandT:
    """The options that describe a runtime as it is installed."""
    options = (
        click.option("--hypervisor", metavar="NAME", help=f"Of kata: {', '.join(HYPERVISORS)}."),
        click.option(
            "--vendor", metavar="NAME", help="Who builds it: gke, eks, alibaba, openshift, …"
        ),
        click.option(
            "--arch",
            type=click.Choice(ARCHITECTURES),
            help="Of the nodes; a pod's nodeSelector goes before it.  [default: amd64]",
        ),
        click.option(
            "--flag",
            "flags",
            metavar="NAME=VALUE",
            multiple=True,
            help="A flag that it is started with; may be given several times.",
        ),
        click.option("--cri", metavar="NAME[=VERSION]", help=f"One of {', '.join(CRIS)}."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def load_table(policies: Path | None) -> CompatTable:
    """The shipped table, with what a policy folder lays over it."""
    if policies is None:
        return shipped().compat
    folder = load_folder(policies)
    return load_policies(folder.named_files, shipped()).compat


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A runtime as the options describe it; ``version`` None asks for the newest release known."""

    runtime: str
    version: str | None = None
    hypervisor: str | None = None
    vendor: str | None = None
    arch: str | None = None
    flags: Sequence[str] = ()
    cri: str | None = None
    hints: Mapping[str, str] = field(default_factory=dict)
    """The option, or argument, that each part was given by, where it is not named after it."""

    def profile(self, table: CompatTable) -> RuntimeProfile:
        """The profile; raises click.BadParameter that says what is allowed."""
        profile = self._installed().profile()
        vendors = _vendors_of(table, profile.runtime)
        self._known("flag", profile.flags, table.flags_of(profile.runtime))
        self._known("vendor", [profile.vendor] if profile.vendor else [], vendors)
        newest = newest_release(table, profile.runtime)
        if self.version is None and newest is not None:
            profile = replace(profile, versions=(newest,))
        return profile

    def _installed(self) -> Installed:
        name, _, version = (self.cri or "").partition("=")
        given: dict[str, Any] = {
            "runtime": self.runtime,
            "versions": [self.version] if self.version not in {None, UNKNOWN} else None,
            "hypervisor": self.hypervisor,
            "vendor": self.vendor,
            "arch": self.arch,
            "flags": pairs(self.flags, "--flag", leading="-"),
            "cri": {"name": name, **({"version": version} if version else {})} if name else None,
        }
        try:
            return Installed.model_validate({k: v for k, v in given.items() if v})
        except ValidationError as error:
            path, message = next(problems(error, Installed))
            raise self._bad(str(path[0]).removesuffix("s"), message) from None

    def _known(self, part: str, given: Iterable[str], known: frozenset[str]) -> None:
        for name in given:
            if name not in known:
                allowed = ", ".join(sorted(known)) or "none"
                spoken = f"must be one that the rows of {self.runtime} speak of ({allowed})"
                raise self._bad(part, f"{spoken}, not {shown(name, 60)!r}")

    def _bad(self, part: str, message: str) -> click.BadParameter:
        return click.BadParameter(message, param_hint=self.hints.get(part, f"--{part}"))


def _vendors_of(table: CompatTable, runtime: str) -> frozenset[str]:
    """The vendors that rows of a runtime ask for."""
    rows = (fact for fact in table.facts if fact.runtime == runtime)
    return frozenset(fact.when.vendor for fact in rows if fact.when.vendor)


def pairs(written: Iterable[str], option: str, *, leading: str = "") -> dict[str, str]:
    """``K=V`` entries; ``leading`` is stripped off the keys."""
    found: dict[str, str] = {}
    for entry in written:
        name, equals, value = entry.lstrip(leading).partition("=")
        if not equals or not name:
            message = f"must be NAME=VALUE, not {shown(entry, 80)!r}"
            raise click.BadParameter(message, param_hint=option)
        found[name] = value
    return found


def known_runtime(name: str) -> str:
    """``name``, where an inventory may name it; raises click.BadParameter with what is allowed."""
    return Asked(runtime=name)._installed().runtime


def titled(profile: RuntimeProfile) -> str:
    """``gVisor 20260817.0``: a profile for people."""
    release = f" {profile.versions[0]}" if profile.versions else ""
    cri = profile.cri
    flags = (f"--{name}={shown(value, 40)}" for name, value in profile.flags.items())
    parts = [
        f"with {profile.hypervisor}" if profile.hypervisor else "",
        f"of {profile.vendor}" if profile.vendor else "",
        " ".join(flags),
        f"under {cri.name} {cri.version or ''}".rstrip() if cri else "",
        f"on {profile.arch}" if profile.arch != DEFAULT_ARCH else "",
    ]
    return " ".join([RUNTIME_TITLES[profile.runtime] + release, *filter(None, parts)])
