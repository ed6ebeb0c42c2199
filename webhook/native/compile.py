"""Policies → ValidatingAdmissionPolicies and MutatingAdmissionPolicies with their bindings. Pure.

What is compiled decides as ``core.decision`` does; what cannot be exact lets the pod through and is
listed. The classes of an object: one mutating policy a RuntimePolicy that gives a class, and one
validating policy for each mode that its rules are in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from webhook.core.compat import CompatTable
from webhook.core.names import ASSIGNED_BY, Mode
from webhook.core.policy import Exemption, Policy, PolicySet, Rules
from webhook.core.runtimes import Inventory
from webhook.core.snapshot import Snapshot
from webhook.native.cel import FALSE, TRUE, both, chosen, either, literal, negated, numbers
from webhook.native.grounds import Grounds, grounds_of
from webhook.native.judged import Judge
from webhook.native.leftout import guards_left_out, omissions_of
from webhook.native.objects import (
    ACTIONS,
    Asked,
    conditions,
    constraints,
    document,
    labelled,
    validation,
    variable_list,
)
from webhook.native.omitted import Omission
from webhook.native.validations import (
    Scope,
    Validation,
    annotations_validation,
    binding_variables,
    class_variables,
    declared_test,
    ground_test,
    handler_validation,
    unknown_denied,
    validations_of,
)
from webhook.native.variables import (
    Variables,
    exempt_name,
    kept,
    may_share,
    pod_variables,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to compile: ``alone`` where no webhook runs beside.

    ``softened`` makes all that enforces warn or audit; ``bound`` False leaves the bindings out.
    """

    prefix: str = "runtimegate-"
    alone: bool = False
    softened: Mode | None = None
    bound: bool = True
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """The objects in the order to apply them, and what of the policies they do not say."""

    documents: tuple[Mapping[str, Any], ...]
    omissions: tuple[Omission, ...]
    label: str
    """The value of ``COMPILED_LABEL`` that all of them bear."""


def compile_policies(
    *,
    policies: PolicySet,
    inventory: Inventory,
    compat: CompatTable,
    today: date,
    revision: str,
    settings: Settings,
) -> Compiled:
    """All objects of a policy folder; raises CompileError where one is too large."""
    snapshot = Snapshot(policies=policies, inventory=inventory, compat=compat, today=today)
    documents: list[dict[str, Any]] = []
    omissions: list[Omission] = []
    known: dict[object, tuple[bool, bool]] = {}
    for rank, policy in enumerate(policies.policies):
        one = _Compiler(
            policy=policy,
            above=tuple(
                p for p in policies.policies[:rank] if may_share(p.namespaces, policy.namespaces)
            ),
            snapshot=snapshot,
            settings=settings,
            revision=revision,
            known=known,
        )
        documents += one.documents()
        omissions += one.omissions()
    omissions += guards_left_out(inventory.guards)
    label = labelled(documents)
    return Compiled(documents=tuple(documents), omissions=tuple(omissions), label=label)


def _that_matter(exemptions: Sequence[Exemption], today: date) -> Iterator[Exemption]:
    """Those in force; of the others what tells that a pod was let in by them once."""
    for exemption in exemptions:
        if not exemption.expired(today):
            yield exemption
        elif exemption.runtime_classes:
            yield replace(exemption, features=())


def _softened(policy: Policy, most: Mode | None) -> Policy:
    if most is None:
        return policy

    def soft(rules: Rules) -> Rules:
        return replace(rules, mode=most) if rules.mode is not Mode.AUDIT else rules

    overrides = tuple(replace(o, rules=soft(o.rules)) for o in policy.overrides)
    return replace(policy, rules=soft(policy.rules), overrides=overrides)


