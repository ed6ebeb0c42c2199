"""The variables of a compiled policy: the pod as the core reads it, in CEL.

They are evaluated only where an expression asks for them; what nothing asks for is left out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from webhook.core.names import NAMESPACE_DEFAULT
from webhook.core.policy import (
    Exemption,
    LabelRequirement,
    LabelSelector,
    NamespaceSelector,
    PodSelector,
    Policy,
    Rules,
)
from webhook.native.cel import (
    FALSE,
    TRUE,
    both,
    chosen,
    either,
    globbed,
    literal,
    matches,
    negated,
    numbers,
    one_of,
)
from webhook.native.references import pattern_regex, reference

Variables = dict[str, str]

_READ = re.compile(r"\bvariables\.([A-Za-z_][A-Za-z0-9_]*)")
_OLD = "old_"


def kept(variables: Variables, expressions: Iterable[str]) -> Variables:
    """Those of ``variables`` that the expressions read, and those that these read."""
    wanted: set[str] = set()
    todo = [name for expression in expressions for name in _READ.findall(expression)]
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += _READ.findall(variables[name])
    return {name: text for name, text in variables.items() if name in wanted}


def exempt_name(exemption: Exemption, old: bool = False) -> str:
    """The variable that says whether the pod has an exemption."""
    return f"{_OLD if old else ''}exempt_{exemption.name.replace('-', '_')}"


def _once_exempt(exemption: Exemption) -> str:
    """The variable that says whether the pod as it was may have been let in by an exemption."""
    return f"once_{exempt_name(exemption)}"


def pod_variables(policy: Policy, rules: Sequence[Rules], above: Sequence[Policy]) -> Variables:
    """Everything that expressions may read of a pod under ``policy``."""
    return {
        "namespace_labels": "namespaceObject.metadata.?labels.orValue({})",
        "namespace_annotations": "namespaceObject.metadata.?annotations.orValue({})",
        "governed": negated(either(namespace_test(p.namespaces) for p in above)),
        "labels": "object.metadata.?labels.orValue({})",
        "annotations": "object.metadata.?annotations.orValue({})",
        "old_annotations": "oldObject.metadata.?annotations.orValue({})",
        "service_account": _SERVICE_ACCOUNT,
        "times": _TIMES,
        **_contents(policy, "object", ""),
        **_contents(policy, "oldObject", _OLD),
        "asked": "object.spec.?runtimeClassName.orValue('')",
        "choice": _choice(rules),
        "old_choice": _choice(rules, old=True),
        "chosen": _chosen(policy, rules),
        "created": "request.operation == 'CREATE'",
    }


_SERVICE_ACCOUNT = (
    "[string(object.spec.?serviceAccountName.orValue('')), "
    "string(object.spec.?serviceAccount.orValue('')), 'default'].filter(s, s != '')[0]"
)
_TIMES = (
    "object.metadata.?managedFields.orValue([]).filter(f, has(f.time)).map(f, timestamp(f.time))"
    " + [object.metadata.?creationTimestamp.orValue(null)].filter(t, t != null)"
    ".map(t, timestamp(t))"
)
"""Times of which one is now: the API server writes the field manager's before admission, and the
time of creation before validation; CEL has no clock."""


def _contents(policy: Policy, root: str, before: str) -> Variables:
    containers = f"variables.{before}containers"
    found = {
        f"{before}containers": " + ".join(
            f"dyn({root}.spec.{key})"
            if key == "containers"
            else f"dyn({root}.spec.?{key}.orValue([]))"
            for key in ("containers", "initContainers", "ephemeralContainers")
        ),
        f"{before}names": f"{containers}.map(c, string(c.name))",
        f"{before}written": f"{containers}.map(c, c.name + ' ' + c.?image.orValue(''))",
        f"{before}images": (
            f"{containers}.transformMapEntry(i, c, {{string(c.name): {reference(_image('c'))}}})"
        ),
    }
    images = f"variables.{before}images"
    for exemption in policy.exemptions:
        name = exempt_name(exemption, bool(before))
        test = pod_test(exemption.pods, images, every=True)
        found[name] = both([_unexpired(exemption.expires), test])
        if before:
            once = exemption.pods.without_free_labels
            found[_once_exempt(exemption)] = pod_test(once, images, every=True)
    overrides = ", ".join(pod_test(o.pods, images, every=False) for o in policy.overrides)
    found[f"{before}rules"] = f"[{overrides}].indexOf(true) + 1" if overrides else "0"
    return found


def _image(container: str) -> str:
    return f"string({container}.?image.orValue(''))"


def _unexpired(expires: date | None) -> str:
    if expires is None:
        return TRUE
    over = expires + timedelta(days=1)
    return f"!variables.times.exists(t, t >= timestamp('{over.isoformat()}T00:00:00Z'))"


def pod_test(pods: PodSelector, images: str, *, every: bool) -> str:
    """Whether a pod is one of ``pods``: by some container's image, or by every one's."""
    parts = []
    if pods.service_accounts:
        parts.append(globbed("variables.service_account", pods.service_accounts))
    if pods.selector is not None:
        parts.append(label_test(pods.selector, "variables.labels"))
    if pods.images:
        macro = "all" if every else "exists"
        regex = pattern_regex(pods.images)
        parts.append(f"{images}.{macro}(n, p, {matches('p', regex)})")
    return both(parts)


def label_test(selector: LabelSelector, labels: str) -> str:
    """Whether the map ``labels`` fulfils a LabelSelector."""
    equal = (
        f"{labels}[?{literal(key)}].orValue('') == {literal(value)}"
        if value
        else both([f"{literal(key)} in {labels}", f"{labels}[?{literal(key)}].orValue('') == ''"])
        for key, value in sorted(selector.match_labels.items())
    )
    return both([*equal, *(_requirement(r, labels) for r in selector.match_expressions)])


def _requirement(requirement: LabelRequirement, labels: str) -> str:
    there = f"{literal(requirement.key)} in {labels}"
    value = f"{labels}[?{literal(requirement.key)}].orValue('')"
    among = both([there, one_of(value, sorted(requirement.values))])
    table: Mapping[str, str] = {
        "In": among,
        "NotIn": negated(among),
        "Exists": there,
        "DoesNotExist": negated(there),
    }
    return table[requirement.operator]


def namespace_test(namespaces: NamespaceSelector) -> str:
    """Whether the pod's namespace is one of them."""
    labels = (
        label_test(namespaces.selector, "variables.namespace_labels")
        if (namespaces.selector)
        else TRUE
    )
    return both([name_test(namespaces), labels])


