"""The validations of a compiled policy: each is one cause of a refusal, worded as the webhook's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from webhook.core.names import Action, Mode, Reason, Verdict
from webhook.core.policy import Exemption, Policy, Rules
from webhook.core.trial import RECONFIGURING
from webhook.native.cel import (
    FALSE,
    TRUE,
    both,
    chosen,
    either,
    globbed,
    list_of,
    literal,
    map_of,
    negated,
    numbers,
    one_of,
)
from webhook.native.ground import Ground, making
from webhook.native.variables import (
    Variables,
    allowed_test,
    exempt_name,
    permitted,
    permitted_none,
)

MOST_NAMED = 10
CREATED = "variables.created"
_JUDGED = "variables.class_judged && variables.class_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """``refused`` holds for a pod that is refused; ``message`` is an expression, '' where ``plain``
    says it all, which is said too where the expression fails."""

    refused: str
    plain: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One policy and those of its rules that are in one mode."""

    policy: Policy
    rules: tuple[Rules, ...]
    mode: Mode
    grounds: tuple[Ground, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the rules that are in the mode."""
        return tuple(i for i, rules in enumerate(self.rules) if rules.mode is self.mode)

    @property
    def head(self) -> str:
        """How a message begins."""
        if self.mode is Mode.ENFORCE:
            return f"policy {self.policy.name}: "
        return f"policy {self.policy.name} (mode {self.mode}) would refuse this pod: "


def class_variables(scope: Scope) -> Variables:
    """The class that is judged, and whether an update asks for it again."""
    exemptions = scope.policy.exemptions
    unset_on_create = f"variables.asked == '' && {CREATED}"
    judged = "variables.asked"
    if scope.mode is not Mode.ENFORCE:
        judged = f"({unset_on_create}) ? variables.assigned : variables.asked"
    new = "!(w in variables.old_written)"
    name = "w.split(' ')[0] in variables.old_names"
    return {
        "runtime_class": judged,
        "at": "string(variables.rules) + ' ' + variables.runtime_class",
        "replaced": f"variables.written.exists(w, {new} && {name})",
        "added": f"variables.written.exists(w, {new} && !({name}))",
        "class_refused": _class_refused(scope, old=False),
        "old_class_refused": _class_refused(scope, old=True),
        "class_judged": (
            f"{CREATED} || variables.replaced || (variables.added && !variables.old_class_refused)"
        ),
        "reconfiguring": _reconfiguring(scope),
        "fresh": (
            f"variables.containers.filter(c, {CREATED} || !(string(c.name) in variables.old_names))"
        ),
        "exempt_none": permitted_none(exemptions),
    }


def _class_refused(scope: Scope, *, old: bool) -> str:
    exemptions = scope.policy.exemptions
    allowed = either(
        [
            allowed_test(scope.rules, "variables.runtime_class", old=old),
            permitted(exemptions, "variables.runtime_class", old=old),
        ]
    )
    unset = both([_must_have(scope.rules, old=old), negated(permitted_none(exemptions, old=old))])
    if allowed == TRUE and unset == FALSE:
        return FALSE
    return f"variables.runtime_class != '' ? {negated(allowed)} : ({unset})"


def _must_have(rules: Sequence[Rules], *, old: bool) -> str:
    """Whether rules demand a class or give one, exemptions apart."""
    tests = [
        TRUE if r.runtime_classes.required or r.runtime_classes.default else FALSE for r in rules
    ]
    before = "old_" if old else ""
    must = chosen(f"variables.{before}rules", tests)
    if any(r.runtime_classes.namespace_default for r in rules):
        must = either([must, f"variables.{before}choice != ''"])
    return must


def _reconfiguring(scope: Scope) -> str:
    """The annotations that reconfigure the sandbox and are not allowed; on an update the new."""
    changed = (
        f"{CREATED} || !(k in variables.old_annotations)"
        " || variables.old_annotations[k] != variables.annotations[k]"
    )
    tests = [globbed("k", r.runtime_annotations) for r in scope.rules]
    allowed = chosen("variables.rules", tests)
    test = both([globbed("k", RECONFIGURING), negated(allowed), changed])
    return f"variables.annotations.map(k, string(k)).filter(k, {test})"


def validations_of(scope: Scope) -> Iterator[Validation]:
    """Every cause, in the order in which the webhook names them."""
    if scope.mode is not Mode.ENFORCE and any(r.runtime_classes.default for r in scope.rules):
        yield _would_assign(scope)
    if class_variables(scope)["class_refused"] != FALSE:
        yield _not_allowed(scope)
        yield _required(scope)
    yield from _unknown_class(scope)
    if not all("*" in r.runtime_annotations for r in scope.rules):
        yield annotations_validation(scope)
    for ground in sorted(scope.grounds, key=_rank):
        yield from _of_ground(scope, ground)


_RANKS: Mapping[str, int] = {
    Reason.RUNTIME_INCOMPATIBLE: 0,
    Reason.RUNTIME_DEGRADED: 1,
    Reason.SECURITY_FIELD_IGNORED: 2,
    Reason.RUNTIME_UNVERIFIED: 3,
}


def _rank(ground: Ground) -> int:
    return min(_RANKS[text.rpartition("[")[2].rstrip("]")] for text in ground.texts.values())


def _would_assign(scope: Scope) -> Validation:
    head = f"policy {scope.policy.name} (mode {scope.mode}) would assign runtimeClassName: "
    unset = both([CREATED, "variables.asked == ''", "variables.assigned != ''"])
    return Validation(
        refused=unset,
        message=f"{literal(head)} + variables.assigned",
        plain=f"policy {scope.policy.name} (mode {scope.mode}) would assign a RuntimeClass",
    )


def _listed(names: Sequence[str]) -> str:
    more = ("…",) if len(names) > MOST_NAMED else ()
    return ", ".join((*names[:MOST_NAMED], *more)) or "none"


def _allowed_names(scope: Scope) -> str:
    return chosen(
        "variables.rules", [literal(_listed(r.runtime_classes.allowed)) for r in scope.rules]
    )


def _not_allowed(scope: Scope) -> Validation:
    message = (
        f"{literal(scope.head + 'RuntimeClass ')} + variables.runtime_class + "
        f"' is not allowed in namespace ' + request.namespace + '; allowed: ' + "
        f"{_allowed_names(scope)} + {literal(_code(Reason.RUNTIME_CLASS_NOT_ALLOWED))}"
    )
    return Validation(
        refused=f"variables.runtime_class != '' && {_JUDGED}",
        message=message,
        plain=f"{scope.head}the RuntimeClass is not allowed"
        + _code(Reason.RUNTIME_CLASS_NOT_ALLOWED),
    )


def _required(scope: Scope) -> Validation:
    defaults = [
        f"; {making(r.runtime_classes.default)}" if r.runtime_classes.default else ""
        for r in scope.rules
    ]
    message = (
        f"{literal(scope.head + 'pods in namespace ')} + request.namespace + "
        f"' must set runtimeClassName; allowed: ' + {_allowed_names(scope)} + "
        f"{chosen('variables.rules', [literal(text) for text in defaults])} + "
        f"{literal(_code(Reason.RUNTIME_CLASS_REQUIRED))}"
    )
    return Validation(
        refused=f"variables.runtime_class == '' && {_JUDGED}",
        message=message,
        plain=f"{scope.head}the pod must set runtimeClassName"
        + _code(Reason.RUNTIME_CLASS_REQUIRED),
    )


def _code(reason: Reason) -> str:
    return f" [{reason}]"


def unknown_denied(rules: Sequence[Rules]) -> tuple[int, ...]:
    """The numbers of the rules that refuse a class of which the inventory says nothing."""
    return tuple(i for i, r in enumerate(rules) if r.actions[Verdict.UNKNOWN] is Action.DENY)


def _unknown_class(scope: Scope) -> Iterator[Validation]:
    """A class that the inventory does not know: the compiler says which are."""
    denied = unknown_denied(scope.rules)
    if not denied:
        return
    within = TRUE if len(denied) == len(scope.rules) else f"variables.rules in {numbers(denied)}"
    text = " is not in the inventory, and the policy refuses what is unknown"
    yield Validation(
        refused=both(
            [CREATED, "variables.runtime_class != ''", within, negated("variables.declared")]
        ),
        message=f"{literal(scope.head + 'RuntimeClass ')} + variables.runtime_class + "
        f"{literal(text + _code(Reason.RUNTIME_CLASS_UNKNOWN))}",
        plain=f"{scope.head}the RuntimeClass{text}{_code(Reason.RUNTIME_CLASS_UNKNOWN)}",
    )


def binding_variables(allowed: Sequence[str]) -> Variables:
    """What is read of a Binding under rules that allow the annotations ``allowed``."""
    test = both([globbed("k", RECONFIGURING), negated(globbed("k", allowed))])
    return {"reconfiguring": f"variables.annotations.map(k, string(k)).filter(k, {test})"}


def annotations_validation(scope: Scope) -> Validation:
    """Annotations that reconfigure the sandbox, of a pod or of a Binding."""
    says = " reconfigures the sandbox and is not allowed"
    reason = _code(Reason.RUNTIME_ANNOTATION_NOT_ALLOWED)
    return Validation(
        refused="variables.reconfiguring.size() > 0",
        message=f"{literal(scope.head + 'annotation ')} + variables.reconfiguring.join(', ') + "
        f"{literal(says + reason)}",
        plain=f"{scope.head}an annotation{says}{reason}",
    )


def _of_ground(scope: Scope, ground: Ground) -> Iterator[Validation]:
    texts = {at: text for at, text in ground.texts.items() if at[0] in scope.numbers}
    if not texts:
        return
    value, words = _worded(scope, texts)
    exempt = _exempt(scope.policy.exemptions, ground.exempt, old=False)
    test = ground_test(scope.policy.exemptions, ground, on_update=True)
    same = len(set(words.values())) == 1
    spoken = f"{literal(scope.head)} + {map_of(words)}[?{value}].orValue('')"
    yield Validation(
        refused=both([one_of(value, sorted(words)), negated(exempt), test]),
        message="" if same else spoken,
        plain=scope.head + (next(iter(words.values())) if same else _in_short(words)),
    )


def _in_short(words: Mapping[str, str]) -> str:
    """What is said should the expression fail, which nothing known makes it do."""
    first = next(iter(words.values()))
    return f"the RuntimeClass does not run this pod [{first.rpartition('[')[2]}"


def _worded(scope: Scope, texts: Mapping[tuple[int, str], str]) -> tuple[str, dict[str, str]]:
    """The words by class alone, where all rules say the same of it, else by rules and class."""
    classes = {runtime_class for _, runtime_class in texts}
    by_class = {c: {texts.get((i, c)) for i in scope.numbers} for c in sorted(classes)}
    if all(len(said) == 1 for said in by_class.values()):
        return "variables.runtime_class", {c: str(said.pop()) for c, said in by_class.items()}
    return "variables.at", {f"{i} {c}": text for (i, c), text in sorted(texts.items())}


def _exempt(exemptions: Sequence[Exemption], which: Sequence[int], *, old: bool) -> str:
    return either(f"variables.{exempt_name(exemptions[i], old)}" for i in which)


def ground_test(exemptions: Sequence[Exemption], ground: Ground, *, on_update: bool) -> str:
    """Whether the pod has the cause; on an update, whether it is new or was exempt before."""
    before = _exempt(exemptions, ground.exempt, old=True) if not ground.partly else FALSE
    everywhere = either([CREATED, before]) if on_update else TRUE  # in this order
    parts = [both([either([everywhere, ground.anew]), ground.in_pod])]
    if ground.in_container != FALSE:
        fresh = (
            "variables.fresh"
            if before == FALSE
            else (f"({everywhere} ? variables.containers : variables.fresh)")
        )
        where = fresh if on_update else "variables.containers"
        parts.append(f"{where}.exists(c, {ground.in_container})")
    if ground.application != FALSE:
        parts.append(_application_test(ground, everywhere))
    return either(parts)


def _application_test(ground: Ground, everywhere: str) -> str:
    """Whether some container is the application; on an update, one that was not so before."""
    if everywhere == TRUE:
        return f"variables.containers.exists(c, {ground.application})"
    old = ground.application.replace("variables.images", "variables.old_images")
    was = f"variables.old_containers.exists(o, o.name == n && [o].exists(c, {old}))"
    new = either([everywhere, f"![string(c.name)].exists(n, {was})"])
    return f"variables.containers.exists(c, {both([ground.application, new])})"


def handler_validation(scope: Scope, handlers: Mapping[str, str]) -> Validation:
    """A RuntimeClass, given as ``params``, that means another handler than the inventory says."""
    expected = f"{map_of(handlers)}[?params.metadata.name].orValue(params.handler)"
    return Validation(
        refused=f"params.metadata.name == variables.runtime_class && params.handler != {expected}",
        message=(
            f"{literal(scope.head + 'RuntimeClass ')} + params.metadata.name + ' means handler ' + "
            f"params.handler + ' in this cluster, but the inventory says ' + {expected} + "
            f"{literal(_code(Reason.HANDLER_MISMATCH))}"
        ),
        plain=f"{scope.head}the RuntimeClass means another handler than the inventory says"
        + _code(Reason.HANDLER_MISMATCH),
    )


def declared_test(classes: Sequence[str]) -> str:
    """Whether the inventory says what the class means."""
    return f"variables.runtime_class in {list_of(classes)}"