class _Compiler:
    """One policy on its way to objects: what its parts have in common."""

    def __init__(
        self,
        *,
        policy: Policy,
        above: tuple[Policy, ...],
        snapshot: Snapshot,
        settings: Settings,
        revision: str,
        known: dict[object, tuple[bool, bool]],
    ) -> None:
        today = snapshot.today
        every = (policy.rules, *(o.rules for o in policy.overrides))
        self.all_enforced = all(rules.mode is Mode.ENFORCE for rules in every)
        policy = _softened(policy, settings.softened)
        self.policy = replace(policy, exemptions=tuple(_that_matter(policy.exemptions, today)))
        self.rules = (policy.rules, *(o.rules for o in policy.overrides))
        self.above = above
        self.snapshot = snapshot
        self.settings = settings
        self.revision = revision
        self.found: Grounds = grounds_of(Judge(self.policy, snapshot, known), self.rules)
        self.modes = tuple(dict.fromkeys(r.mode for r in self.rules))
        self.pod = pod_variables(self.policy, self.rules, above)

    def documents(self) -> Iterator[dict[str, Any]]:
        """The objects, each policy before its binding."""
        if giving := self._giving():
            yield from self._mutating(giving)
        for mode in self.modes:
            yield from self._validating(mode)
        yield from self._of_bindings()

    def omissions(self) -> Iterator[Omission]:
        """What is left out."""
        yield from omissions_of(
            self.policy,
            self.rules,
            unsure=self.found.unsure,
            alone=self.settings.alone,
        )

    # ------------------------------------------------------------------ the class that is assigned

    def _giving(self) -> tuple[int, ...]:
        """The numbers of the rules under which this gives a class to a pod that names none."""
        return tuple(
            i
            for i, rules in enumerate(self.rules)
            if rules.mode is Mode.ENFORCE
            and (rules.runtime_classes.default or rules.runtime_classes.namespace_default)
            and (self.settings.alone or not rules.runtime_classes.fallback)
        )

    def _assigned(self) -> str:
        """The class of a pod that names none: the default, or the fallback where that is certain
        to be needed and would do as far as is known."""
        with_fallback = [i for i, r in enumerate(self.rules) if r.runtime_classes.fallback]
        if not with_fallback:
            return "variables.chosen"
        choices = [self._first_that_does(i) for i in range(len(self.rules))]
        return chosen("variables.rules", choices)

    def _first_that_does(self, number: int) -> str:
        classes = self.rules[number].runtime_classes
        candidates = [c for c in classes.fallback if self._may_be(number, c)]
        if not candidates:
            return "variables.chosen"
        tail = "variables.chosen"
        for candidate in reversed(candidates):
            refused = self._refused_on(number, literal(candidate))
            tail = f"!({refused}) ? {literal(candidate)} : ({tail})"
        chosen_refused = self._refused_on(number, "variables.chosen")
        return f"(variables.chosen == '' || !({chosen_refused})) ? variables.chosen : ({tail})"

    def _may_be(self, number: int, runtime_class: str) -> bool:
        declared = runtime_class in self.snapshot.inventory.by_class
        unknown = number in unknown_denied(self.rules) and not declared
        return self.rules[number].runtime_classes.allows(runtime_class) and not unknown

    def _refused_on(self, number: int, runtime_class: str) -> str:
        """Whether the table refuses the pod for certain on the class of an expression."""
        tests = []
        for index, ground in enumerate(self.found.grounds):
            if on := sorted(c for i, c in ground.texts if i == number and c):
                within = f"{runtime_class} in [{', '.join(map(literal, on))}]"
                tests.append(both([within, f"variables.cause_{index}"]))
        return either(tests)

    def _causes(self) -> Variables:
        """A variable for every cause, so that each is written once for all classes."""
        found = {}
        for index, ground in enumerate(self.found.grounds):
            exempt = either(
                f"variables.{exempt_name(self.policy.exemptions[i])}" for i in ground.exempt
            )
            test = ground_test(self.policy.exemptions, ground, on_update=False)
            found[f"cause_{index}"] = both([negated(exempt), test])
        return found

    # ------------------------------------------------------------------------------- the documents

    def _mutating(self, giving: tuple[int, ...]) -> Iterator[dict[str, Any]]:
        within = TRUE if len(giving) == len(self.rules) else f"variables.rules in {numbers(giving)}"
        names = [self.policy.name, *(f"{self.policy.name}/{o.name}" for o in self.policy.overrides)]
        by = chosen("variables.rules", [literal(name) for name in names])
        gives = both([self._governed, within, "variables.assigned != ''"])
        key = literal(ASSIGNED_BY)
        patch = (
            f"!({gives}) ? [] : "
            "(has(object.metadata.annotations) ? [] : "
            "[JSONPatch{op: 'add', path: '/metadata/annotations', value: {}}]) + "
            f"[JSONPatch{{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey({key}), "
            f"value: {by}}}, "
            "JSONPatch{op: 'add', path: '/spec/runtimeClassName', value: variables.assigned}]"
        )
        given = {**self.pod, **self._causes(), "assigned": self._assigned()}
        variables = kept(given, [patch])
        spec = {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": constraints(self.policy, self.settings.excluded, Asked.MADE),
            "matchConditions": [
                *conditions(self.policy, Asked.MADE),
                {
                    "name": "names-no-class",
                    "expression": "object.spec.?runtimeClassName.orValue('') == ''",
                },
            ],
            "variables": variable_list(variables),
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        }
        name = f"{self.settings.prefix}{self.policy.name}"
        yield self._made("MutatingAdmissionPolicy", name, spec)
        if self.settings.bound:
            yield self._made("MutatingAdmissionPolicyBinding", name, {"policyName": name})

    def _validating(self, mode: Mode) -> Iterator[dict[str, Any]]:
        scope = Scope(policy=self.policy, rules=self.rules, mode=mode, grounds=self.found.grounds)
        suffix = "" if len(self.modes) == 1 or mode is self.rules[0].mode else f".{mode}"
        name = f"{self.settings.prefix}{self.policy.name}{suffix}"
        found = [v for v in validations_of(scope) if v.refused != FALSE]
        variables = self._variables_of(scope)
        if found:
            yield from self._policy_and_binding(
                name, mode, found, variables, asked=Asked.MADE_OR_CHANGED
            )
        if handlers := self._handlers():
            # A policy of its own: all of it is evaluated for each RuntimeClass that there is.
            yield from self._policy_and_binding(
                f"{name}.handlers",
                mode,
                [handler_validation(scope, handlers)],
                variables,
                asked=Asked.MADE,
                per_class=True,
            )

    def _of_bindings(self) -> Iterator[dict[str, Any]]:
        """A policy for the annotations of Bindings, where one could refuse any.

        As ``core.decision`` has it: the pod is not sent, so what some rules allow is let through.
        """
        allowed = [glob for rules in self.rules for glob in rules.runtime_annotations]
        if "*" in allowed or not self.all_enforced:
            return
        mode = self.settings.softened or Mode.ENFORCE
        scope = Scope(policy=self.policy, rules=self.rules, mode=mode, grounds=())
        variables = {**self.pod, **binding_variables(allowed), "judged": self._governed}
        yield from self._policy_and_binding(
            f"{self.settings.prefix}{self.policy.name}.bindings",
            mode,
            [annotations_validation(scope)],
            variables,
            asked=Asked.BOUND,
        )

    def _handlers(self) -> Mapping[str, str]:
        """What the inventory says of the handlers of its classes."""
        by_class = self.snapshot.inventory.by_class
        return {name: of.handler for name, of in sorted(by_class.items()) if of.handler}

    def _policy_and_binding(
        self,
        name: str,
        mode: Mode,
        found: Sequence[Validation],
        variables: Variables,
        *,
        asked: Asked,
        per_class: bool = False,
    ) -> Iterator[dict[str, Any]]:
        guard = [] if variables["judged"] == TRUE else ["variables.judged"]
        read = [*guard, *(v.refused for v in found), *(v.message for v in found)]
        params = {"paramKind": {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass"}}
        spec = {
            "failurePolicy": "Fail" if mode is Mode.ENFORCE else "Ignore",
            **(params if per_class else {}),
            "matchConstraints": constraints(self.policy, self.settings.excluded, asked),
            "matchConditions": conditions(self.policy, asked),
            "variables": variable_list(kept(variables, read)),
            "validations": [validation(v, variables["judged"]) for v in found],
        }
        yield self._made("ValidatingAdmissionPolicy", name, spec)
        if self.settings.bound:
            # A class that is not there any more is none that a pod can name.
            every = {"paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"}}
            binding = {
                "policyName": name,
                **(every if per_class else {}),
                "validationActions": [ACTIONS[mode]],
            }
            yield self._made("ValidatingAdmissionPolicyBinding", name, binding)

    def _variables_of(self, scope: Scope) -> Variables:
        everywhere = len(scope.numbers) == len(self.rules)
        mine = TRUE if everywhere else f"variables.rules in {numbers(scope.numbers)}"
        return {
            **self.pod,
            **self._causes(),
            "assigned": self._assigned(),
            **class_variables(scope),
            "declared": declared_test(sorted(self.snapshot.inventory.by_class)),
            "judged": both([self._governed, mine]),
        }

    @property
    def _governed(self) -> str:
        """Whether no policy of higher rank is the namespace's."""
        return TRUE if self.pod["governed"] == TRUE else "variables.governed"

    def _made(self, kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        return document(kind, name, spec, policy=self.policy.name, revision=self.revision)
