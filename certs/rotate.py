"""The loop that brings a cluster into order: read, ask ``rollout``, do one step, read again.

Every write names the version that it was planned for. Where two runs meet, or somebody edits an
object meanwhile, the write is refused and the loop begins anew with what is there then; so does
the next run after a crash.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from certs.access import Target
from certs.bootstrap import Names
from certs.bundle import amend_bundle, merge_bundles, pem_of
from certs.cluster import Objects, WebhookView, read_objects, write_ca_bundles, write_secret
from certs.errors import CertificateError, ConflictError
from certs.files import CA_CRT, CA_KEY, TLS_CRT, TLS_KEY
from certs.inspect import CaCert, printable, show_time, signed_by
from certs.issue import BACKDATE, KeyType, issue_ca, issue_serving
from certs.kube import ApiServer
from certs.plan import Missing, Nothing, RenewServing, RotateCA, State
from certs.plan import plan as plan_serving
from certs.rollout import (
    DropCA,
    ForgetCA,
    Pace,
    Rollout,
    RolloutStep,
    Settle,
    TrustCA,
    needed,
    needs_sight,
    plan_rollout,
    seen_by_all,
)
from certs.served import Endpoint, outdated
from certs.state import Found, Wish, find_state, read_pair

Planner = Callable[[Rollout, Pace, datetime], RolloutStep]
ClusterChange = RotateCA | TrustCA | RenewServing | DropCA | ForgetCA

_ALWAYS = datetime(1, 1, 2, tzinfo=UTC)  # before anything expires
_MOST_STEPS = 40  # a rotation from the start to the end has eight
_MOST_CONFLICTS = 10
_BETWEEN_TRIES = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """The clock, and how to wait; tests have their own."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterJob:
    """What a run is to bring about, and where."""

    target: Target
    wish: Wish
    key_type: KeyType | None = None  # that of the certificate which is there, when None
    pace: Pace = field(default_factory=Pace)
    endpoints: tuple[Endpoint, ...] = ()
    strict: bool = True  # what must be there, as for ``renew``; ``bootstrap`` makes it
    unregistered: bool = False  # strict, but no configuration need be there: the gate is off


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOutcome:
    """The steps that were taken, in order, and how things stand."""

    steps: tuple[ClusterChange, ...]
    objects: Objects
    found: Found
    step: RolloutStep
    late: tuple[str, ...] = ()  # addresses that should present the Secret's certificate by now

    @property
    def gate_is_off(self) -> bool:
        """True when configurations were named and none is registered."""
        return bool(self.objects.absent) and not self.objects.webhooks

    @property
    def unverified(self) -> tuple[tuple[WebhookView, str], ...]:
        """The webhooks whose caBundle does not verify what is served, and why."""
        return tuple(_unverified(self.objects, self.found))


def bring_about(
    api: ApiServer, job: ClusterJob, time: Time, *, plan: Planner = plan_rollout
) -> ClusterOutcome:
    """Take the steps that ``plan`` wants until nothing is left to do for now.

    Raises CertificateError for what only a person can mend, ApiError where the API server refuses.
    """
    return _Run(api, job, time, plan).finish()


def look(api: ApiServer, job: ClusterJob, now: datetime) -> ClusterOutcome:
    """How things stand; nothing is changed. Raises CertificateError when the pair is of no use."""
    objects = read_objects(api, job.target)
    pair = read_pair(objects.secret)
    behind = outdated(job.endpoints, pair.cert.fingerprint)
    found = find_state(objects, job.wish, outdated=behind)
    if found.made_elsewhere:
        wish = job.wish
        theirs = State(
            ca=None, serving=pair.cert, dns_names=wish.dns_names, ip_addresses=wish.ip_addresses
        )
        step: RolloutStep = plan_serving(theirs, now)
    else:
        step = plan_rollout(found.rollout, job.pace, now)
    since = seen_by_all(found.rollout, job.pace)
    late = behind if since is not None and now >= since else ()
    return ClusterOutcome(steps=(), objects=objects, found=found, step=step, late=late)


def wait_for_configs(api: ApiServer, target: Target, time: Time, seconds: float) -> None:
    """Return once the webhook configurations are registered, or after so many seconds."""
    until = time.now() + timedelta(seconds=seconds)
    while read_objects(api, target).absent and time.now() < until:
        time.sleep(_BETWEEN_TRIES.total_seconds())


