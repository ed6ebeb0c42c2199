"""Any input: its kind by what it holds, and one clear error for what is none."""

import json

import pytest

from tests.documents.imports.build import SAMPLES, given, messages, sample
from webhook.documents.imports.reading import format_of, read_input
from webhook.documents.source import DocumentErrors


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
        (b'{"apps": []', f"x:1: is not YAML: {NOT_CLOSED}"),
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
