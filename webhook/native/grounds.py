"""Why a pod is refused, as CEL: the features that the table refuses for certain, and where.

What of a cause is uncertain, or of a form that CEL is not asked to read, is listed instead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webhook.core.compat import CompatTable
from webhook.core.policy import Exemption, Rules
from webhook.native.applications import of_applications
from webhook.native.cel import either, glob_regex, quoted
from webhook.native.ground import Found, Ground, Unsure, exempting
from webhook.native.judged import Certainty, Judge, texts_of
from webhook.native.omitted import Part
from webhook.native.uses import OPEN_USES, USES, OpenUse, Use, other_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """All causes of one policy, and what is not one."""

    grounds: tuple[Ground, ...]
    unsure: tuple[Unsure, ...]


def grounds_of(judge: Judge, rules: Sequence[Rules]) -> Grounds:
    """Everything that the table refuses under ``rules``, by their numbers."""
    exemptions = judge.policy.exemptions
    found = [
        *_fixed(judge, rules, exemptions),
        *_open(judge, rules, exemptions),
        *of_applications(judge, rules, exemptions),
    ]
    return Grounds(
        grounds=tuple(entry for entry in found if isinstance(entry, Ground) and entry.texts),
        unsure=tuple(entry for entry in found if isinstance(entry, Unsure) and entry.places),
    )


def _fixed(judge: Judge, rules: Sequence[Rules], exemptions: Sequence[Exemption]) -> Found:
    by_feature: dict[str, list[Use]] = {}
    for use in USES:
        by_feature.setdefault(use.feature, []).append(use)
    for feature, uses in by_feature.items():
        yield from _of_uses(judge, rules, exemptions, feature, uses)


def _of_uses(
    judge: Judge,
    rules: Sequence[Rules],
    exemptions: Sequence[Exemption],
    feature: str,
    uses: Sequence[Use],
) -> Found:
    certain, perhaps = texts_of(judge, rules, uses[0].sample)
    yield Ground(
        feature=feature,
        texts=certain,
        in_pod=either(use.test for use in uses if not use.in_container),
        in_container=either(use.test for use in uses if use.in_container),
        anew=either(use.anew for use in uses),
        exempt=exempting(exemptions, feature),
    )
    yield Unsure(part=Part.FEATURES, name=feature, places=tuple(perhaps))


def _open(judge: Judge, rules: Sequence[Rules], exemptions: Sequence[Exemption]) -> Found:
    by_prefix: dict[str, list[OpenUse]] = {}
    for use in OPEN_USES:
        by_prefix.setdefault(use.prefix, []).append(use)
    for prefix, uses in by_prefix.items():
        known = _known_names(judge.snapshot.compat, prefix)
        for name in known:
            named = [use.named(name) for use in uses]
            yield from _of_uses(judge, rules, exemptions, prefix + name, named)
        yield from _of_others(judge, rules, exemptions, uses, known)


def _of_others(
    judge: Judge,
    rules: Sequence[Rules],
    exemptions: Sequence[Exemption],
    uses: Sequence[OpenUse],
    known: tuple[str, ...],
) -> Found:
    """All names that no row tells apart."""
    prefix, unheard = uses[0].prefix, uses[0].unheard
    certain, perhaps = texts_of(judge, rules, uses[0].sample(unheard))
    areas, everywhere = _areas(judge.snapshot.compat, prefix, known)
    tests = {use.row[0]: f"{other_names(use.names, known, areas)}.size() > 0" for use in uses}
    in_pod = either(t for scope, t in tests.items() if not scope.startswith("container"))
    in_container = either(t for scope, t in tests.items() if scope.startswith("container"))
    touching = tuple(i for i, e in enumerate(exemptions) if _may_cover(e, prefix))
    whole = exempting(exemptions, prefix + unheard)
    if everywhere:
        certain, perhaps = {}, {**perhaps, **dict.fromkeys(certain, Certainty(possible=True))}
    yield Ground(
        feature=f"{prefix}*",
        texts={place: text.replace(unheard, "of another name") for place, text in certain.items()},
        in_pod=in_pod,
        in_container=in_container,
        exempt=touching,
        partly=touching != whole,
    )
    places = tuple({**perhaps, **(certain if touching != whole else {})})
    yield Unsure(part=Part.FEATURES, name=f"{prefix}*", places=places)
    if areas:
        yield from _in_areas(judge, rules, uses[0], known)


def _in_areas(judge: Judge, rules: Sequence[Rules], use: OpenUse, known: tuple[str, ...]) -> Found:
    """Names that a row's ``*`` names: too many to ask about, so they are let through."""
    globs = sorted(_globs_below(judge.snapshot.compat, use.prefix))
    for name in [*(f"{name}/zz" for name in known), *(g.replace("*", "zz") for g in globs)]:
        certain, perhaps = texts_of(judge, rules, use.sample(name))
        places = tuple({**certain, **perhaps})
        shown = name.removesuffix("zz") + "*"
        if not name.endswith("/zz") or "/" in name.removesuffix("/zz"):
            yield Unsure(part=Part.FEATURES, name=use.prefix + shown, places=places)


def _known_names(table: CompatTable, prefix: str) -> tuple[str, ...]:
    """The names that rows of any runtime tell apart."""
    features = {fact.feature for fact in table.facts if fact.feature.startswith(prefix)}
    return tuple(sorted(f.removeprefix(prefix) for f in features if "*" not in f))


def _globs_below(table: CompatTable, prefix: str) -> set[str]:
    features = {fact.feature for fact in table.facts if fact.feature.startswith(prefix)}
    return {f.removeprefix(prefix) for f in features if "*" in f} - {"*"}


def _areas(table: CompatTable, prefix: str, known: Sequence[str]) -> tuple[str, bool]:
    """The names about which a row with ``*``, or one of a wider name, speaks; whether any may."""
    below = [quoted(f"{name}/") + ".*" for name in known]
    globs = sorted(_globs_below(table, prefix))
    below += [glob_regex([glob]).removeprefix("(?s)^(?:").removesuffix(")$") for glob in globs]
    odd = any(
        "*" in fact.feature
        and not fact.feature.startswith(prefix)
        and prefix.startswith(fact.feature.partition("*")[0])
        and fact.feature.partition("*")[2]
        for fact in table.facts
    )
    return (f"^(?:{'|'.join(below)})$" if below else "", odd)


def _may_cover(exemption: Exemption, prefix: str) -> bool:
    """Whether one of its globs may name a feature of this prefix."""
    heads = [glob.partition("*")[0].partition("?")[0] for glob in exemption.features]
    return any(head.startswith(prefix) or prefix.startswith(head) for head in heads)


def names_of(unsure: Iterable[Unsure], part: Part, index: int) -> tuple[str, ...]:
    """The names of what is unsure under the rules of number ``index``."""
    return tuple(
        dict.fromkeys(
            u.name for u in unsure if u.part is part and any(i == index for i, _ in u.places)
        )
    )
