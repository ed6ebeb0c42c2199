"""Brings a directory into order: the first CA and pair, and what comes due later.

Asks ``plan`` and does what it says until there is nothing left to do. Only a directory with our
own ``ca.key``, or without any certificate, is changed: what another tool put there stays.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from certs.bundle import merge_bundles
from certs.errors import CertificateError
from certs.files import (
    CA_CRT,
    CA_KEY,
    TLS_CRT,
    TLS_KEY,
    Contents,
    ServingFiles,
    inspect_contents,
    locked,
    make_directory,
    read_directory,
    read_serving,
    serving_files,
    write_files,
)
from certs.inspect import CaCert, ServingCert, inspect_bundle, inspect_serving
from certs.issue import IssuedCert, KeyType, is_dns_name, issue_ca, issue_serving, subject_names
from certs.pem import encode_certificates, key_fits, parse_certificates, parse_key
from certs.plan import Missing, Nothing, RenewServing, RotateCA, State, Step, plan

# A new CA and a certificate from it, or a certificate and the CA's successor; then Nothing.
_MOST_STEPS = 3
_ASKED_FOR = "asked for"
_WRITES = {RotateCA: (CA_KEY, CA_CRT), RenewServing: (TLS_KEY, TLS_CRT)}
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a serving certificate is for."""

    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a directory holds, and the next step that ``plan`` wants."""

    serving: ServingCert
    cas: tuple[CaCert, ...]
    step: Step


Change = RenewServing | RotateCA


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done, in order (nothing: all was kept), and how things stand now."""

    steps: tuple[Change, ...]
    written: tuple[str, ...]
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One run: where, for which names, with which keys, when."""

    directory: Path
    names: Names
    key_type: KeyType
    now: datetime


def service_names(service: str, namespace: str) -> tuple[str, ...]:
    """The names of a Service in the cluster; the API server asks for the first."""
    return (
        f"{service}.{namespace}.svc",
        f"{service}.{namespace}.svc.cluster.local",
        f"{service}.{namespace}",
    )


def local_names(hostname: str) -> Names:
    """The names of a server on this machine; ``hostname`` is left out when it is no DNS name."""
    host = hostname.lower().rstrip(".")
    return Names(
        dns_names=("localhost", *([host] if is_dns_name(host) and host != "localhost" else [])),
        ip_addresses=_LOOPBACK,
    )


def bootstrap(
    directory: Path,
    names: Names,
    *,
    now: datetime,
    key_type: KeyType = KeyType.ECDSA,
    force: bool = False,
) -> Outcome:
    """Make sure that the directory holds a CA and a pair for ``names``; keep what still holds.

    ``force`` replaces everything, the CA included, so that nothing here trusts the old one.
    Raises CertificateError for a bad name, and when the directory cannot be written or would have
    to be changed but is not ours.
    """
    subject_names(names.dns_names, names.ip_addresses)
    job = _Job(directory=directory, names=names, key_type=key_type, now=now)
    make_directory(directory)
    with locked(directory):
        if not force:
            return _outcome(job, _settle(job))
        steps: list[Change] = [RotateCA(reason=_ASKED_FOR), RenewServing(reason=_ASKED_FOR)]
        _take(steps[0], Contents(), job)
        _take(steps[1], read_directory(directory), job)
        return _outcome(job, steps)


def renew(
    directory: Path,
    *,
    now: datetime,
    names: Names | None = None,
    key_type: KeyType | None = None,
    force: bool = False,
) -> Outcome:
    """Do what is due, for the names and with the kind of key that are there or given.

    ``force`` renews the serving certificate although it still holds. Raises CertificateError when
    there is nothing to go by, something is due in a directory that is not ours, or the bundle is
    lost: a new CA would be trusted by nobody, and what is served may still be good.
    """
    files = serving_files(directory)
    with locked(directory):
        chain = parse_certificates(read_serving(files).cert_pem, str(files.cert))
        cert = inspect_serving(encode_certificates(chain), label=str(files.cert))
        is_rsa = isinstance(chain[0].public_key(), rsa.RSAPublicKey)
        job = _Job(
            directory=directory,
            names=names or Names(dns_names=cert.dns_names, ip_addresses=cert.ip_addresses),
            key_type=key_type or (KeyType.RSA if is_rsa else KeyType.ECDSA),
            now=now,
        )
        _refuse_lost_bundle(read_directory(directory), files)
        steps = _settle(job)
        if force and not any(isinstance(step, RenewServing) for step in steps):
            steps.append(RenewServing(reason=_ASKED_FOR))
            _take(steps[-1], read_directory(directory), job)
        return _outcome(job, steps)


def status(directory: Path, *, now: datetime, names: Names | None = None) -> Status:
    """Return what the directory holds and what is due; raises CertificateError if unusable.

    ``names`` are those that the certificate should be good for. ``ca.key`` is not needed.
    """
    files = serving_files(directory)
    read_serving(files)
    contents = read_directory(directory)
    pair = inspect_contents(contents, files)
    wanted = names or Names()
    state = State(
        ca=_signing_ca(contents, files),
        serving=pair.cert,
        dns_names=wanted.dns_names,
        ip_addresses=wanted.ip_addresses,
    )
    cas = inspect_bundle(contents.ca_pem, label=str(files.ca)) if contents.ca_pem.strip() else ()
    return Status(serving=pair.cert, cas=cas, step=plan(state, now))


def self_signed_pair(directory: Path, *, now: datetime, hostname: str) -> Outcome:
    """Make sure that the directory holds a pair for a server on this machine."""
    return bootstrap(directory, local_names(hostname), now=now)


def _outcome(job: _Job, steps: list[Change]) -> Outcome:
    written = dict.fromkeys(name for step in steps for name in _WRITES[type(step)])
    stands = status(job.directory, now=job.now, names=job.names)
    return Outcome(steps=tuple(steps), written=tuple(written), status=stands)


def _settle(job: _Job) -> list[Change]:
    """Take the steps that ``plan`` wants, one after the other."""
    steps: list[Change] = []
    for _ in range(_MOST_STEPS):
        contents = read_directory(job.directory)
        step = plan(_state(contents, job), job.now)
        if isinstance(step, Nothing):
            break
        _take(step, contents, job)
        steps.append(step)
    return steps


def _refuse_lost_bundle(contents: Contents, files: ServingFiles) -> None:
    """Raise CertificateError where the CA's key is here and no bundle that can be read."""
    if not contents.ca_key_pem:
        return
    try:
        inspect_bundle(contents.ca_pem, label=str(files.ca))
    except CertificateError as error:
        problem = f"{error.problem}; put back the one of a caBundle, or bootstrap makes a new CA, "
        raise CertificateError(error.label, f"{problem}which nobody trusts yet") from error


