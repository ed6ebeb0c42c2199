"""What the objects of a cluster amount to: pure, objects → the state that ``rollout`` plans from.

``ours`` is what the CA Secret remembers in ``ca.crt``; its signer is the one that fits ``ca.key``.
A CA Secret that is lost or was replaced by hand is no reason to drop a trust that still holds, so
the CA that signed what is served is taken for ours as well when it has the name that we give.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from certs.bundle import by_fingerprint, holds, pem_of
from certs.cluster import Objects, SecretView, WebhookView
from certs.errors import CertificateError
from certs.files import CA_CRT, CA_KEY, TLS_CRT, TLS_KEY
from certs.inspect import (
    CaCert,
    Labels,
    ServingPair,
    covers,
    inspect_bundle,
    inspect_pair,
    issuer_of,
)
from certs.issue import IssuedCert, ca_name
from certs.pem import encode_certificates, key_fits, parse_certificates, parse_key
from certs.plan import Missing
from certs.rollout import Bundle, Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run is asked for. ``force`` makes anew what cannot be read or was made elsewhere."""

    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    force: bool = False
    unwanted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """What the CA Secret holds. ``ders`` are all CAs of ours, by fingerprint."""

    signer: IssuedCert | Missing
    ders: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read, in three views: the plan's, the CA's keys, and the webhooks that call us."""

    rollout: Rollout
    authority: Authority = field(repr=False)
    webhooks: tuple[WebhookView, ...]
    strangers: tuple[WebhookView, ...]  # of the same configurations, but call another name
    stranded: tuple[WebhookView, ...]  # call a name that only the present certificate is for
    pair: ServingPair | None
    made_elsewhere: str  # why a change is not ours to make; empty when it is


def find_state(
    objects: Objects,
    wish: Wish,
    *,
    trusted_since: datetime | None = None,
    outdated: tuple[str, ...] = (),
) -> Found:
    """Return the state; raises CertificateError where only a person can tell what was meant."""
    pair, problem = _serving(objects.secret)
    authority = _authority(objects.ca_secret, objects.secret, wish)
    asked = (*wish.dns_names, *wish.ip_addresses)
    names = (*asked, *(pair.cert.dns_names + pair.cert.ip_addresses if pair else ()))
    ours = [hook for hook in objects.webhooks if covers(names, hook.host)]
    return Found(
        rollout=Rollout(
            signer=_signer_view(authority),
            ours=tuple(_views(authority.ders)),
            serving=pair.cert if pair else Missing(reason=problem),
            issuer=_issuer(objects.secret, authority),
            bundles=tuple(_bundles(objects.secret, pair, ours, authority)),
            dns_names=wish.dns_names,
            ip_addresses=wish.ip_addresses,
            trusted_since=trusted_since,
            unwanted=wish.unwanted,
            outdated=outdated,
        ),
        authority=authority,
        webhooks=tuple(ours),
        strangers=tuple(hook for hook in objects.webhooks if hook not in ours),
        stranded=tuple(hook for hook in ours if asked and not covers(asked, hook.host)),
        pair=pair,
        made_elsewhere=_made_elsewhere(objects, authority, wish),
    )


def read_pair(secret: SecretView) -> ServingPair:
    """The pair of the Secret; raises CertificateError when there is none, or it is of no use."""
    if not secret.version:
        raise CertificateError(str(secret), "does not exist; expected bootstrap to have made it")
    if secret.empty(TLS_CRT, TLS_KEY):
        raise CertificateError(str(secret), "is empty; expected bootstrap to have filled it")
    return inspect_pair(
        cert_pem=secret.data.get(TLS_CRT, b""),
        key_pem=secret.data.get(TLS_KEY, b""),
        ca_pem=secret.data.get(CA_CRT, b""),
        labels=Labels(
            cert=secret.label(TLS_CRT), key=secret.label(TLS_KEY), ca=secret.label(CA_CRT)
        ),
    )


def _serving(secret: SecretView) -> tuple[ServingPair | None, str]:
    """The pair, or why there is none."""
    if secret.empty(TLS_CRT, TLS_KEY):
        return None, f"there is none in {secret} yet"
    try:
        return read_pair(secret), ""
    except CertificateError as error:
        return None, str(error)


def _authority(secret: SecretView, serving: SecretView, wish: Wish) -> Authority:
    ders = {**by_fingerprint(secret.data.get(CA_CRT, b"")), **_adopted(serving)}
    if secret.empty(CA_CRT, CA_KEY):
        missing = f"{secret} {'is empty' if secret.version else 'does not exist'}"
        return Authority(signer=Missing(reason=missing), ders=ders)
    try:
        return Authority(signer=_signer(secret), ders=ders)
    except CertificateError as error:
        if not wish.force:
            problem = f"{error.problem}; bootstrap --force makes a new CA beside the old"
            raise CertificateError(error.label, problem) from error
        return Authority(signer=Missing(reason=str(error)), ders=ders)


def _adopted(serving: SecretView) -> dict[str, bytes]:
    """The CA that signed what is served, when it has the name that we give."""
    bundle = serving.data.get(CA_CRT, b"")
    try:
        ca = issuer_of(serving.data.get(TLS_CRT, b""), bundle)
    except CertificateError:
        return {}
    if ca is None or not ca.key_id or ca.subject != f"CN={ca_name(ca.key_id)}":
        return {}
    return {ca.fingerprint: by_fingerprint(bundle)[ca.fingerprint]}


def _signer(secret: SecretView) -> IssuedCert:
    """The certificate of the bundle that fits the key; raises CertificateError."""
    key = parse_key(secret.data.get(CA_KEY, b""), secret.label(CA_KEY))
    for certificate in parse_certificates(secret.data.get(CA_CRT, b""), secret.label(CA_CRT)):
        if key_fits(certificate, key):
            pem = encode_certificates([certificate])
            return IssuedCert(cert_pem=pem, key_pem=secret.data[CA_KEY])
    problem = f"is not the key of a certificate in {CA_CRT}; expected the CA's"
    raise CertificateError(secret.label(CA_KEY), problem)


def _signer_view(authority: Authority) -> CaCert | Missing:
    signer = authority.signer
    return signer if isinstance(signer, Missing) else inspect_bundle(signer.cert_pem)[0]


def _views(ders: Mapping[str, bytes]) -> Iterator[CaCert]:
    """What can be read of them: the rest verifies nothing."""
    for der in ders.values():
        with contextlib.suppress(CertificateError):
            yield inspect_bundle(pem_of(der))[0]


def _issuer(serving: SecretView, authority: Authority) -> str:
    ours = b"".join(map(pem_of, authority.ders.values()))
    try:
        ca = issuer_of(serving.data.get(TLS_CRT, b""), ours)
    except CertificateError:
        return ""
    return ca.fingerprint if ca else ""


def _bundles(
    secret: SecretView,
    pair: ServingPair | None,
    webhooks: Sequence[WebhookView],
    authority: Authority,
) -> Iterator[Bundle]:
    """The caBundles; and what the Secret's readers trust, unless it is to be written whole."""
    if pair:
        held = secret.data.get(CA_CRT, b"")
        yield Bundle(place=secret.label(CA_CRT), holds=_held(held, authority))
    for webhook in webhooks:
        yield Bundle(place=str(webhook), holds=_held(webhook.ca_bundle, authority))


def _held(bundle: bytes, authority: Authority) -> frozenset[str]:
    return frozenset(name for name, der in authority.ders.items() if holds(bundle, der))


def _made_elsewhere(objects: Objects, authority: Authority, wish: Wish) -> str:
    secret = objects.secret
    if secret.cert_manager:
        return f"{secret}: is cert-manager's, which renews it; expected a Secret of our own"
    nobodys = secret.empty(TLS_CRT, TLS_KEY) or bool(_adopted(secret)) or wish.force
    if nobodys or not isinstance(authority.signer, Missing):
        return ""
    problem = f"was made elsewhere ({authority.signer.reason}); expected its maker to renew it, or "
    return f"{secret}: {problem}bootstrap --force to replace it"


def standing_prints(objects: Objects) -> tuple[str, str]:
    """The fingerprints of what is served and of the CA that signs; empty for what is not there."""
    pair, _ = _serving(objects.secret)
    try:
        signer = inspect_bundle(_signer(objects.ca_secret).cert_pem)[0].fingerprint
    except CertificateError:
        signer = ""
    return pair.cert.fingerprint if pair else "", signer
