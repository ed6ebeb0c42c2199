"""What to do about the certificates of a cluster: pure, (state, pace, now) → one step.

This file is the law of the order. Three parties see a change at different times: whoever writes
the objects, every API server that verifies by a ``caBundle``, and every server that presents what
its mounted Secret holds. So that whatever is presented is always verified:

1. a new CA is put into every bundle beside the old, and nothing is signed by it before that has
   been seen to hold for ``settle``: the time in which all API servers hear of it;
2. then a new certificate is signed by it and written to the Secret;
3. the old CA stays in every bundle until ``grace`` after that: the time in which every server has
   the new certificate; and as long as an address that was looked at presents another one.

Nothing but the objects themselves remembers how far a rotation has come, except the waiting of
step 1, which begins anew in every run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from certs.inspect import CaCert, ServingCert
from certs.issue import BACKDATE
from certs.plan import (
    Missing,
    Nothing,
    RenewServing,
    RotateCA,
    State,
    follow_ca,
    renew_serving,
    replace_ca,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to wait until everybody has seen a change.

    API servers watch webhook configurations and follow within a second or two. The kubelet
    follows a Secret within its sync period and cache delay, about two minutes; an hour leaves
    room for a node that is cut off for a while.
    """

    settle: timedelta = timedelta(seconds=10)
    grace: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What verifies the servers: a ``caBundle``, or the Secret's own ``ca.crt``."""

    place: str
    holds: frozenset[str]  # fingerprints of the CAs of ours that are in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How far things are. ``ours`` are all CAs that the CA Secret remembers, the signer too."""

    signer: CaCert | Missing
    ours: tuple[CaCert, ...]
    serving: ServingCert | Missing
    issuer: str  # fingerprint of the CA of ours that signed ``serving``; empty when none did
    bundles: tuple[Bundle, ...]
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    trusted_since: datetime | None = None  # since when this run has seen the signer in all bundles
    unwanted: frozenset[str] = frozenset()  # fingerprints of what somebody asked to replace
    outdated: tuple[str, ...] = ()  # addresses that present another certificate than ``serving``

    @property
    def signer_print(self) -> str:
        """The signer's fingerprint; empty when it is missing."""
        return self.signer.fingerprint if isinstance(self.signer, CaCert) else ""

    @property
    def signed(self) -> bool:
        """True when the signer has signed what is served."""
        return isinstance(self.serving, ServingCert) and self.issuer == self.signer_print != ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustCA:
    """Put the CAs of ours that are needed into the bundles that lack one."""

    cas: tuple[CaCert, ...]
    places: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why, as a sentence."""
        more = f" and {len(self.places) - 1} more" if len(self.places) > 1 else ""
        return f"{_subjects(self.cas)} is missing in {self.places[0]}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Wait: API servers may not have heard of the new CA yet."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCA:
    """Take CAs of ours that nothing needs any more out of the bundles."""

    cas: tuple[CaCert, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCA:
    """No bundle holds these CAs any more: the CA Secret need not remember them."""

    cas: tuple[CaCert, ...]
    reason: str


RolloutStep = Nothing | RotateCA | TrustCA | Settle | RenewServing | DropCA | ForgetCA


def plan_rollout(state: Rollout, pace: Pace, now: datetime) -> RolloutStep:
    """Return the next step.

    Raises CertificateError when a certificate is not valid yet, as ``plan`` does.
    """
    return (
        replace_ca(state.signer, now)
        or _trust(state, pace, now)
        or _renew(state, pace, now)
        or _drop(state, pace, now)
        or _follow(state, now)
        or Nothing(until=_next_time(state, pace, now))
    )


def retired(state: Rollout, pace: Pace, now: datetime) -> tuple[CaCert, ...]:
    """The CAs of ours that nothing which is served needs any more."""
    seen = seen_by_all(state, pace)
    free = state.signed and not state.outdated and seen is not None and now >= seen
    return tuple(
        ca
        for ca in state.ours
        if ca.fingerprint != state.signer_print and (free or now > ca.not_after)
    )


def needed(state: Rollout, pace: Pace, now: datetime) -> tuple[CaCert, ...]:
    """The CAs of ours that every bundle must hold."""
    over = retired(state, pace, now)
    return tuple(ca for ca in state.ours if ca not in over)


def needs_sight(step: RolloutStep, state: Rollout) -> bool:
    """True for a step that breaks what works, if the caBundles are not as it takes them to be."""
    works = not isinstance(state.serving, Missing)
    match step:
        case RotateCA():
            return works
        case RenewServing() | Settle():
            return not state.signed and (works or len(state.ours) > 1)
        case _:
            return not isinstance(step, Nothing | TrustCA)


def _trust(state: Rollout, pace: Pace, now: datetime) -> TrustCA | None:
    cas = needed(state, pace, now)
    wanted = {ca.fingerprint for ca in cas}
    lacking = [bundle for bundle in state.bundles if not wanted <= bundle.holds]
    if not lacking:
        return None
    there = frozenset.intersection(*(bundle.holds for bundle in lacking))
    return TrustCA(
        cas=tuple(ca for ca in cas if ca.fingerprint not in there),
        places=tuple(bundle.place for bundle in lacking),
    )


def _renew(state: Rollout, pace: Pace, now: datetime) -> RenewServing | Settle | None:
    due = _due(state, now)
    if due is None or _settled(state, pace, now):
        return due
    since = state.trusted_since or now
    return Settle(until=since + pace.settle, reason=due.reason)


def _due(state: Rollout, now: datetime) -> RenewServing | None:
    """A certificate that must be replaced for its own sake, by request, or for its CA's."""
    names = State(
        ca=None,
        serving=state.serving,
        dns_names=state.dns_names,
        ip_addresses=state.ip_addresses,
    )
    if due := renew_serving(names, now):
        return due
    if isinstance(state.serving, ServingCert) and state.serving.fingerprint in state.unwanted:
        return RenewServing(reason="asked for")
    if not state.signed:
        return RenewServing(reason="tls.crt is not signed by the new CA yet")
    return None


