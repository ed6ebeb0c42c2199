"""What to do about a CA and a serving certificate: pure, (state, now) → one step.

The order here is a directory's; ``rollout`` has the cluster's, from the same rules. Whoever acts
asks again after every step until the answer is Nothing, so a crash between steps needs no memory:
the next run sees what is there.

The order of the rules is what keeps clients connected. While the CA can still sign, a due serving
certificate is renewed first, by the CA that every client already trusts; only then does a new CA
appear beside it, and the certificate that serves stays with the old one until its own next
renewal, months later. A CA that cannot sign any more is replaced first: there is nothing to lose.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from certs.errors import CertificateError
from certs.inspect import CaCert, ServingCert, check_names, check_validity, show_time

# What a CA signs this late would have to be renewed as soon as it is made.
_LAST_USE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """There is no usable certificate; ``reason`` says why, as a sentence about a file."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What there is, and which names the webhook should be reached by.

    ``ca`` is the CA that signs; None when others look after it, so that only the serving
    certificate counts. ``serving`` is Missing, too, when its key or its CA does not fit.
    """

    ca: CaCert | Missing | None
    serving: ServingCert | Missing
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """All is well; ``until`` is when the next step will be due."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewServing:
    """Issue a new key and serving certificate with the CA that signs."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateCA:
    """Make a new CA, trusted beside the old one."""

    reason: str


Step = Nothing | RenewServing | RotateCA


def plan(state: State, now: datetime) -> Step:
    """Return the next step.

    Raises CertificateError when a certificate is not valid yet: then the clock here or the
    issuer's is wrong, and replacing what works for everybody else would break it.
    """
    return (
        replace_ca(state.ca, now)
        or renew_serving(state, now)
        or follow_ca(state.ca, now)
        or Nothing(until=_next_step(state))
    )


def replace_ca(ca: CaCert | Missing | None, now: datetime) -> RotateCA | None:
    """A CA that is not there or cannot sign."""
    if isinstance(ca, Missing):
        return RotateCA(reason=ca.reason)
    if ca is None:
        return None
    if now > ca.not_after - _LAST_USE:
        return RotateCA(reason=_ending("ca.crt", ca, now))
    check_validity(ca, now, label="ca.crt")
    return None


def renew_serving(state: State, now: datetime) -> RenewServing | None:
    """A serving certificate that is not there, comes to its end, or lacks a name."""
    cert = state.serving
    if isinstance(cert, Missing):
        return RenewServing(reason=cert.reason)
    if now >= cert.renew_at:
        return RenewServing(reason=_ending("tls.crt", cert, now))
    check_validity(cert, now, label="tls.crt")
    try:
        check_names(
            cert, dns_names=state.dns_names, ip_addresses=state.ip_addresses, label="tls.crt"
        )
    except CertificateError as error:
        return RenewServing(reason=str(error))
    return None


def follow_ca(ca: CaCert | Missing | None, now: datetime) -> RotateCA | None:
    """A CA that still signs but should have a successor by now."""
    if isinstance(ca, CaCert) and now >= ca.renew_at:
        return RotateCA(reason=_ending("ca.crt", ca, now))
    return None


def _next_step(state: State) -> datetime:
    certs = (cert for cert in (state.ca, state.serving) if isinstance(cert, CaCert | ServingCert))
    return min(cert.renew_at for cert in certs)


def _ending(label: str, cert: CaCert | ServingCert, now: datetime) -> str:
    if now > cert.not_after:
        return f"{label} expired at {show_time(cert.not_after)}"
    return f"{label} is past two thirds of its life, which ends at {show_time(cert.not_after)}"
