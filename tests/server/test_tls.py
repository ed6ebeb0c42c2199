"""The serving certificate changes under a running server, and no client notices."""

import os
import re
import ssl
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from certs.bundle import merge_bundles
from certs.errors import CertificateError
from certs.files import ServingFiles, serving_files, write_files
from certs.inspect import inspect_bundle, inspect_serving
from certs.issue import IssuedCert, issue_ca, issue_serving
from tests.certs.build import made_elsewhere
from tests.server.tls_peers import (
    CA,
    DAY,
    NOW,
    client,
    client_identity,
    connected,
    exchange,
    presented,
    put,
    served,
    serving,
)
from webhook.server.tls import ServingContext

FIRST, SECOND = serving(), serving()
OTHER_CA = issue_ca(now=NOW)


def context_for(directory: Path, pair: IssuedCert = FIRST) -> ServingContext:
    put(directory, pair)
    return ServingContext(serving_files(directory), now=NOW)


def shown_time(pair: IssuedCert) -> str:
    return f"{inspect_serving(pair.cert_pem).not_after:%Y-%m-%d %H:%M:%S} UTC"


def test_a_client_that_trusts_only_our_bundle_connects(tmp_path: Path) -> None:
    with served(context_for(tmp_path).context) as port, connected(port, client()) as connection:
        assert connection.version() == "TLSv1.3"
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_a_client_without_a_server_name_connects(tmp_path: Path) -> None:
    with served(context_for(tmp_path).context) as port:
        assert presented(port, name="127.0.0.1") == FIRST.cert_pem


def test_a_client_of_tls_1_2_gets_forward_secrecy_and_aead(tmp_path: Path) -> None:
    old = client()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with served(context_for(tmp_path).context) as port, connected(port, old) as connection:
        cipher = connection.cipher()
        assert cipher is not None
        assert re.fullmatch("ECDHE-ECDSA-(AES...-GCM-SHA...|CHACHA20-POLY1305)", cipher[0])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_client_of_tls_1_1_is_refused(tmp_path: Path) -> None:
    old = client()
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with served(context_for(tmp_path).context) as port, pytest.raises((ssl.SSLError, OSError)):
        presented(port, old)


def test_a_session_is_not_resumed(tmp_path: Path) -> None:
    once = client()
    with served(context_for(tmp_path).context) as port:
        with connected(port, once) as connection:
            session = connection.session
            assert session is None or not session.has_ticket
        with connected(port, once) as connection:
            assert not connection.session_reused


