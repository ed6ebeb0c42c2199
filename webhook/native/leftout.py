"""Which parts of a policy are left out, for the list that comes with what is compiled."""

from collections.abc import Iterator, Sequence

from webhook.core.names import Action, Mode
from webhook.core.policy import Policy, Rules
from webhook.core.runtimes import Guards
from webhook.native.applications import MOST_VALUE, MOST_WORDS
from webhook.native.ground import Unsure
from webhook.native.grounds import names_of
from webhook.native.omitted import Omission, Part


def omissions_of(
    policy: Policy,
    rules: Sequence[Rules],
    *,
    unsure: Sequence[Unsure],
    alone: bool,
) -> Iterator[Omission]:
    """Everything that ``policy`` says and its compiled form does not."""
    for index, of in enumerate(rules):
        override = policy.overrides[index - 1].name if index else None
        for part, what, names in _of_rules(of, index, unsure, alone):
            yield Omission(policy=policy.name, override=override, part=part, what=what, names=names)


def guards_left_out(guards: Guards) -> Iterator[Omission]:
    """What the inventory guards besides pods."""
    labels = guards.namespace_labels
    if guards.runtime_classes in _GUARDING:
        what = (
            "whoever makes a RuntimeClass that contradicts the inventory, or one that is not in it "
            "and that policies would allow, or deletes one that policies name, is not stopped"
        )
        yield Omission(policy=None, part=Part.GUARDS, what=what)
    if labels is not None and labels.action in _GUARDING:
        what = (
            "whoever changes the labels that policies select on, or a namespace's choice of a "
            "class, is not stopped, whether by the Namespace, its status or its finalizers"
        )
        yield Omission(policy=None, part=Part.GUARDS, what=what)


_GUARDING = frozenset({Action.DENY, Action.WARN})

Left = Iterator[tuple[Part, str, tuple[str, ...]]]


def _of_rules(rules: Rules, index: int, unsure: Sequence[Unsure], alone: bool) -> Left:
    yield from _of_table(rules, index, unsure)
    classes = rules.runtime_classes
    if classes.fallback and rules.mode is Mode.ENFORCE:
        what = (
            "a pod that needs the fallback for another cause than those compiled gets the default"
            if alone
            else "a pod that names no class is left to the webhook, and refused without it"
        )
        yield Part.FALLBACK, what, classes.fallback
    yield Part.WARNINGS, _UNTOLD, ()
    if rules.workloads is Action.DENY:
        yield Part.WORKLOADS, "a workload whose pods would be refused is stored", ()
    elif rules.workloads is not Action.IGNORE:
        yield Part.WORKLOADS, "the author of a workload is not told what its pods would get", ()


_UNREAD = (
    f"of a command line of more than {MOST_WORDS:,} characters and of a variable of more than "
    f"{MOST_VALUE:,} no sign of an application is seen"
)
_UNTOLD = (
    "findings that only warn, notices, and what a change of a namespace's labels means to its "
    "pods, are not told"
)


def _of_table(rules: Rules, index: int, unsure: Sequence[Unsure]) -> Left:
    if Action.DENY not in rules.actions.values():
        return
    if applications := names_of(unsure, Part.APPLICATIONS, index):
        yield (
            Part.APPLICATIONS,
            "what is needed by some releases of these only, or on some nodes only, is not judged",
            applications,
        )
    if features := names_of(unsure, Part.FEATURES, index):
        yield Part.FEATURES, "these may be refused and are not", features
    yield (
        Part.DECLARED_NEEDS,
        "what the annotation runtimegate.dev/needs declares is not judged",
        (),
    )
    yield Part.RESIZE, "a resize in place is not judged", ()
    yield Part.EXCESS, "a pod that is too much to judge is let through while CEL can bear it", ()
    yield Part.LONG_TEXTS, _UNREAD, ()
