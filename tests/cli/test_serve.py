"""What is wrong is said before anything is served: one clear line, exit code 2."""

import socket
from pathlib import Path

import pytest

from certs.bootstrap import self_signed_pair
from tests.server.doors import present
from webhook.cli import run

POLICY = """\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: tenants}
spec:
  priority: 100
  namespaces: {names: ["tenant-*"]}
  runtimeClasses: {default: gvisor}
"""


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "tenants.yaml").write_text(POLICY)
    return folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run serve, which must end with exit code 2; what it says."""
    assert run(["serve", *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_a_policy_folder_with_errors_is_refused_with_all_of_them(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    (policies / "tenants.yaml").write_text(POLICY + "  mode: strict\n  colour: red\n")
    said = refused(capsys, "-p", policies, "--no-cluster", "--self-signed", "--tls-dir", tmp_path)
    assert [line.partition(": ")[0] for line in said.splitlines()] == [
        f"{policies}/tenants.yaml:8",
        f"{policies}/tenants.yaml:9",
    ]


def test_a_policy_folder_that_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = tmp_path / "nowhere"
    assert refused(capsys, "-p", missing, "--no-cluster") == f"{missing}: does not exist\n"


def test_without_a_certificate_it_says_how_to_make_one(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    tls = tmp_path / "tls"
    assert refused(capsys, "-p", policies, "--no-cluster", "--tls-dir", tls) == (
        f"Error: {tls}/tls.crt: does not exist; expected a PEM file; make one with: "
        f"runtimegate certs bootstrap --dir {tls}, or let serve make one: --self-signed\n"
    )


def test_a_damaged_certificate_is_named_and_not_replaced(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    self_signed_pair(tmp_path / "tls", now=present(), hostname="localhost")
    (tmp_path / "tls" / "tls.crt").write_text("no PEM")
    said = refused(capsys, "-p", policies, "--no-cluster", "--tls-dir", tmp_path / "tls")
    assert said.startswith(f"{tmp_path}/tls/tls.crt: ")
    assert said.count("\n") == 1


def test_a_tls_folder_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    tls = tmp_path / "file" / "tls"
    said = refused(capsys, "-p", policies, "--no-cluster", "--self-signed", "--tls-dir", tls)
    assert said == f"{tls}: cannot be written: not a directory\n"


def test_a_port_in_use_is_one_line(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused(
            capsys,
            *("-p", policies, "--no-cluster", "--self-signed"),
            *("--tls-dir", tmp_path / "tls", "--bind", address),
        )
    assert said == f"Error: cannot listen on {address}: address already in use\n"


@pytest.mark.parametrize("bind", ["8443", "localhost", "1.2.3.4:99999", "[::1]", "a:b", ""])
def test_an_address_that_is_none_is_told_what_one_is(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path, bind: str
) -> None:
    said = refused(
        capsys,
        *("-p", policies, "--no-cluster", "--self-signed"),
        *("--tls-dir", tmp_path / "tls", "--bind", bind),
    )
    assert f"must be ADDRESS:PORT, such as 0.0.0.0:8443 or [::]:8443, not {bind!r}" in said


@pytest.mark.parametrize(
    "options",
    [
        ("--tls-cert", "a"),
        ("--tls-key", "a"),
        ("--tls-cert", "a", "--tls-key", "b", "--tls-dir", "c"),
        ("--tls-cert", "a", "--tls-key", "b", "--self-signed"),
    ],
)
def test_certificate_options_that_contradict_each_other_are_refused(
    capsys: pytest.CaptureFixture[str], policies: Path, options: tuple[str, ...]
) -> None:
    assert "--tls-key" in refused(capsys, "-p", policies, "--no-cluster", *options)


def test_a_kubeconfig_that_is_missing_is_told_with_the_way_without(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    said = refused(
        capsys,
        *("-p", policies, "--self-signed", "--tls-dir", tmp_path / "tls"),
        *("--kubeconfig", config),
    )
    assert said.startswith(f"Error: {config}: ")
    assert said.endswith("; to run without an API server: --no-cluster\n")
    assert said.count("\n") == 1


def test_a_client_ca_that_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], policies: Path, tmp_path: Path
) -> None:
    said = refused(
        capsys,
        *("-p", policies, "--no-cluster", "--self-signed", "--tls-dir", tmp_path / "tls"),
        *("--client-ca", tmp_path / "clients.crt"),
    )
    assert said == f"{tmp_path}/clients.crt: does not exist; expected a PEM file\n"


def test_options_come_from_the_environment_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIMEGATE_POLICIES", str(tmp_path / "from-environment"))
    said = refused(capsys, "--no-cluster")
    assert said == f"{tmp_path}/from-environment: does not exist\n"
