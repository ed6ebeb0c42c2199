"""What pyproject.toml cannot say: the compatibility tables are compiled where the package is built.

The compiled form goes into the package that is built, or into the checkout where it is installed
editable; never into git or a source distribution. `pip install .` and `pip install -e .` do it.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

COMPILED = Path("webhook", "data", "compat.compiled")


class BuildWithTables(build_py):
    """Copies the package as ever, then lets it compile its own tables."""

    def run(self) -> None:
        super().run()
        folder = Path(__file__).parent if self.editable_mode else Path(self.build_lib)
        # -B: the bytecode of this one run is no part of the package.
        command = [sys.executable, "-B", "-m", "webhook.live.compile"]
        subprocess.run(command, cwd=folder, check=True)  # noqa: S603 - this package itself

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        outputs: list[str] = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else [*outputs, str(Path(self.build_lib, COMPILED))]


setup(cmdclass={"build_py": BuildWithTables})
