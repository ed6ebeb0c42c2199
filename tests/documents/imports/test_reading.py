"""Any input: its kind by what it holds, and one clear error for what is none."""

import json
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from tests.documents.imports.build import (
    EVERYTHING,
    SAMPLES,
    given,
    messages,
    overlaid,
    sample,
)
from webhook.core.versions import parse_version
from webhook.documents.imports.gvisor_applications import import_applications
from webhook.documents.imports.oci_facts import import_features
from webhook.documents.imports.oci_features import printed_by
from webhook.documents.imports.reading import format_of, read_input
from webhook.documents.imports.result import Imported
from webhook.documents.source import DocumentErrors, SourceDocument
from webhook.live.shipped import shipped


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.[jy]*")), ids=lambda path: path.name)
def test_real_input_is_recognised_by_what_it_holds(path: object) -> None:
    name = str(path).rpartition("/")[2]
    formats = {
        "syscalls": "gvisor-syscalls",
        "features": "oci-features",
        "application": "gvisor-applications",
    }
    [expected] = [form for part, form in formats.items() if part in name]
    assert format_of(sample(name)) == expected


ANY = (
    "what runsc help syscalls -format json prints; or gVisor's "
    "website/_data/application-compatibility.yml; or what runc, crun, youki or runsc prints for "
    "features"
)
NOT_CLOSED = "expected ',' or '}' in the mapping that opens in line 1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", f"x: is empty; must be {ANY}"),
        (b"[]", f"x:1: must be {ANY}, not a list"),
        (b"{}", f"x:1: must be {ANY}"),
        (b'{"linux": {"namespaces": []}}', f"x:1: must be {ANY}"),
        (b'{"apps": []', f"x:1: is not JSON: {NOT_CLOSED}"),
        (b'{"a": 1,\n "a": 2}', "x:2: duplicate key 'a', first given in line 1"),
        (b"a: 1\n---\nb: 2\n", "x:3: is a second document; give one"),
        (b"\xff{}", "x:1: is not UTF-8: byte 0xff at offset 0"),
        (b"[" * 100, "x:1: is nested more than 64 deep"),
    ],
)  # fmt: skip
def test_what_is_no_input_is_said_in_one_line(content: bytes, said: str) -> None:
    with pytest.raises(DocumentErrors) as raised:
        format_of(read_input(content, "x"))
    [message] = messages(raised.value)
    assert message == said


def test_json_says_what_lies_beyond_65535_by_two_escapes() -> None:
    value = {"apps": ["\U0001f600", "\\ud83d\\ude00", "\\\U0001f600", "a/b"]}
    assert given(value).data == value
    escaped = json.dumps(value).replace("/", "\\/").encode()
    assert read_input(escaped, "x").data == value


WORDS = (
    "ociVersionMin", "ociVersionMax", "linux", "seccomp", "enabled", "namespaces", "annotations",
    "org.opencontainers.runc.version", "mountOptions", "apps", "name", "verdict", "version",
    "notes", "test_source",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**9) | st.text(max_size=12) | st.just("yes"),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=8), below, max_size=4)
    ),
    max_leaves=12,
)
MARKS: dict[str, dict[str, Any]] = {
    "oci-features": {"ociVersionMin": "1", "ociVersionMax": "1"},
    "gvisor-applications": {"apps": [{"name": "redis", "verdict": "no"}]},
}


@given_any(
    st.sampled_from(sorted(MARKS)), st.dictionaries(st.sampled_from(WORDS), JSON, max_size=4)
)
def test_whatever_an_input_holds_is_imported_and_loads_or_is_named(
    form: str, data: dict[str, Any]
) -> None:
    source = given({**MARKS[form], **data})
    try:
        result = imported(source, form)
    except DocumentErrors as raised:
        said = messages(raised)
    else:
        overlaid(result)
        said = []
    assert all(line.isprintable() for line in said)


def imported(source: SourceDocument, form: str) -> Imported:
    """What the command does with a format."""
    table = shipped().compat
    if form == "oci-features":
        printed_by(source)
        return import_features(source, "runc", parse_version("1.5.1"), table, EVERYTHING)
    return import_applications(source, parse_version("20261101.0"), table, EVERYTHING)