def _settled(state: Rollout, pace: Pace, now: datetime) -> bool:
    """True when all API servers trust the signer, or when there is nothing that could break."""
    first = isinstance(state.serving, Missing) and len(state.ours) == 1
    if first or not state.bundles or state.signed:
        return True
    return state.trusted_since is not None and now >= state.trusted_since + pace.settle


def _drop(state: Rollout, pace: Pace, now: datetime) -> DropCA | ForgetCA | None:
    over = retired(state, pace, now)
    if not over:
        return None
    prints = {ca.fingerprint for ca in over}
    if any(prints & bundle.holds for bundle in state.bundles):
        return DropCA(cas=over, reason=f"nothing is served that needs {_subjects(over)}")
    return ForgetCA(cas=over, reason=f"no bundle holds {_subjects(over)}")


def _follow(state: Rollout, now: datetime) -> RotateCA | None:
    if state.signer_print in state.unwanted:
        return RotateCA(reason="asked for")
    return follow_ca(state.signer, now)


def _next_time(state: Rollout, pace: Pace, now: datetime) -> datetime:
    return min(_times(state, pace, now))


def _times(state: Rollout, pace: Pace, now: datetime) -> Iterator[datetime]:
    for cert in (state.signer, state.serving):
        if not isinstance(cert, Missing):
            yield cert.renew_at
    seen = seen_by_all(state, pace)
    if len(state.ours) > 1 and seen is not None and now < seen:
        yield seen


def seen_by_all(state: Rollout, pace: Pace) -> datetime | None:
    """When every server has the certificate of the Secret, which is written as it is issued."""
    if isinstance(state.serving, Missing):
        return None
    return state.serving.not_before + BACKDATE + pace.grace


def _subjects(cas: tuple[CaCert, ...]) -> str:
    return ", ".join(ca.subject for ca in cas)