def _state(contents: Contents, job: _Job) -> State:
    files = serving_files(job.directory)
    return State(
        ca=_signing_ca(contents, files),
        serving=_serving(contents, files),
        dns_names=job.names.dns_names,
        ip_addresses=job.names.ip_addresses,
    )


def _serving(contents: Contents, files: ServingFiles) -> ServingCert | Missing:
    if not contents.cert_pem and not contents.key_pem:
        return Missing(reason=f"there is no {files.cert} yet")
    try:
        return inspect_contents(contents, files).cert
    except CertificateError as error:
        return Missing(reason=str(error))


def _signing_ca(contents: Contents, files: ServingFiles) -> CaCert | Missing | None:
    """The CA of the bundle whose key is here; without a key, the one that holds longest."""
    if not contents.ca_pem.strip():
        others = bool(contents.cert_pem) and not contents.ca_key_pem
        return None if others else Missing(reason=f"there is no {files.ca} yet")
    try:
        bundle = inspect_bundle(contents.ca_pem, label=str(files.ca))
    except CertificateError as error:
        return Missing(reason=str(error))
    if not contents.ca_key_pem:
        return max(bundle, key=lambda ca: ca.not_after)
    signer = _signer(contents, files)
    if signer is None:
        return Missing(reason=f"{files.ca} does not hold the certificate of {_ca_key(files)}")
    return inspect_bundle(signer.cert_pem)[0]


def _signer(contents: Contents, files: ServingFiles) -> IssuedCert | None:
    """The CA that can sign here: the certificate of the bundle that fits ``ca.key``."""
    key = parse_key(contents.ca_key_pem, _ca_key(files))
    for certificate in parse_certificates(contents.ca_pem, str(files.ca)):
        if key_fits(certificate, key):
            return IssuedCert(
                cert_pem=encode_certificates([certificate]), key_pem=contents.ca_key_pem
            )
    return None


def _take(step: Change, contents: Contents, job: _Job) -> None:
    """Write what the step needs; keys first, so that a crash in between is seen and mended."""
    files = serving_files(job.directory)
    if not contents.ca_key_pem and (contents.cert_pem or contents.key_pem or contents.ca_pem):
        problem = f"has no {CA_KEY}, so it was made elsewhere ({step.reason}); expected its maker "
        problem += "to renew it, or bootstrap --force to replace it"
        raise CertificateError(str(job.directory), problem)
    match step:
        case RotateCA():
            ca = issue_ca(now=job.now, key_type=job.key_type)
            bundle = merge_bundles(contents.ca_pem, ca.cert_pem, now=job.now)
            write_files(job.directory, {CA_KEY: ca.key_pem, CA_CRT: bundle})
        case RenewServing():
            pair = _issue(contents, files, job)
            write_files(job.directory, {TLS_KEY: pair.key_pem, TLS_CRT: pair.cert_pem})


def _issue(contents: Contents, files: ServingFiles, job: _Job) -> IssuedCert:
    signer = _signer(contents, files)
    if signer is None:
        problem = f"is not the key of a certificate in {files.ca}; expected the CA's"
        raise CertificateError(_ca_key(files), problem)
    return issue_serving(
        signer,
        now=job.now,
        dns_names=job.names.dns_names,
        ip_addresses=job.names.ip_addresses,
        key_type=job.key_type,
    )


def _ca_key(files: ServingFiles) -> str:
    return str(files.cert.with_name(CA_KEY))