def test_a_new_pair_is_served_to_later_connections_and_open_ones_go_on(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    with served(context.context) as port, connected(port, client()) as before:
        put(tmp_path, SECOND)
        assert context.refresh(NOW)
        assert presented(port) == SECOND.cert_pem
        exchange(before)
        assert context.fingerprint == inspect_serving(SECOND.cert_pem).fingerprint


def test_files_that_stay_the_same_change_nothing(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    put(tmp_path, FIRST)
    assert not context.refresh(NOW)
    assert context.problem is None


def test_a_file_that_is_written_in_place_is_seen(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    times = os.stat(tmp_path / "tls.crt")
    for name, data in (("tls.key", SECOND.key_pem), ("tls.crt", SECOND.cert_pem)):
        (tmp_path / name).write_bytes(data)
        os.utime(tmp_path / name, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert context.refresh(NOW)


def test_a_mounted_secret_is_followed_from_version_to_version(tmp_path: Path) -> None:
    for version, pair in (("..1", FIRST), ("..2", SECOND)):
        (tmp_path / version).mkdir()
        put(tmp_path / version, pair)
    (tmp_path / "..data").symlink_to("..1")
    for name in ("tls.crt", "tls.key", "ca.crt"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    context = ServingContext(serving_files(tmp_path), now=NOW)
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    with served(context.context) as port:
        assert presented(port) == FIRST.cert_pem
        assert context.refresh(NOW)
        assert presented(port) == SECOND.cert_pem


def test_half_a_new_pair_is_not_served_until_the_other_half_is_there(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    with served(context.context) as port:
        write_files(tmp_path, {"tls.crt": SECOND.cert_pem})
        assert not context.refresh(NOW)
        assert context.problem == (
            f"{tmp_path}/tls.key: is not the key of {tmp_path}/tls.crt; expected the two from one "
            f"issue (still serving the one that ends at {shown_time(FIRST)})"
        )
        assert context.ready(NOW)
        assert presented(port) == FIRST.cert_pem
        write_files(tmp_path, {"tls.key": SECOND.key_pem})
        assert context.refresh(NOW)
        assert context.problem is None
        assert presented(port) == SECOND.cert_pem


AGED = issue_ca(now=NOW - 30 * DAY, lifetime=20 * DAY)
YOUNG = issue_ca(now=NOW + 2 * DAY)
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "garbage": (
        lambda path: write_files(path, {"tls.crt": b"\x00garbage"}),
        "/tls.crt: is not PEM; expected a PEM certificate (-----BEGIN CERTIFICATE-----)",
    ),
    "nothing": (
        lambda path: (path / "tls.key").unlink(),
        "/tls.key: does not exist; expected a PEM file",
    ),
    "an empty file": (
        lambda path: write_files(path, {"tls.key": b""}),
        "/tls.key: is empty; expected a PEM private key (-----BEGIN PRIVATE KEY-----)",
    ),
    "a pair from another CA": (
        lambda path: put(path, serving(signer=OTHER_CA)),
        "/tls.crt: is not signed by a CA of ",
    ),
    "an expired pair": (
        lambda path: put(path, serving(now=NOW - 20 * DAY, signer=AGED), AGED.cert_pem),
        "/tls.crt: expired 10 days ago, at ",
    ),
    "a pair of tomorrow": (
        lambda path: put(path, serving(now=NOW + 2 * DAY, signer=YOUNG), YOUNG.cert_pem),
        "/tls.crt: is not valid before ",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_served_leaves_the_last_good_pair_and_a_problem(
    tmp_path: Path, case: str
) -> None:
    spoil, problem = BAD[case]
    context = context_for(tmp_path)
    spoil(tmp_path)
    assert not context.refresh(NOW)
    assert context.problem is not None
    assert context.problem.startswith(f"{tmp_path}{problem}")
    assert context.problem.endswith(f"(still serving the one that ends at {shown_time(FIRST)})")
    assert context.ready(NOW)
    with served(context.context) as port:
        assert presented(port) == FIRST.cert_pem


@pytest.mark.parametrize("case", BAD)
def test_after_something_bad_a_good_pair_is_taken(tmp_path: Path, case: str) -> None:
    context = context_for(tmp_path)
    BAD[case][0](tmp_path)
    context.refresh(NOW)
    put(tmp_path, SECOND)
    assert context.refresh(NOW)
    assert context.problem is None


def test_a_pair_of_tomorrow_is_taken_tomorrow(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    put(tmp_path, serving(now=NOW + 2 * DAY, signer=YOUNG), YOUNG.cert_pem)
    assert not context.refresh(NOW)
    assert context.refresh(NOW + 2 * DAY)
    assert context.problem is None


def test_readiness_ends_with_the_certificate_that_is_served(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    assert context.ready(context.not_after)
    late = context.not_after + DAY
    assert not context.ready(late)
    context.refresh(late)
    assert context.problem == (
        f"{tmp_path}/tls.crt: expired 1 day ago, at {shown_time(FIRST)}; expected one valid now"
    )


def test_an_expired_pair_is_taken_when_the_one_served_has_expired_too(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    put(tmp_path, serving(days=20))
    assert context.refresh(NOW + 40 * DAY)
    assert not context.ready(NOW + 40 * DAY)


def test_a_server_that_starts_with_an_expired_pair_waits_for_the_next(tmp_path: Path) -> None:
    put(tmp_path, serving(now=NOW - 20 * DAY, signer=AGED), AGED.cert_pem)
    context = ServingContext(serving_files(tmp_path), now=NOW)
    assert not context.ready(NOW)
    assert context.problem is not None
    put(tmp_path, FIRST)
    assert context.refresh(NOW)
    assert context.ready(NOW)


def test_a_server_does_not_start_without_a_pair(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"tls\.crt: does not exist; expected a PEM file"):
        ServingContext(serving_files(tmp_path), now=NOW)


def test_what_openssl_refuses_is_said_with_its_reason(tmp_path: Path) -> None:
    weak = made_elsewhere(key=rsa.generate_private_key(65537, 1024))
    write_files(tmp_path, {"tls.crt": FIRST.cert_pem + weak.cert_pem, "tls.key": FIRST.key_pem})
    with pytest.raises(CertificateError) as caught:
        ServingContext(serving_files(tmp_path), now=NOW)
    assert str(caught.value) == (
        f"{tmp_path}/tls.crt: OpenSSL refuses it (CA_KEY_TOO_SMALL); expected one that it can serve"
    )


def test_what_monitoring_needs_is_known(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    assert context.not_after == inspect_serving(FIRST.cert_pem).not_after
    assert context.ca_not_after == inspect_bundle(CA.cert_pem)[0].not_after


def test_of_two_cas_the_one_that_signed_is_shown(tmp_path: Path) -> None:
    older = issue_ca(now=NOW - timedelta(days=3000))
    context = context_for(tmp_path)
    write_files(tmp_path, {"ca.crt": older.cert_pem + CA.cert_pem})
    assert context.refresh(NOW)
    assert context.ca_not_after == inspect_bundle(CA.cert_pem)[0].not_after
    follower = issue_serving(older, now=NOW, dns_names=["gate.ns.svc"])
    write_files(tmp_path, {"tls.key": follower.key_pem, "tls.crt": follower.cert_pem})
    assert context.refresh(NOW)
    assert context.not_after == inspect_serving(follower.cert_pem).not_after
    assert context.ca_not_after == inspect_bundle(older.cert_pem)[0].not_after


def test_a_pair_without_a_bundle_is_served(tmp_path: Path) -> None:
    put(tmp_path, FIRST)
    files = ServingFiles(cert=tmp_path / "tls.crt", key=tmp_path / "tls.key")
    context = ServingContext(files, now=NOW)
    assert context.ca_not_after is None
    with served(context.context) as port:
        assert presented(port) == FIRST.cert_pem


def test_without_a_client_ca_nobody_is_asked_for_a_certificate(tmp_path: Path) -> None:
    with served(context_for(tmp_path).context) as port:
        assert presented(port) == FIRST.cert_pem


def context_that_asks(directory: Path, trusted: bytes) -> ServingContext:
    put(directory, FIRST)
    (directory / "clients.crt").write_bytes(trusted)
    return ServingContext(serving_files(directory), now=NOW, client_ca=directory / "clients.crt")


def refused(port: int, context: ssl.SSLContext) -> bool:
    """TLS 1.3 tells a client only when it reads."""
    try:
        presented(port, context)
    except (ssl.SSLError, ConnectionError):
        return True
    return False


def test_with_a_client_ca_only_its_clients_get_through(tmp_path: Path) -> None:
    ours = client(identity=client_identity(tmp_path / "ours.pem", OTHER_CA))
    theirs = client(identity=client_identity(tmp_path / "theirs.pem", CA))
    context = context_that_asks(tmp_path, b"# of the API server, \xc3\xa4\n" + OTHER_CA.cert_pem)
    with served(context.context) as port:
        assert presented(port, ours) == FIRST.cert_pem
        assert refused(port, theirs)
        assert refused(port, client())


def test_a_new_client_ca_counts_for_later_connections(tmp_path: Path) -> None:
    ours = client(identity=client_identity(tmp_path / "ours.pem", OTHER_CA))
    context = context_that_asks(tmp_path, CA.cert_pem)
    with served(context.context) as port:
        assert refused(port, ours)
        (tmp_path / "clients.crt").write_bytes(OTHER_CA.cert_pem)
        assert context.refresh(NOW)
        assert presented(port, ours) == FIRST.cert_pem


def test_a_damaged_client_ca_leaves_the_last_good_one(tmp_path: Path) -> None:
    ours = client(identity=client_identity(tmp_path / "ours.pem", OTHER_CA))
    context = context_that_asks(tmp_path, OTHER_CA.cert_pem)
    (tmp_path / "clients.crt").write_bytes(b"")
    assert not context.refresh(NOW)
    assert context.problem is not None
    assert context.problem.startswith(f"{tmp_path}/clients.crt: is empty; expected a PEM cert")
    with served(context.context) as port:
        assert presented(port, ours) == FIRST.cert_pem
        assert refused(port, client())


class Clients:
    """Clients that connect again and again; each trusts the bundle that is out when it begins."""

    def __init__(self, port: int, bundle: bytes) -> None:
        self.failures: list[str] = []
        self.shown: set[bytes] = set()
        self._port = port
        self._trust = client(bundle)
        self._stop = threading.Event()
        self._rounds = [0] * 3
        self._threads = [threading.Thread(target=self._loop, args=(each,)) for each in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def publish(self, bundle: bytes) -> None:
        """Return once every client has begun and ended a connection with this bundle."""
        self._trust = client(bundle)
        self.wait()

    def wait(self) -> None:
        """Return once every client has begun and ended a connection."""
        goals = [done + 2 for done in self._rounds]
        while any(done < goal for done, goal in zip(self._rounds, goals, strict=True)):
            self._stop.wait(0.001)

    def _loop(self, number: int) -> None:
        while not self._stop.is_set():
            try:
                self.shown.add(presented(self._port, self._trust))
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))
            self._rounds[number] += 1


def test_no_handshake_fails_while_the_pair_is_renewed_again_and_again(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    pairs = [serving() for _ in range(5)]
    with served(context.context) as port, Clients(port, CA.cert_pem) as clients:
        for turn in range(100):
            put(tmp_path, pairs[turn % 5])
            assert context.refresh(NOW)
        clients.wait()
    assert clients.failures == []
    assert len(clients.shown) > 3


def test_no_handshake_fails_while_the_ca_is_rotated_in_the_safe_order(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    signer = CA
    with served(context.context) as port, Clients(port, CA.cert_pem) as clients:
        for _ in range(5):
            successor = issue_ca(now=NOW)
            both = merge_bundles(signer.cert_pem, successor.cert_pem, now=NOW)
            clients.publish(both)
            put(tmp_path, serving(signer=successor), both)
            assert context.refresh(NOW)
            clients.publish(successor.cert_pem)
            signer = successor
    assert clients.failures == []
    assert len(clients.shown) > 5


def test_clients_notice_a_rotation_in_the_wrong_order(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    with served(context.context) as port, Clients(port, CA.cert_pem) as clients:
        put(tmp_path, serving(signer=OTHER_CA), OTHER_CA.cert_pem)
        assert context.refresh(NOW)
        clients.wait()
    assert clients.failures != []


def test_a_thousand_refreshes_leave_no_file_open(tmp_path: Path) -> None:
    context = context_for(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for turn in range(1000):
        if turn % 100 == 0:
            put(tmp_path, serving())
        context.refresh(NOW)
    assert len(os.listdir("/proc/self/fd")) == before
