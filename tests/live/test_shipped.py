"""The tables that come with the program, from their YAML and from their compiled form."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import webhook
from tests.documents.build import whole
from webhook.core.compat import CompatTable
from webhook.core.names import Support
from webhook.documents.compiled import compile_tables
from webhook.documents.tables import Tables
from webhook.live.compile import write_compiled
from webhook.live.shipped import (
    COMPILED,
    BrokenTablesError,
    compiled_key,
    load_tables,
    rows_of,
    shipped,
    shipped_files,
)

PACKAGE = Path(webhook.__file__).parent
IN_FORCE = """
import sys
from webhook.live.shipped import shipped
print(shipped().compat.version, 'pydantic' in sys.modules, 'yaml' in sys.modules)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, without a compiled form."""
    leave = shutil.ignore_patterns(COMPILED, "__pycache__")
    return shutil.copytree(PACKAGE, tmp_path / "webhook", ignore=leave)


def runs(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python, with this package before the installed one."""
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def compile_as(package: Path, tables: Tables) -> None:
    """Put ``tables`` in the place of those that the rows say, as made for these rows."""
    content = compile_tables(tables, compiled_key(package, rows_of(package)))
    (package / "data" / COMPILED).write_bytes(content)


def told(table: CompatTable) -> object:
    """Everything that a table says."""
    return whole((table.version, table.facts, table.catalogue.applications, table.releases))


def test_the_shipped_tables_are_read_once() -> None:
    assert shipped() is shipped()


def test_files_are_named_below_the_tables_folder() -> None:
    names = [name for name, _ in shipped_files()]
    assert "applications/postgresql.yaml" in names
    assert names == sorted(names)
    assert all(re.fullmatch(r"[a-z0-9/-]+\.yaml", name) for name in names)


def test_every_shipped_document_loads() -> None:
    compat = shipped().compat
    assert {fact.runtime for fact in compat.facts} >= {"gvisor", "kata", "runc"}
    assert {"postgresql", "nginx"} <= {a.name for a in compat.catalogue.applications}
    assert all(fact.evidence for fact in compat.facts)
    assert not any(fact.overlay for fact in compat.facts)


def test_the_calls_that_started_this_project_are_known() -> None:
    rows = [f for f in shipped().compat.facts if f.feature == "syscall:sync_file_range"]
    missing = [f for f in rows if f.support is Support.ABSENT and f.runtime == "gvisor"]
    assert [str(f.versions) for f in missing] == ["<20181108"]


def test_the_compiled_tables_are_those_of_the_yaml_whole(package: Path) -> None:
    read = load_tables(package)
    write_compiled(package)
    compiled = load_tables(package)
    assert whole(compiled.tables) == whole(read.tables)
    assert told(compiled.compat) == told(read.compat)


def test_the_compiled_form_is_read_in_place_of_the_yaml(package: Path) -> None:
    compile_as(package, Tables())
    assert load_tables(package).compat.facts == ()


def test_an_edited_row_is_seen_at_once(package: Path) -> None:
    compile_as(package, Tables())
    row = package / "data" / "compat" / "applications" / "nginx.yaml"
    row.write_text(row.read_text().replace("title: nginx", "title: engine x"))
    titles = [a.title for a in load_tables(package).compat.catalogue.applications]
    assert "engine x" in titles


@pytest.mark.parametrize("part", ["core", "documents"])
def test_tables_made_by_other_code_are_not_read(package: Path, part: str) -> None:
    compile_as(package, Tables())
    code = package / part / "compat.py"
    code.write_text(code.read_text() + "# edited\n")
    assert load_tables(package).compat.facts != ()


def test_what_the_build_runs_compiles_the_package_where_it_is_run(package: Path) -> None:
    before = set((package / "data").iterdir())
    done = runs(package, "-m", "webhook.live.compile")
    assert done.stdout == f"{package / 'data' / COMPILED}\n"
    assert set((package / "data").iterdir()) - before == {package / "data" / COMPILED}


def test_with_the_compiled_form_neither_yaml_nor_models_are_imported(package: Path) -> None:
    write_compiled(package)
    version = load_tables(package).compat.version
    assert runs(package, "-c", IN_FORCE).stdout == f"{version} False False\n"


def test_a_fault_in_the_shipped_tables_says_where_it_is(package: Path) -> None:
    (package / "data" / "compat" / "runc.yaml").write_text("kind: Nonsense\n")
    with pytest.raises(BrokenTablesError, match=r"^in webhook/data/compat: runc\.yaml:1: kind: "):
        load_tables(package)


def test_a_fault_in_the_shipped_tables_is_a_bug_of_ours(package: Path) -> None:
    (package / "data" / "compat" / "runc.yaml").write_text("kind: Nonsense\n")
    done = runs(package, "-m", "webhook.cli", "compat", "table")
    assert done.returncode == 3
    assert done.stderr.startswith(
        "runtimegate: this is a bug (BrokenTablesError: in webhook/data/compat: runc.yaml:1: kind: "
    )


@pytest.mark.skipif("CI" not in os.environ, reason="an edit makes it stale, and is free to")
def test_the_compiled_form_that_make_left_is_in_force() -> None:
    assert runs(PACKAGE, "-c", IN_FORCE).stdout.endswith(" False False\n")
