"""Which containers are which application, and what that application needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from webhook.core.features import FeatureError, parse_feature
from webhook.core.images import ImagePattern, glob_matches, globs_union, parse_image
from webhook.core.names import NEEDS, Feature, Strength, shown
from webhook.core.pod import ContainerView, PodView, environment, words
from webhook.core.versions import IntervalSet, Version

_WORD_LIMIT = 65_536  # a longer word of a command line is matched by its beginning
_SHORT = 64
_DECLARED_LIMIT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a claim comes from. ``kind``: measured, source, documentation, issue or vendor."""

    kind: str
    source: str
    date: str
    tested: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """What a container's command line and environment, or its pod's labels, must show.

    Every part given must hold; within ``words`` one glob is enough.
    """

    words: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def holds(self, container: ContainerView, pod: PodView) -> bool:
        """Whether the container shows all of it."""
        return (
            (not self.words or _word_globs(self.words).match_some(container))
            and all(_has(environment(container), item) for item in self.env.items())
            and _labels_hold(self, pod.labels)
        )


class _WordGlobs:
    """Globs of words, sorted by what they cost: most are a program's name or its whole path."""

    __slots__ = ("_names", "_others", "_programs")

    def __init__(self, globs: Iterable[str]) -> None:
        wanted = set(globs)
        self._names = frozenset(g for g in wanted if not _is_wild(g))
        programs = {g: g[2:] for g in wanted if g.startswith("*/") and not _is_wild(g[2:])}
        self._programs = frozenset(name for name in programs.values() if "/" not in name)
        others = {g for g in wanted if _is_wild(g) and programs.get(g) not in self._programs}
        self._others = globs_union(others) if others else None

    def match_some(self, container: ContainerView) -> bool:
        """Whether some word of the command line is one that a glob names."""
        return any(self.match(word) for word in words(container))

    def match(self, word: str) -> bool:
        """Whether a glob names ``word``."""
        if word in self._names:
            return True
        if "/" in word and word.rpartition("/")[2] in self._programs:
            return True
        return self._others is not None and self._others.match(word[:_WORD_LIMIT]) is not None


@lru_cache(maxsize=1024)  # by the clauses of the tables, which are few
def _word_globs(globs: tuple[str, ...]) -> _WordGlobs:
    return _WordGlobs(globs)


def _is_wild(glob: str) -> bool:
    return "*" in glob or "?" in glob


