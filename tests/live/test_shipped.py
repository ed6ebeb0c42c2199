import re

from webhook.core.names import Support
from webhook.live.shipped import shipped, shipped_files


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
