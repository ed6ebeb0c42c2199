"""Builds and fetches what is missing of a node's programs; `build` runs it.

Only the standard library: it runs before anything is installed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from tests.controlplane.builder import (
    BuildError,
    Project,
    build,
    check_go,
    go_environment,
    only_one_build,
    say,
)
from tests.node.programs import (
    BRINGS_IT,
    BUILD_DIR,
    DEBIAN_PACKAGES,
    HERE,
    SHIM_PATCHED,
    Patched,
    debian_program,
    programs,
)
from tests.runsc.debian import NoApt, apt, run

NODE = Project(what="the node", brings=BRINGS_IT, module=HERE / "containerd", folder=BUILD_DIR)
_PATCHED = Project(
    what="the patched shim", brings=BRINGS_IT, module=HERE / "shim", folder=SHIM_PATCHED.folder
)
SUITE = "bookworm"


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Bring what is missing; the exit code: 0 done, 1 failed, 2 usage.

    Where no Debian is to be had it is 0 too: the tests of the node are skipped then.
    """
    if arguments:
        say("usage: build")
        return 2
    try:
        build([p for p in programs() if not isinstance(p, Patched)], environ, NODE)
        if SHIM_PATCHED in programs():
            _build_patched(SHIM_PATCHED, environ)
    except BuildError as error:
        say(str(error))
        return 1
    try:
        _fetch()
    except NoApt as reason:
        say(f"{reason}; without Debian's runc and busybox the node's tests are left out")
    return 0


def _build_patched(shim: Patched, environ: Mapping[str, str]) -> None:
    if not shim.is_current():
        check_go(go_environment(environ), _PATCHED)
        with only_one_build(_PATCHED):
            _vendor(shim, go_environment(environ))
        build([shim], environ, _PATCHED)
    say(f"{shim.name}: root has no CAP_SYS_RESOURCE here, so in {shim.file}")
    say(f"  {shim.before}")
    say(f"  {shim.after}")


def _vendor(shim: Patched, environ: Mapping[str, str]) -> None:
    """Copy the module with all that it needs, and change the one line."""
    shutil.rmtree(shim.module, ignore_errors=True)
    shim.module.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(shim.source / name, shim.module)
    done = subprocess.run(
        ["go", "mod", "vendor"],
        cwd=shim.module,
        env=dict(environ) | {"GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"{shim.name}: go mod vendor failed: {done.stderr.strip()[-500:]}")
    file = shim.module / shim.file
    text = file.read_text()
    if text.count(shim.before) != 1:
        raise BuildError(f"{shim.name}: {shim.file} is not what the patch is for: look at it")
    file.write_text(text.replace(shim.before, shim.after))


def _fetch() -> None:
    """Unpack Debian's runc and static busybox; nothing is installed."""
    missing = [name for name in DEBIAN_PACKAGES if not debian_program(name).exists()]
    if not missing:
        return
    with apt(BUILD_DIR / "apt", [SUITE]) as options:
        for name in missing:
            folder = BUILD_DIR / "debian" / name
            folder.mkdir(parents=True, exist_ok=True)
            run(["apt-get", *options, "-qq", "download", name], folder)
            archive = next(folder.glob("*.deb"))
            run(["dpkg-deb", "-x", str(archive), "."], folder)
            say(f"{name}: unpacked from {archive.name}")
            archive.unlink()
    shutil.rmtree(BUILD_DIR / "apt")