def name_test(namespaces: NamespaceSelector) -> str:
    """Whether the parts that look at the namespace's name hold."""
    return both(
        [
            globbed("request.namespace", namespaces.names) if namespaces.names else TRUE,
            negated(globbed("request.namespace", namespaces.exclude_names)),
        ]
    )


def may_share(one: NamespaceSelector, other: NamespaceSelector) -> bool:
    """Whether some namespace may be one of both, as far as the beginnings of their names tell."""
    if not one.names or not other.names:
        return True
    return any(_alike(a, b) for a in one.names for b in other.names)


def _alike(one: str, other: str) -> bool:
    heads = [re.split(r"[*?]", glob, maxsplit=1)[0] for glob in (one, other)]
    if heads[0] == one and heads[1] == other:
        return one == other
    return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])


def permitted(exemptions: Sequence[Exemption], runtime_class: str, *, old: bool = False) -> str:
    """Whether an exemption lets the pod use the class of this expression, which is not ''.

    ``old``: whether it may once have done so, as ``core.update`` asks.
    """
    return either(
        both(
            [
                f"variables.{_once_exempt(e) if old else exempt_name(e)}",
                globbed(runtime_class, [glob for glob in e.runtime_classes if glob]),
            ]
        )
        for e in exemptions
    )


def permitted_none(exemptions: Sequence[Exemption], *, old: bool = False) -> str:
    """Whether an exemption lets the pod name no class; ``old``: or may once have done so."""
    name = _once_exempt if old else exempt_name
    return either(f"variables.{name(e)}" for e in exemptions if "" in e.runtime_classes)


def _choice(rules: Sequence[Rules], *, old: bool = False) -> str:
    """The class that the namespace chooses, where that is allowed; '' where none is."""
    free = [i for i, r in enumerate(rules) if r.runtime_classes.namespace_default]
    if not free:
        return "''"
    value = f"variables.namespace_annotations[?{literal(NAMESPACE_DEFAULT)}].orValue('')"
    allowed = allowed_test(rules, "s", old=old)
    index = f"variables.{_OLD if old else ''}rules"
    within = TRUE if len(free) == len(rules) else f"{index} in {numbers(free)}"
    return f"[{value}].filter(s, {both([within, allowed])}).join('')"


def _chosen(policy: Policy, rules: Sequence[Rules]) -> str:
    """The class of a pod that names none, the fallback apart; '' for none."""
    defaults = [literal(r.runtime_classes.default or "") for r in rules]
    default = chosen("variables.rules", defaults)
    none = permitted_none(policy.exemptions)
    if any(r.runtime_classes.namespace_default for r in rules):
        default = f"variables.choice != '' ? variables.choice : {default}"
    return default if none == FALSE else f"({none}) ? '' : ({default})"


def allowed_test(rules: Sequence[Rules], runtime_class: str, *, old: bool = False) -> str:
    """Whether the rules in force allow the class of this expression."""
    tests = [globbed(runtime_class, r.runtime_classes.allowed) for r in rules]
    return chosen(f"variables.{_OLD if old else ''}rules", tests)
