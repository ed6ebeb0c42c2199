"""What applications need, as CEL: how they are recognised, under which settings."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from webhook.core.applications import Application, Clause, Need, Recognition
from webhook.core.compat import CompatTable
from webhook.core.images import parse_image_pattern
from webhook.core.needs import IO_URING, IO_URING_UNDER_SECCOMP
from webhook.core.policy import Exemption, Rules
from webhook.native.cel import FALSE, TRUE, both, either, globbed, literal, matches, negated, one_of
from webhook.native.ground import Found, Ground, Place, Unsure, exempting
from webhook.native.judged import Judge, texts_of
from webhook.native.omitted import Part
from webhook.native.references import pattern_regex
from webhook.native.uses import Sample

MOST_WORDS, MOST_VALUE = 8_192, 4_096
"""Characters of a command line and of a variable that are read: beyond that the API server's cost
limit would refuse pods that the webhook lets through, so a longer one is let through."""
_CONFINED = Sample(container={"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}})

_Group = tuple[Application, tuple[int, ...], Clause | None, Clause | None, tuple[Need, ...]]


def of_applications(judge: Judge, rules: Sequence[Rules], exemptions: Sequence[Exemption]) -> Found:
    """A ground for every application and every condition under which it needs something refused.

    Needs of some releases of an application only are left out: they are read off the tag.
    """
    catalogue = judge.snapshot.compat.catalogue
    groups = [group for a in catalogue.applications for group in _groups(a, exemptions)]
    sure = _numbered(judge, [replace(a, needs=needs) for a, _, _, _, needs in groups])
    for number, (application, exempt, when, unless, needs) in enumerate(groups):
        certain, perhaps = texts_of(sure, rules, Sample(), _image(number), _key(needs))
        recognised = either(map(_recognised, application.recognise))
        yield Ground(
            feature=application.name,
            texts=certain,
            application=both([recognised, *_conditions(when, unless)]),
            exempt=exempt,
        )
        yield Unsure(part=Part.APPLICATIONS, name=application.name, places=tuple(perhaps))
    yield from _of_releases(judge, rules, catalogue.applications)
    yield from _of_io_uring(judge, rules, catalogue.applications)


def _groups(application: Application, exemptions: Sequence[Exemption]) -> Iterator[_Group]:
    """Its needs by their condition and by the exemptions that leave them out."""
    found: dict[str, tuple[Need, list[Need]]] = {}
    for need in application.needs:
        if need.versions is None:
            key = repr((exempting(exemptions, need.feature), need.when, need.unless))
            found.setdefault(key, (need, []))[1].append(_unconditional(need))
    for need, needs in found.values():
        exempt = exempting(exemptions, need.feature)
        yield application, exempt, need.when, need.unless, tuple(needs)


def _of_releases(
    judge: Judge, rules: Sequence[Rules], applications: Sequence[Application]
) -> Found:
    """Needs that hang on the release of the application."""
    some = _of_needs(applications, lambda need: need.versions is not None)
    on = _numbered(judge, some)
    for number, application in enumerate(some):
        image, key = _image(number), _key(application.needs)
        places = tuple(dict.fromkeys(chain(*texts_of(on, rules, Sample(), image, key))))
        yield Unsure(part=Part.APPLICATIONS, name=application.name, places=places)


def _of_io_uring(
    judge: Judge, rules: Sequence[Rules], applications: Sequence[Application]
) -> Found:
    """io_uring, where the runtime's default seccomp profile denies it to what needs it."""
    asking = _of_needs(applications, lambda need: need.feature == IO_URING)
    on = _numbered(judge, asking)
    found = dict[Place, None]()
    for number, application in enumerate(asking):
        image, key = _image(number), _key(application.needs)
        compiled, _ = texts_of(on, rules, Sample(), image, key)
        confined = chain(*texts_of(on, rules, _CONFINED, image, ("confined", key)))
        found |= dict.fromkeys(place for place in confined if place not in compiled)
    for place in chain(*texts_of(judge, rules, _CONFINED)):  # refused for the profile itself
        found.pop(place, None)
    yield Unsure(part=Part.FEATURES, name=IO_URING_UNDER_SECCOMP, places=tuple(found))


