"""The API server spoken to without kubectl: a hundred requests a second instead of ten."""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from tests.controlplane.cluster import ControlPlane

CONFLICT = 409
SEEN_WITHIN_SECONDS = 90
IDLE_SECONDS = 30
"""After which a connection is made anew: the API server ends idle ones after 90."""
LEFT_OF_TODAY = timedelta(minutes=5)
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
_ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_AT_HOME = "/api/v1/namespaces/default"
_PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the API server answered: the object or Status, and its warnings."""

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return self.status < 300

    @property
    def message(self) -> str:
        """The Status's message; '' of an object."""
        return str(self.body.get("message", "")) if not self.ok else ""


@dataclass(slots=True)
class Plane:
    """One connection to a control plane as admin, who may impersonate."""

    plane: ControlPlane
    _connection: http.client.HTTPSConnection = field(init=False)
    _asked_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """Connect."""
        trust = ssl.create_default_context(cadata=self.plane.ca_pem)
        at = urlsplit(self.plane.url)
        self._connection = http.client.HTTPSConnection(
            str(at.hostname), at.port, context=trust, timeout=60
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        user: str = "",
        groups: Iterable[str] = (),
    ) -> Answer:
        """One request, as somebody else where ``user`` is given."""
        if time.monotonic() - self._asked_at > IDLE_SECONDS:
            self._connection.close()  # the next request makes it anew
        self._connection.putrequest(method, path)
        data = json.dumps(body).encode() if body is not None else b""
        headers = {
            "Authorization": f"Bearer {self.plane.token('admin')}",
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **({"Impersonate-User": user} if user else {}),
        }
        for name, value in headers.items():
            self._connection.putheader(name, value)
        for group in groups if user else ():
            self._connection.putheader("Impersonate-Group", group)
        self._connection.endheaders(data)
        answer = self._connection.getresponse()
        raw = answer.read()
        self._asked_at = time.monotonic()
        warnings = tuple(
            value.split('"', 1)[1].rsplit('"', 1)[0].replace('\\"', '"')
            for name, value in answer.getheaders()
            if name.lower() == "warning"
        )
        as_json = "json" in (answer.getheader("Content-Type") or "")
        content = json.loads(raw) if as_json else {"message": raw.decode()}
        return Answer(status=answer.status, body=content, warnings=warnings)

    def must(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """A request that has to succeed."""
        answer = self.ask(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status} {answer.message[:2000]}"
        return answer

    def apply(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Store exactly these admission policies, and return when they are in force."""
        wanted = {(d["kind"], d["metadata"]["name"]): d for d in documents}
        self._remove_others(wanted)
        for (kind, name), document in wanted.items():
            self._store(f"{ADMISSION}/{_PLURALS[kind]}", name, document)
        self.settle()

    def _store(self, at: str, name: str, document: Mapping[str, Any]) -> None:
        """Make it, or replace what is there, however often the type checker writes its status."""
        if self.ask("POST", at, document).ok:
            return
        for _ in range(20):
            there = self.must("GET", f"{at}/{name}").body["metadata"]["resourceVersion"]
            metadata = {**document["metadata"], "resourceVersion": there}
            answer = self.ask("PUT", f"{at}/{name}", {**document, "metadata": metadata})
            if answer.status != CONFLICT:
                break
        assert answer.ok, f"{name}: {answer.status} {answer.message[:2000]}"

    def _remove_others(self, wanted: Iterable[tuple[str, str]]) -> None:
        kept = set(wanted)
        for kind, plural in _PLURALS.items():
            for item in self.must("GET", f"{ADMISSION}/{plural}").body["items"]:
                name = item["metadata"]["name"]
                if (kind, name) not in kept:
                    self.must("DELETE", f"{ADMISSION}/{plural}/{name}")

    def until_may(self, user: str, verb: str, resource: str, sub: str = "") -> None:
        """Return once the API server goes by a right in every namespace: it is seen by a watch."""
        asked = {"verb": verb, "resource": resource, "subresource": sub}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": asked},
        }
        deadline = time.monotonic() + SEEN_WITHIN_SECONDS
        while not self.must("POST", _ACCESS, review).body["status"]["allowed"]:
            assert time.monotonic() < deadline, f"{user} may not {verb} {resource}"
            time.sleep(0.05)

    def define(self, definition: Mapping[str, Any]) -> None:
        """Store a CustomResourceDefinition, and return when its objects are served."""
        self.must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        spec = definition["spec"]
        served = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        deadline = time.monotonic() + SEEN_WITHIN_SECONDS
        while not self.ask("GET", served).ok:
            assert time.monotonic() < deadline, f"{served} is not served"
            time.sleep(0.05)

    def put_classes(self, classes: Iterable[Mapping[str, Any]]) -> None:
        """Store exactly these RuntimeClasses, and return when admission goes by them.

        It reads them by a watch of its own, which the sentinels of policies say nothing of. For the
        time no policy is in force.
        """
        self.apply([])
        there = [o["metadata"]["name"] for o in self.must("GET", CLASSES).body["items"]]
        for name in there:
            self.must("DELETE", f"{CLASSES}/{name}")
        wanted = {}
        for each in classes:
            wanted[each["metadata"]["name"]] = self.must("POST", CLASSES, each).body
        deadline = time.monotonic() + SEEN_WITHIN_SECONDS
        for name in {*there, *wanted}:
            while not self._goes_by(name, wanted.get(name)):
                assert time.monotonic() < deadline, f"RuntimeClass {name} is not seen as it is"
                time.sleep(0.05)

    def _goes_by(self, name: str, runtime_class: Mapping[str, Any] | None) -> bool:
        """Whether a pod of the class gets what the class says, or is refused for want of it."""
        spec = {"runtimeClassName": name, "containers": [{"name": "main", "image": "probe"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
        answer = self.ask("POST", f"{_AT_HOME}/pods?dryRun=All", pod)
        if runtime_class is None or not answer.ok:
            return runtime_class is None and not answer.ok
        overhead = runtime_class.get("overhead", {}).get("podFixed")
        selector = runtime_class.get("scheduling", {}).get("nodeSelector")
        given = answer.body["spec"]
        return (given.get("overhead"), given.get("nodeSelector")) == (overhead, selector)

    def settle(self) -> None:
        """Wait until all is in force: what is stored before a sentinel is seen before it.

        Policies, bindings and Namespaces come to the API server by watches of their own: so each
        has a sentinel of this round. A binding that is there since an earlier round would show a
        policy before the newer bindings are seen.
        """
        token = secrets.token_hex(8)
        self._label_home(token)
        sentinels = [(_PLURALS[document["kind"]], document) for document in _sentinels(token)]
        for plural, document in sentinels:
            self.must("POST", f"{ADMISSION}/{plural}", document)
        probe = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "sentinel", "labels": {"sentinel": "yes"}},
        }
        deadline = time.monotonic() + SEEN_WITHIN_SECONDS
        while True:
            answer = self.ask("POST", f"{_AT_HOME}/configmaps?dryRun=All", probe)
            told = any(token in warning for warning in answer.warnings)
            if told and answer.body["metadata"].get("annotations", {}).get("token") == token:
                break
            assert time.monotonic() < deadline, "the policies are not in force"
            time.sleep(0.05)
        for plural, document in sentinels:
            self.must("DELETE", f"{ADMISSION}/{plural}/{document['metadata']['name']}")
        time.sleep(0.2)

    def _label_home(self, token: str) -> None:
        """Give the namespace of the probes the label by which the sentinels select it."""
        for _ in range(20):
            home = self.must("GET", _AT_HOME).body
            home["metadata"]["labels"]["sentinel"] = token
            answer = self.ask("PUT", _AT_HOME, home)
            if answer.status != CONFLICT:
                break
        assert answer.ok, answer.message


def runtime_classes(handlers: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    """RuntimeClasses that have a handler and nothing else."""
    kind = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass"}
    for name, handler in handlers.items():
        yield {**kind, "metadata": {"name": name}, "handler": handler}


def lasting_today() -> date:
    """The server's day, of which enough is left for a test that asks it about today."""
    now = datetime.now(UTC)  # noqa: TID251 - the server's clock is what is tested
    later = now + LEFT_OF_TODAY
    if later.date() != now.date():
        midnight = later.replace(hour=0, minute=0, second=1, microsecond=0)
        time.sleep((midnight - now).total_seconds())
    return later.date()


def _sentinels(token: str) -> tuple[dict[str, Any], ...]:
    """A policy of either kind and its binding, of names of this round, that show in the answer."""
    name = f"sentinel-{token}"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps"],
    }
    constraints = {
        "resourceRules": [rule],
        "namespaceSelector": {"matchLabels": {"sentinel": token}},
        "objectSelector": {"matchLabels": {"sentinel": "yes"}},
    }
    api = {"apiVersion": "admissionregistration.k8s.io/v1"}
    named = {**api, "metadata": {"name": name}}
    patch = (
        f"[JSONPatch{{op: 'add', path: '/metadata/annotations', value: {{'token': '{token}'}}}}]"
    )
    return (
        {
            **named,
            "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "matchConstraints": constraints,
                "validations": [{"expression": "false", "message": token}],
            },
        },
        {
            **named,
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {"policyName": name, "validationActions": ["Warn"]},
        },
        {
            **named,
            "kind": "MutatingAdmissionPolicy",
            "spec": {
                "matchConstraints": constraints,
                "reinvocationPolicy": "Never",
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
            },
        },
        {
            **named,
            "kind": "MutatingAdmissionPolicyBinding",
            "spec": {"policyName": name},
        },
    )
