"""What an audit is of: the workloads of a census with how their pods and templates stand."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace

from webhook.core.audit import RANK, Assessment, State
from webhook.core.audit_findings import Noted
from webhook.core.census import Census, Group

MOST_IMAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """How some pods or one template of a subject stand now, and under other policies.

    ``after`` is None where no others are in question.
    """

    now: Assessment
    after: Assessment | None = None
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Group[Standing]):
    """A workload with its pods, or a pod by itself, as an audit sees it."""

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every way that one of its pods or templates stands, each once."""
        return self.every

    @property
    def images(self) -> tuple[str, ...]:
        """The images of its pods and templates, the first of many."""
        found = dict.fromkeys(image for standing in self.standings for image in standing.images)
        return tuple(found)[:MOST_IMAGES]

    @property
    def states(self) -> tuple[State, ...]:
        """Every state of its pods and templates, the worst first; compliance only by itself."""
        found = {state for standing in self.standings for state in standing.now.states}
        if len(found) > 1:
            found.discard(State.COMPLIANT)
        return tuple(sorted(found, key=RANK.__getitem__))

    @property
    def worst(self) -> Standing:
        """The first of those that stand worst, templates before pods; what is refused is worse."""
        return min(self.standings, key=_badness)

    @property
    def refused(self) -> bool:
        """Whether one of its pods would be refused if it were made anew."""
        return any(standing.now.anew.refused for standing in self.standings)

    def findings(self) -> tuple[tuple[Noted, int], ...]:
        """Each finding once, as its template or first pod has it, and in how many pods it is."""
        found: dict[tuple[object, ...], Noted] = {}
        counts: Counter[tuple[object, ...]] = Counter()
        for standing in self.standings:
            for finding in standing.now.findings:
                known = found.setdefault(finding.identity, finding)
                if (finding.now, finding.anew) != (known.now, known.anew):
                    now, anew = known.now or finding.now, known.anew or finding.anew
                    found[finding.identity] = replace(known, now=now, anew=anew)
                counts[finding.identity] += self.pods.get(standing, 0)
        return tuple((finding, counts[identity]) for identity, finding in found.items())

    def runtime_classes(self) -> Mapping[str, int]:
        """How many of its pods run with which class; empty is none."""
        return _counted(self.pods, lambda standing: standing.now.runtime_class or "")

    def pod_states(self) -> Mapping[str, int]:
        """How many of its pods stand how, each counted by its worst state."""
        return _counted(self.pods, lambda standing: str(standing.now.state))


def _badness(standing: Standing) -> tuple[int, bool]:
    return RANK[standing.now.state], not standing.now.anew.refused


def _counted(pods: Mapping[Standing, int], name_of: Callable[[Standing], str]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for standing, count in pods.items():
        found[name_of(standing)] += count
    return found


def subjects(census: Census[Standing]) -> Iterator[Subject]:
    """Every subject, in the order of namespace, kind and name; what has only ended is none."""
    for group in census.groups():
        yield Subject(**{field.name: getattr(group, field.name) for field in fields(group)})