def _of_needs(
    applications: Sequence[Application], wanted: Callable[[Need], bool]
) -> list[Application]:
    """The applications that have such needs, with these alone, under no condition."""
    reduced = (
        replace(a, needs=tuple(_unconditional(n) for n in a.needs if wanted(n)))
        for a in applications
    )
    return [application for application in reduced if application.needs]


def _unconditional(need: Need) -> Need:
    return replace(need, versions=None, when=None, unless=None)


def _key(needs: Sequence[Need]) -> object:
    """All that a verdict on an application hangs on."""
    return tuple((need.feature, need.strength) for need in needs)


def _image(number: int) -> str:
    return f"registry.invalid/application/number-{number}:1"


def _numbered(judge: Judge, applications: Sequence[Application]) -> Judge:
    """The judge of a table that knows each application by an image of its number only."""
    table = judge.snapshot.compat
    only = CompatTable(
        facts=table.facts,
        applications=[
            replace(
                application,
                name=f"{application.name} {number}",
                recognise=(Recognition(images=(parse_image_pattern(_image(number)),)),),
            )
            for number, application in enumerate(applications)
        ],
        releases=table.releases,
        version=table.version,
    )
    return Judge(judge.policy, replace(judge.snapshot, compat=only), judge.known)


def _recognised(recognition: Recognition) -> str:
    """Whether the container ``c`` is known by it."""
    clause = clause_test(recognition.clause, too_long=FALSE)
    if not recognition.images:
        # The core never takes a container for an application by nothing at all.
        return clause if clause != TRUE else FALSE
    value = "variables.images[?string(c.name)].orValue('')"
    image = [matches(value, pattern_regex(recognition.images))]
    if recognition.exclude_images:
        image.append(negated(matches(value, pattern_regex(recognition.exclude_images))))
    return both([*image, clause])


def _conditions(when: Clause | None, unless: Clause | None) -> Iterator[str]:
    if when is not None:
        yield clause_test(when, too_long=FALSE)
    if unless is not None:
        yield negated(clause_test(unless, too_long=TRUE))


def clause_test(clause: Clause, *, too_long: str) -> str:
    """Whether the container ``c`` shows the clause; ``too_long`` is the answer for a text that is
    longer than is read."""
    parts = [_words(clause.words, too_long)] if clause.words else []
    parts += [_variable(name, glob, too_long) for name, glob in sorted(clause.env.items())]
    for key, glob in sorted(clause.labels.items()):
        value = f"variables.labels[?{literal(key)}].orValue('')"
        parts.append(both([f"{literal(key)} in variables.labels", globbed(value, [glob])]))
    return both(parts)


def _words(globs: Sequence[str], too_long: str) -> str:
    words = "(c.?command.orValue([]) + c.?args.orValue([]))"
    plain = sorted({glob for glob in globs if "*" not in glob and "?" not in glob})
    wild = [glob for glob in globs if glob not in plain]
    shown = either([one_of("w", plain), globbed("w", wild) if wild else FALSE])
    if not wild:
        return f"{words}.exists(w, {shown})"
    length = f"size({words}.join(' '))"
    found = f"{words}.exists(w, {shown})"
    if too_long == TRUE:
        return f"{length} > {MOST_WORDS} || {found}"
    return f"{length} <= {MOST_WORDS} && {found}"


def _variable(name: str, glob: str, too_long: str) -> str:
    value = "e.?value.orValue('')"
    shown = globbed(value, [glob])
    bound = f"size({value}) > {MOST_VALUE}"
    length = bound if too_long == TRUE else negated(bound)
    held = either([length, shown]) if too_long == TRUE else both([length, shown])
    return f"c.?env.orValue([]).exists(e, {both([f'e.name == {literal(name)}', held])})"
