"""``runtimegate certs``: what a person sees, what a script reads, and the exit codes."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from certs.bootstrap import Names, bootstrap
from certs.files import load_serving, write_files
from certs.inspect import show_time
from webhook.cli import run
from webhook.cli.certs import certs

# The commands read the real clock, so certificates of the past are made from here.
NOW = datetime.now(UTC)  # noqa: TID251 - a real program reads its own clock
DAY = timedelta(days=1)
SERVICE = "DNS gate.ns.svc, DNS gate.ns.svc.cluster.local, DNS gate.ns"


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["certs", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def read_json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def made(directory: Path, *, age: timedelta = timedelta(0)) -> Path:
    bootstrap(directory, Names(dns_names=("gate.ns.svc",)), now=NOW - age)
    return directory


def test_bootstrap_tells_what_it_wrote_until_when_and_for_whom(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = tmp_path / "tls"
    code, out, err = ran(
        capsys, "bootstrap", "--dir", str(tls), "--service", "gate", "--namespace", "ns"
    )
    pair = load_serving(tls)
    assert pair.ca is not None
    assert (code, err) == (0, "")
    serving_until = (
        f"{show_time(pair.cert.not_after)}, renewal from {show_time(pair.cert.renew_at)}"
    )
    ca_until = f"{show_time(pair.ca.not_after)}, renewal from {show_time(pair.ca.renew_at)}"
    assert out.splitlines() == [
        f"made a new CA: there is no {tls}/ca.crt yet",
        f"issued a new certificate: there is no {tls}/tls.crt yet",
        f"wrote {tls}/ca.key, {tls}/ca.crt, {tls}/tls.key, {tls}/tls.crt",
        f"{tls}/tls.crt  until {serving_until}",
        f"  {SERVICE}",
        f"  SHA-256 {pair.cert.fingerprint}",
        f"{tls}/ca.crt  until {ca_until}, {pair.ca.subject}",
        f"  SHA-256 {pair.ca.fingerprint}",
        f"put it into every caBundle: base64 -w0 {tls}/ca.crt",
        f"nothing is due before {show_time(pair.cert.renew_at)}",
    ]


def test_a_second_bootstrap_keeps_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path)
    before = load_serving(tmp_path)
    code, out, _ = ran(capsys, "bootstrap", "--dir", str(tmp_path), "--dns-name", "gate.ns.svc")
    assert code == 0
    assert out.startswith(f"kept everything in {tmp_path}\n{tmp_path}/tls.crt  until ")
    assert load_serving(tmp_path) == before


def test_bootstrap_with_force_replaces_the_ca(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_serving(made(tmp_path)).ca
    assert ran(capsys, "bootstrap", "--dir", str(tmp_path), "--force")[0] == 0
    assert load_serving(tmp_path).ca != before


def names_of(directory: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    cert = load_serving(directory).cert
    return cert.dns_names, cert.ip_addresses


NAME_OPTIONS = [
    (
        [],
        ("runtimegate.runtimegate-system.svc",
         "runtimegate.runtimegate-system.svc.cluster.local", "runtimegate.runtimegate-system"),
        (),
    ),
    (
        ["--namespace", "x"],
        ("runtimegate.x.svc", "runtimegate.x.svc.cluster.local", "runtimegate.x"),
        (),
    ),
    (["--dns-name", "a", "--dns-name", "b.c"], ("a", "b.c"), ()),
    (["--ip", "10.0.0.1", "--ip", "fd00::1"], (), ("10.0.0.1", "fd00::1")),
    (["--localhost"], ("localhost",), ("127.0.0.1", "::1")),
    (
        ["--service", "a", "--namespace", "b", "--dns-name", "c", "--localhost"],
        ("a.b.svc", "a.b.svc.cluster.local", "a.b", "c", "localhost"),
        ("127.0.0.1", "::1"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("options", "dns_names", "ip_addresses"), NAME_OPTIONS)
def test_the_certificate_is_for_the_names_that_are_asked_for(
    tmp_path: Path,
    options: list[str],
    dns_names: tuple[str, ...],
    ip_addresses: tuple[str, ...],
) -> None:
    assert run(["certs", "bootstrap", "--dir", str(tmp_path), *options]) == 0
    assert names_of(tmp_path) == (dns_names, ip_addresses)


def test_a_bad_name_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tls = tmp_path / "tls"
    code, out, err = ran(capsys, "bootstrap", "--dir", str(tls), "--dns-name", "No_Name")
    assert (code, out, tls.exists()) == (2, "", False)
    assert err == (
        "'No_Name': is no DNS name; expected lower-case labels of a-z, 0-9 and -, such as a.b.svc\n"
    )


def test_a_directory_of_others_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, age=300 * DAY)
    (tmp_path / "ca.key").unlink()
    code, out, err = ran(capsys, "bootstrap", "--dir", str(tmp_path), "--dns-name", "gate.ns.svc")
    assert (code, out) == (2, "")
    assert err.startswith(f"{tmp_path}: has no ca.key, so it was made elsewhere (tls.crt is past")


def test_status_of_what_holds_is_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path)
    code, out, _ = ran(capsys, "status", "--dir", str(tmp_path))
    assert code == 0
    assert out.startswith(f"{tmp_path}/tls.crt  until ")
    assert re.search(r"\nnothing is due before \S+ \S+ UTC\n$", out)


def test_status_of_an_overdue_renewal_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, age=300 * DAY)
    code, out, _ = ran(capsys, "status", "--dir", str(tmp_path))
    ends = show_time(load_serving(tmp_path).cert.not_after)
    assert code == 1
    assert out.splitlines()[-2:] == [
        f"renewal is due: tls.crt is past two thirds of its life, which ends at {ends}",
        f"run: runtimegate certs renew --dir {tmp_path}",
    ]


def test_status_of_an_expired_certificate_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, age=400 * DAY)
    code, out, _ = ran(capsys, "status", "--dir", str(tmp_path), "-o", "json")
    ended = show_time(load_serving(tmp_path).cert.not_after)
    assert code == 1
    assert read_json(out)["due"] == {
        "step": "RenewServing",
        "reason": f"tls.crt expired at {ended}",
    }


def test_status_of_a_missing_name_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path)
    code, out, _ = ran(capsys, "status", "--dir", str(tmp_path), "--dns-name", "other")
    assert code == 1
    assert out.splitlines()[-2:] == [
        "renewal is due: tls.crt: is for DNS gate.ns.svc; expected also DNS other",
        f"run: runtimegate certs bootstrap, with the same names, --dir {tmp_path}",
    ]


def test_status_of_a_lost_bundle_names_what_can_bring_one_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path)
    (tmp_path / "ca.crt").write_bytes(b"")
    code, out, _ = ran(capsys, "status", "--dir", str(tmp_path))
    assert code == 1
    assert out.splitlines()[-2:] == [
        f"renewal is due: there is no {tmp_path}/ca.crt yet",
        f"run: runtimegate certs bootstrap, with the same names, --dir {tmp_path}",
    ]


def test_the_json_of_status_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path)
    _, out, _ = ran(capsys, "status", "--dir", str(tmp_path), "-o", "json")
    pair = load_serving(tmp_path)
    assert pair.ca is not None
    assert read_json(out) == {
        "directory": str(tmp_path),
        "serving": {
            "subject": "CN=runtimegate",
            "notBefore": f"{pair.cert.not_before:%Y-%m-%dT%H:%M:%SZ}",
            "notAfter": f"{pair.cert.not_after:%Y-%m-%dT%H:%M:%SZ}",
            "renewAt": f"{pair.cert.renew_at:%Y-%m-%dT%H:%M:%SZ}",
            "sha256": pair.cert.fingerprint,
            "dnsNames": ["gate.ns.svc"],
            "ipAddresses": [],
            "issuerKeyId": pair.ca.key_id,
        },
        "cas": [
            {
                "subject": pair.ca.subject,
                "notBefore": f"{pair.ca.not_before:%Y-%m-%dT%H:%M:%SZ}",
                "notAfter": f"{pair.ca.not_after:%Y-%m-%dT%H:%M:%SZ}",
                "renewAt": f"{pair.ca.renew_at:%Y-%m-%dT%H:%M:%SZ}",
                "sha256": pair.ca.fingerprint,
                "keyId": pair.ca.key_id,
            }
        ],
        "due": None,
        "nextDue": f"{pair.cert.renew_at:%Y-%m-%dT%H:%M:%SZ}",
    }


UNREADABLE = {
    "missing": ({}, "tls.crt: does not exist; expected a PEM file"),
    "garbage": (
        {"tls.crt": b"x"},
        "tls.crt: is not PEM; expected a PEM certificate (-----BEGIN CERTIFICATE-----)",
    ),
}


@pytest.mark.parametrize("command", ["status", "renew"])
@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_said_and_no_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, case: str
) -> None:
    files, message = UNREADABLE[case]
    if files:
        write_files(made(tmp_path), files)
    code, out, err = ran(capsys, command, "--dir", str(tmp_path))
    assert (code, out, err) == (2, "", f"{tmp_path}/{message}\n")


def test_renew_renews_what_is_due_and_then_all_is_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_serving(made(tmp_path, age=300 * DAY))
    code, out, _ = ran(capsys, "renew", "--dir", str(tmp_path), "-o", "json")
    found = read_json(out)
    assert code == 0
    assert [step["step"] for step in found["done"]] == ["RenewServing"]
    assert found["written"] == [f"{tmp_path}/tls.key", f"{tmp_path}/tls.crt"]
    assert found["due"] is None
    assert load_serving(tmp_path).ca == before.ca
    assert ran(capsys, "status", "--dir", str(tmp_path))[0] == 0


def test_renew_with_force_renews_what_still_holds(tmp_path: Path) -> None:
    before = load_serving(made(tmp_path)).cert
    assert run(["certs", "renew", "--dir", str(tmp_path)]) == 0
    assert load_serving(tmp_path).cert == before
    assert run(["certs", "renew", "--dir", str(tmp_path), "--force"]) == 0
    assert load_serving(tmp_path).cert != before


def test_renew_with_names_issues_for_them(tmp_path: Path) -> None:
    made(tmp_path)
    assert run(["certs", "renew", "--dir", str(tmp_path), "--dns-name", "other"]) == 0
    assert names_of(tmp_path) == (("other",), ())


def test_no_output_ever_holds_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""
    for command in ("bootstrap", "renew", "status"):
        for form in ("text", "json"):
            _, out, err = ran(capsys, command, "--dir", str(tmp_path), "-o", form)
            shown += out + err
    for name in ("tls.key", "ca.key"):
        secret = (tmp_path / name).read_text().splitlines()[1]
        assert secret not in shown


def test_every_option_has_an_environment_variable_that_its_help_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, command in certs.commands.items():
        _, out, _ = ran(capsys, name, "--help")
        for parameter in command.params:
            assert isinstance(parameter, click.Option)
            if "--help" not in parameter.opts:
                flag = next(each for each in parameter.opts if each.startswith("--"))
                variable = "RUNTIMEGATE_CERTS_" + flag[2:].upper().replace("-", "_")
                assert variable in out.replace("\n", "")


def test_options_can_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIMEGATE_CERTS_DIR", str(tmp_path))
    monkeypatch.setenv("RUNTIMEGATE_CERTS_DNS_NAME", "a b")
    assert run(["certs", "bootstrap"]) == 0
    assert names_of(tmp_path) == (("a", "b"), ())