def _has(pairs: Iterable[tuple[str, str]], wanted: tuple[str, str]) -> bool:
    name, glob = wanted
    return any(key == name and glob_matches(glob, value) for key, value in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """One way to know an application: all parts given must hold."""

    images: tuple[ImagePattern, ...] = ()
    exclude_images: tuple[ImagePattern, ...] = ()
    clause: Clause = field(default_factory=Clause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One feature that an application needs, for some of its releases and settings.

    ``versions`` are the application's own, read off the image's tag; a tag that names none
    (``latest``, a digest alone) is taken for the newest. ``when`` and ``unless`` look at the
    container. ``note`` says what the application does with it.
    """

    feature: Feature
    strength: Strength
    note: str = ""
    versions: IntervalSet | None = None
    when: Clause | None = None
    unless: Clause | None = None
    evidence: tuple[Evidence, ...] = ()

    def applies(self, container: ContainerView, pod: PodView) -> bool:
        """Whether this container has the need."""
        if self.versions is not None and _release(container) not in self.versions:
            return False
        if self.when is not None and not self.when.holds(container, pod):
            return False
        return self.unless is None or not self.unless.holds(container, pod)


_NEWEST = Version(text="newest", key=((10**9,), 0, 0))


def _release(container: ContainerView) -> Version:
    reference = container.reference
    return (reference.version if reference else None) or _NEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A run that somebody made: the application on a release of a runtime, and how it went."""

    runtime: str
    versions: IntervalSet
    works: str
    application_version: str = ""
    note: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application: how it is recognised, what it needs, where it was seen to run."""

    name: str
    title: str
    recognise: tuple[Recognition, ...]
    needs: tuple[Need, ...] = ()
    verified: tuple[Verified, ...] = ()
    origin: str = "shipped"

    def extended(self, extension: "Extension") -> "Application":
        """The same application with what ``extension`` adds."""
        return replace(
            self,
            needs=(*self.needs, *extension.needs),
            verified=(*self.verified, *extension.verified),
            origin=f"{self.origin}, {extension.origin}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Needs and runs that are added to the application ``extends``."""

    extends: str
    needs: tuple[Need, ...] = ()
    verified: tuple[Verified, ...] = ()
    origin: str = "shipped"


_Candidate = tuple[Application, Recognition]


class _Unnamed:
    """The ways to know an application that name no image, asked only where a hint of them shows.

    A hint is a label's key, else a word of the command line that some glob matches, else a
    variable's name: a look-up, or one regular expression for all of them. Only those that are
    hinted at are returned.
    """

    __slots__ = ("_by_env", "_by_label", "_candidates", "_hinted", "_match", "_worded")

    def __init__(self, candidates: Iterable[_Candidate]) -> None:
        self._candidates = tuple(candidates)
        self._by_label: dict[str, list[int]] = {}
        self._by_env: dict[str, list[int]] = {}
        self._worded: list[tuple[int, _WordGlobs]] = []
        for number, (_, recognition) in enumerate(self._candidates):
            self._index(number, recognition.clause)
        globs = (g for n, _ in self._worded for g in self._candidates[n][1].clause.words)
        self._match = _WordGlobs(globs).match
        # The same few words stand in most command lines; what is remembered has a bound.
        self._hinted = lru_cache(maxsize=4096)(self._hinted_by)

    def _index(self, number: int, clause: Clause) -> None:
        for key in clause.labels:
            self._by_label.setdefault(key, []).append(number)
        if clause.labels:
            return
        if clause.words:
            self._worded.append((number, _word_globs(clause.words)))
            return
        for name in clause.env:
            self._by_env.setdefault(name, []).append(number)

    def _hinted_by(self, word: str) -> tuple[int, ...]:
        if not self._match(word):
            return ()
        return tuple(number for number, globs in self._worded if globs.match(word))

    def of(self, container: ContainerView, pod: PodView) -> tuple[_Candidate, ...]:
        """Those that could hold, in the order of the tables."""
        hinted: set[int] = set()
        if not self._by_label.keys().isdisjoint(pod.labels):
            hinted.update(self._labelled(pod.labels))
        for word in words(container):
            hinted.update(self._hinted(word) if len(word) <= _SHORT else self._hinted_by(word))
        for name, _ in environment(container) if self._by_env else ():
            hinted.update(self._by_env.get(name, ()))
        return tuple(self._candidates[number] for number in sorted(hinted)) if hinted else ()

    def _labelled(self, labels: Mapping[str, str]) -> Iterator[int]:
        """Nearly every pod has the label ``app``, and nearly none a value that says anything."""
        for key in labels:
            for number in self._by_label.get(key, ()):
                if _labels_hold(self._candidates[number][1].clause, labels):
                    yield number


def _labels_hold(clause: Clause, labels: Mapping[str, str]) -> bool:
    return all(
        name in labels and glob_matches(glob, labels[name]) for name, glob in clause.labels.items()
    )


def _wild(recognition: Recognition) -> set[str]:
    """The last components of its image patterns that are globs."""
    lasts = {pattern.components[-1] for pattern in recognition.images}
    return {last for last in lasts if _is_wild(last)}


class Catalogue:
    """All applications, indexed so that an image costs one look-up, not one a pattern."""

    __slots__ = ("_by_last", "_of_image", "_others", "_others_last", "_unnamed", "applications")

    def __init__(self, applications: Iterable[Application]) -> None:
        self.applications: tuple[Application, ...] = tuple(applications)
        self._by_last: dict[str, list[_Candidate]] = {}
        self._others: list[_Candidate] = []
        unnamed: list[_Candidate] = []
        for application in self.applications:
            for recognition in application.recognise:
                if recognition.images:
                    self._index(application, recognition)
                else:
                    unnamed.append((application, recognition))
        self._unnamed = _Unnamed(unnamed)
        self._others_last = globs_union(
            glob for _, recognition in self._others for glob in _wild(recognition)
        )
        self._of_image = lru_cache(maxsize=4096)(self._matching)

    def _index(self, application: Application, recognition: Recognition) -> None:
        wild = _wild(recognition)
        if wild:
            self._others.append((application, recognition))
        for last in {pattern.components[-1] for pattern in recognition.images} - wild:
            self._by_last.setdefault(last, []).append((application, recognition))

    def recognise(self, container: ContainerView, pod: PodView) -> tuple[Application, ...]:
        """The applications that ``container`` is, by name; usually none or one."""
        # What is no reference is remembered as none, not by its text: that has no bound.
        image = container.image if container.reference else ""
        candidates = self._of_image(image) + self._unnamed.of(container, pod)
        if not candidates:
            return ()
        found: dict[str, Application] = {}
        for application, recognition in candidates:
            if application.name not in found and recognition.clause.holds(container, pod):
                found[application.name] = application
        return tuple(found.values())

    def _matching(self, image: str) -> tuple[_Candidate, ...]:
        reference = parse_image(image)
        if reference is None:
            return ()
        last = reference.path[-1]
        others = self._others if self._others_last.match(last) else ()
        return tuple(
            (application, recognition)
            for application, recognition in (*self._by_last.get(last, ()), *others)
            if any(p.matches(reference) for p in recognition.images)
            and not any(p.matches(reference) for p in recognition.exclude_images)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a pod declares of itself in the annotation ``runtimegate.dev/needs``."""

    features: tuple[Feature, ...] = ()
    unreadable: tuple[str, ...] = ()


_NOTHING_DECLARED = Declared()


def declared_needs(pod: PodView) -> Declared:
    """The features that the pod declares; what cannot be read is returned to be warned about."""
    written = pod.annotations.get(NEEDS)
    if written is None:
        return _NOTHING_DECLARED
    features: dict[Feature, None] = {}
    unreadable: list[str] = []
    for part in _parts(written):
        try:
            features[parse_feature(part)] = None
        except FeatureError:
            unreadable.append(shown(part, 60))
    return Declared(features=tuple(features), unreadable=tuple(unreadable))


def _parts(written: str) -> Iterator[str]:
    """The first entries of a comma-separated list: a tenant's text is bounded before it is read."""
    for part in written[:8192].split(",")[:_DECLARED_LIMIT]:
        if stripped := part.strip():
            yield stripped