def check_clock(now: datetime, server_time: datetime | None) -> None:
    """Raise CertificateError when what is issued by this clock would not be valid there yet."""
    if server_time is None or abs(now - server_time) < BACKDATE:
        return
    problem = f"shows {show_time(now)}, the API server's {show_time(server_time)}; expected both "
    problem += "within five minutes: certificates are good or bad by the API server's"
    raise CertificateError("clock of this machine", problem)


class _Run:
    """One run; what it remembers besides the objects is only since when it has seen what."""

    def __init__(self, api: ApiServer, job: ClusterJob, time: Time, plan: Planner) -> None:
        self._api, self._job, self._time, self._plan = api, job, time, plan
        self._taken: list[ClusterChange] = []
        self._trusted_since: datetime | None = None
        self._signer = ""

    def finish(self) -> ClusterOutcome:
        """Step until there is nothing to do."""
        conflicts = 0
        for _ in range(_MOST_STEPS):
            try:
                outcome = self._step()
            except ConflictError:
                conflicts += 1
                if conflicts == _MOST_CONFLICTS:
                    raise
                self._time.sleep(_BETWEEN_TRIES.total_seconds())
                continue
            if outcome:
                return outcome
        steps = ", ".join(type(step).__name__ for step in self._taken[-4:])
        raise RuntimeError(f"no end after {_MOST_STEPS} steps, the last {steps}")

    def _step(self) -> ClusterOutcome | None:
        """Take one step; the outcome when there is none."""
        objects = read_objects(self._api, self._job.target)
        found = self._seen(objects)
        now = self._time.now()
        step = self._plan(found.rollout, self._job.pace, now)
        if isinstance(step, Nothing) or (self._blind(objects) and needs_sight(step, found.rollout)):
            return ClusterOutcome(steps=tuple(self._taken), objects=objects, found=found, step=step)
        match step:
            case Settle():
                self._time.sleep((step.until - now).total_seconds())
            case _:
                if found.made_elsewhere:
                    secret, _, problem = found.made_elsewhere.partition(": ")
                    raise CertificateError(secret, problem)
                self._take(step, objects, found, now)
                self._taken.append(step)
        return None

    def _blind(self, objects: Objects) -> bool:
        """True when nobody knows which CAs API servers trust: no configuration was named, or the
        gate is off, and what is registered again may hold the caBundle of before."""
        off = self._job.unregistered and not objects.webhooks
        return off or not self._job.target.webhook_configs

    def _seen(self, objects: Objects) -> Found:
        """The state, with since when this run has seen the signer in every bundle."""
        found = find_state(objects, self._job.wish)
        _check_target(objects, found, self._job)
        state = found.rollout
        trusted = all(state.signer_print in bundle.holds for bundle in state.bundles)
        if not trusted or state.signer_print != self._signer:
            self._trusted_since = None
        if trusted and self._trusted_since is None:
            self._trusted_since = self._time.now()
        self._signer = state.signer_print
        behind: tuple[str, ...] = ()
        if len(state.ours) > 1 and found.pair:
            behind = outdated(self._job.endpoints, found.pair.cert.fingerprint)
        state = replace(state, trusted_since=self._trusted_since, outdated=behind)
        return replace(found, rollout=state)

    def _take(self, step: ClusterChange, objects: Objects, found: Found, now: datetime) -> None:
        match step:
            case RotateCA():
                self._rotate(objects, found, now)
            case RenewServing():
                self._renew(objects, found, now)
            case TrustCA():
                self._amend(objects, found, add=step.cas, drop=())
            case DropCA():
                self._amend(objects, found, add=(), drop=step.cas)
            case ForgetCA():
                over = {ca.fingerprint for ca in step.cas}
                kept = [der for name, der in found.authority.ders.items() if name not in over]
                write_secret(self._api, objects.ca_secret, {CA_CRT: _joined(kept)})

    def _rotate(self, objects: Objects, found: Found, now: datetime) -> None:
        ca = issue_ca(now=now, key_type=self._key_type(found))
        known = merge_bundles(_joined(found.authority.ders.values()), ca.cert_pem, now=now)
        write_secret(self._api, objects.ca_secret, {CA_KEY: ca.key_pem, CA_CRT: known})

    def _renew(self, objects: Objects, found: Found, now: datetime) -> None:
        signer = found.authority.signer
        if isinstance(signer, Missing):
            raise CertificateError(str(objects.ca_secret), signer.reason)
        names = _names(objects, found, self._job)
        pair = issue_serving(
            signer,
            now=now,
            dns_names=names.dns_names,
            ip_addresses=names.ip_addresses,
            key_type=self._key_type(found),
        )
        trusted = [found.authority.ders[ca.fingerprint] for ca in self._needed(found, now)]
        known = merge_bundles(objects.secret.data.get(CA_CRT, b""), _joined(trusted), now=now)
        data = {TLS_CRT: pair.cert_pem, TLS_KEY: pair.key_pem, CA_CRT: known}
        write_secret(self._api, objects.secret, data)

    def _needed(self, found: Found, now: datetime) -> tuple[CaCert, ...]:
        return needed(found.rollout, self._job.pace, now)

    def _amend(
        self, objects: Objects, found: Found, *, add: Sequence[CaCert], drop: Sequence[CaCert]
    ) -> None:
        """In every bundle that is not so yet."""
        ders = found.authority.ders
        more, less = ([ders[ca.fingerprint] for ca in cas] for cas in (add, drop))
        changed = {
            hook: amended
            for hook in found.webhooks
            if (amended := amend_bundle(hook.ca_bundle, add=more, drop=less)) != hook.ca_bundle
        }
        write_ca_bundles(self._api, changed)
        held = objects.secret.data.get(CA_CRT, b"")
        if found.pair and (amended := amend_bundle(held, add=more, drop=less)) != held:
            write_secret(self._api, objects.secret, {CA_CRT: amended})

    def _key_type(self, found: Found) -> KeyType:
        """What was asked for, or what the certificate that is served has."""
        if self._job.key_type:
            return self._job.key_type
        return KeyType.RSA if found.pair and found.pair.rsa else KeyType.ECDSA


