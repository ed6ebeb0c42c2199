"""The program ``python -m certs``: what it loads, what it refuses, what it exits with."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.__main__ import run
from certs.access import Target, grants, parse_secret_name
from certs.kube import connect
from certs.rotate import check_clock
from tests.certs.build import DAY, NOW, message_of

ROOT = Path(__file__).parents[2]


def test_it_never_loads_the_webhook_and_for_files_no_client_of_the_api_server(
    tmp_path: Path,
) -> None:
    code = (
        "import sys; from certs.__main__ import run; "
        f"code = run(['bootstrap', '--dir', {str(tmp_path / 'tls')!r}]); "
        "print(code, sorted({'webhook', 'flask', 'kubernetes'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"


USAGE = {
    "neither place": ([], "expected one of --dir (files) and --secret (a cluster)"),
    "both places": (
        ["--dir", "x", "--secret", "a/b"],
        "expected one of --dir (files) and --secret (a cluster)",
    ),
    "a webhook for files": (
        ["--dir", "x", "--webhook-config", "gate"],
        "--webhook-config and --ca-secret are for --secret, not for --dir",
    ),
    "one Secret for both": (
        ["--secret", "a/b", "--ca-secret", "a/b"],
        "--ca-secret names one Secret twice: servers must not read the CA's key",
    ),
    "no name": (["--secret", "b"], "--secret: 'b' names no Secret; expected NAMESPACE/NAME"),
    "a path": (
        ["--secret", "../x/y"],
        "--secret: '../x/y' names no Secret; expected NAMESPACE/NAME",
    ),
    "no address": (
        ["--secret", "a/b", "--kubeconfig", "/nowhere"],
        "/nowhere: Invalid kube-config file. No configuration found.",
    ),
}


@pytest.mark.parametrize("command", ["bootstrap", "renew", "status"])
@pytest.mark.parametrize("case", USAGE)
def test_what_is_asked_wrongly_is_said_and_exits_with_2(
    capsys: pytest.CaptureFixture[str], command: str, case: str
) -> None:
    arguments, message = USAGE[case]
    assert run([command, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_rotating_the_ca_of_a_directory_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["renew", "--dir", "x", "--rotate-ca"]) == 2
    assert "--rotate-ca is for --secret" in capsys.readouterr().err


def test_rotating_a_ca_unseen_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["renew", "--secret", "a/b", "--rotate-ca"]) == 2
    assert "--rotate-ca needs --webhook-config" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dir", "x"], "--allow-unregistered is for --secret, not for --dir"),
        (
            ["--secret", "a/b", "--webhook-config", "gate", "--rotate-ca"],
            "--rotate-ca cannot go with --allow-unregistered: no CA is changed",
        ),
    ],
)
def test_a_gate_that_is_off_is_of_a_cluster_and_keeps_its_ca(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["renew", "--allow-unregistered", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_kubeconfig_of_another_shape_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("[1, 2]")
    assert message_of(lambda: connect(path)).startswith(f"{path}: ")


def test_a_pod_without_a_service_account_is_told_so() -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    assert message_of(lambda: connect(None, pod)) == (
        "service account of this pod: Service token file does not exist."
    )


@pytest.mark.parametrize("ahead", [DAY, -DAY])
def test_a_clock_that_is_a_day_wrong_is_refused(ahead: timedelta) -> None:
    shown = f"{NOW + ahead:%Y-%m-%d} 12:00:00 UTC"
    assert message_of(lambda: check_clock(NOW + ahead, NOW)) == (
        f"clock of this machine: shows {shown}, the API server's 2026-11-24 12:00:00 UTC; "
        "expected both within five minutes: certificates are good or bad by the API server's"
    )


def test_a_clock_that_is_four_minutes_wrong_is_good_enough() -> None:
    check_clock(NOW + timedelta(minutes=4), NOW)
    check_clock(datetime.now(UTC), None)  # noqa: TID251 - the clock is what is tested


def test_the_name_of_a_secret_is_printed_as_it_is_given() -> None:
    assert str(parse_secret_name("ns/tls", "--secret")) == "ns/tls"


def test_every_right_of_the_table_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    target = Target(
        secret=parse_secret_name("ns/tls", "--secret"),
        ca_secret=parse_secret_name("ns/ca", "--ca-secret"),
        webhook_configs=("gate",),
    )
    for grant in grants(target):
        rows = [row for row in text.splitlines() if row.startswith("| ") and grant.resource in row]
        assert any(all(f"`{verb}`" in row for verb in grant.verbs) for row in rows), grant