def _names(objects: Objects, found: Found, job: ClusterJob) -> Names:
    """What the next certificate is for: what was asked for, or what this one is for."""
    wish = job.wish
    if wish.dns_names or wish.ip_addresses:
        return Names(dns_names=wish.dns_names, ip_addresses=wish.ip_addresses)
    cert = found.pair.cert if found.pair else read_pair(objects.secret).cert
    return Names(dns_names=cert.dns_names, ip_addresses=cert.ip_addresses)


def _check_target(objects: Objects, found: Found, job: ClusterJob) -> None:
    """Raise CertificateError when what was named cannot be what was meant."""
    _names(objects, found, job)
    signer = found.rollout.signer
    if job.strict and isinstance(signer, Missing) and not found.made_elsewhere:
        label = str(objects.ca_secret)
        problem = "is not there or empty; expected the CA's Secret, which bootstrap makes"
        raise CertificateError(label, problem)
    if job.strict and not job.unregistered and objects.absent and not objects.webhooks:
        label = " and ".join(map(str, objects.absent))
        problem = "is not registered; expected the configurations that --webhook-config names"
        raise CertificateError(label, problem)
    if found.stranded:
        hook = found.stranded[0]
        problem = f"calls {printable(hook.host)}, which the names asked for leave out; expected it "
        problem += "among them, or the webhook to call one of them first"
        raise CertificateError(str(hook), problem)
    if objects.webhooks and not found.webhooks:
        wanted = " ".join(sorted({hook.host for hook in objects.webhooks}))
        problem = f"call {printable(wanted)}, which the certificate is not for; expected --service "
        problem += "and --namespace, or --dns-name, to say so"
        raise CertificateError("the webhooks of " + ", ".join(job.target.webhook_configs), problem)


def _unverified(objects: Objects, found: Found) -> Iterator[tuple[WebhookView, str]]:
    chain = objects.secret.data.get(TLS_CRT, b"")
    for hook in found.webhooks if found.pair else ():
        try:
            if not signed_by(chain, merge_bundles(hook.ca_bundle, now=_ALWAYS)):
                yield hook, "its caBundle does not verify the certificate"
        except CertificateError as error:
            yield hook, f"its caBundle verifies nothing: {error.problem}"


def _joined(ders: Iterable[bytes]) -> bytes:
    return b"".join(map(pem_of, ders))
