"""The parts of the translation that need no API server: globs, patterns, literals, the list."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.build import TODAY, application, fact, inventory, policy, snapshot, table
from webhook.core.compat import CompatTable, Conditions
from webhook.core.features import FEATURES
from webhook.core.images import (
    ImagePatternError,
    glob_matches,
    parse_image,
    parse_image_pattern,
)
from webhook.core.names import Action, Mode, Strength, Support, Verdict
from webhook.core.needs import IO_URING, IO_URING_UNDER_SECCOMP
from webhook.core.policy import DEFAULT_ACTIONS, NamespaceSelector, Policy, PolicySet, Rules
from webhook.core.runtimes import Guards, NamespaceLabelsGuard
from webhook.native.applications import of_applications
from webhook.native.cel import glob_regex, globbed, literal
from webhook.native.compile import Compiled, Settings, compile_policies
from webhook.native.ground import Unsure
from webhook.native.grounds import names_of
from webhook.native.judged import Judge, texts_of
from webhook.native.leftout import guards_left_out
from webhook.native.objects import CompileError
from webhook.native.omitted import WHY, Part
from webhook.native.references import pattern_regex
from webhook.native.uses import OPEN_USES, OTHERS_LEFT_OUT, USES
from webhook.native.variables import may_share

ROOT = Path(__file__).parents[2]
ANYTHING = st.text(max_size=12)
GLOBS = st.text(alphabet="ab.-/*?[]^$|\\\n+é", max_size=10)
TEXTS = st.text(alphabet="ab.-/[]^$|\\\n+é", max_size=12)


def compiled(*policies: Policy, **settings: object) -> Compiled:
    return compile_policies(
        policies=PolicySet(policies),
        inventory=inventory(),
        compat=CompatTable(),
        today=TODAY,
        revision="test",
        settings=Settings(**settings),  # type: ignore[arg-type]  # the settings by name
    )


def as_python(regex: str) -> re.Pattern[str]:
    """An RE2 expression of ours for Python, whose ``$`` holds before a last newline too."""
    assert regex.endswith("$")
    return re.compile(regex[:-1] + r"\Z")


@given(st.lists(GLOBS, max_size=4), TEXTS)
def test_a_regular_expression_of_globs_matches_what_some_glob_names(
    globs: list[str], text: str
) -> None:
    found = as_python(glob_regex(globs)).search(text) is not None
    assert found == any(glob_matches(glob, text) for glob in globs)


@given(st.lists(ANYTHING, min_size=1, max_size=3))
def test_globs_without_stars_are_a_plain_list(names: list[str]) -> None:
    plain = [name for name in names if "*" not in name and "?" not in name]
    if plain:
        assert "matches" not in globbed("x", plain)


@given(ANYTHING)
def test_a_literal_is_printable_ascii_on_one_line_and_ends_where_it_should(text: str) -> None:
    written = literal(text)
    assert written.isascii()
    assert written.isprintable()
    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", written)
    assert read_literal(written) == text.encode("utf-16", "replace").decode("utf-16")


def read_literal(written: str) -> str:
    """What CEL reads: the escapes that ``literal`` writes."""

    def char(match: re.Match[str]) -> str:
        code = match["code4"] or match["code8"]
        return chr(int(code, 16)) if code else match["plain"]

    escape = r"\\(?:u(?P<code4>[0-9a-f]{4})|U(?P<code8>[0-9a-f]{8})|(?P<plain>['\\]))"
    return re.sub(escape, char, written[1:-1])


PARTS = st.sampled_from(
    ["postgres", "bitnami", "library", "a", "a-b", "a_b", "x.io", "*", "pg*", "?"]
)
PATTERNS = st.builds(
    lambda parts, tag: "/".join(parts) + tag,
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", ":1", ":1*", ":*", ":?.?"]),
)
IMAGES = st.builds(
    lambda registry, parts, tag, digest: registry + "/".join(parts) + tag + digest,
    st.sampled_from(
        ["", "docker.io/", "index.docker.io/", "x.io/", "Reg/", "localhost:5000/", "[::1]:5/"]
    ),
    st.lists(
        st.sampled_from(
            ["postgres", "bitnami", "library", "a", "a-b", "a_b", "pg1", "x.io", "BAD"]
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["", ":1", ":1.2", ":latest", ":a/b"]),
    st.sampled_from(["", "@sha256:" + "0" * 64]),
)


@given(st.lists(PATTERNS, min_size=1, max_size=3), IMAGES)
def test_a_regular_expression_of_patterns_matches_the_images_that_some_pattern_names(
    texts: list[str], image: str
) -> None:
    try:
        patterns = [parse_image_pattern(text) for text in texts]
    except ImagePatternError:
        return
    reference = parse_image(image)
    if reference is None:
        return
    written = str(reference).partition("@")[0]
    found = as_python(pattern_regex(patterns)).search(written) is not None
    assert found == any(pattern.matches(reference) for pattern in patterns)


@given(
    st.sampled_from(["a*", "ab", "?b", "*", "b-*", "a-*x"]),
    st.sampled_from(["a?", "ab", "c", "a-bx"]),
    TEXTS,
)
def test_policies_that_are_taken_to_share_no_namespace_share_none(
    one: str, other: str, name: str
) -> None:
    a, b = NamespaceSelector(names=(one,)), NamespaceSelector(names=(other,))
    if not may_share(a, b):
        assert not (a.matches_name(name) and b.matches_name(name))


def test_every_row_of_the_feature_table_is_translated() -> None:
    rows = {use.row for use in USES} | {use.row for use in OPEN_USES}
    assert rows == {(row.scope, row.key) for row in FEATURES}


def test_a_sample_uses_just_the_feature_that_it_is_the_sample_of() -> None:
    from webhook.core.features import uses  # noqa: PLC0415 - only this test needs it
    from webhook.native.judged import sample_pod  # noqa: PLC0415

    every = [*USES, *(use.named(use.unheard) for use in OPEN_USES)]
    for use in every:
        found = {str(found.feature) for found in uses(sample_pod(use.sample, "", "x"))}
        assert found == {use.feature}
    assert not {use.feature for use in every} & set(OTHERS_LEFT_OUT)


def test_rows_of_one_feature_agree_in_strength_and_in_being_about_security() -> None:
    """Else one sample could not stand for all of them."""
    by_feature: dict[str, set[tuple[object, ...]]] = {}
    scopes = {(row.scope, row.key): row for row in FEATURES}
    for use in USES:
        row = scopes[use.row]
        by_feature.setdefault(use.feature, set()).add((row.strength, row.security))
    assert all(len(found) == 1 for found in by_feature.values())


def test_the_same_policies_compile_to_the_same_objects_in_any_order() -> None:
    one = policy(name="one")
    two = policy(name="two", priority=7)
    assert compiled(one, two) == compiled(two, one)


def test_a_name_that_is_no_subdomain_is_an_error_that_says_what_to_change() -> None:
    with pytest.raises(CompileError, match="choose another --name-prefix"):
        compiled(policy(name="one"), prefix="Not A Name/")


def test_two_policies_that_would_be_one_object_are_an_error() -> None:
    with pytest.raises(
        CompileError, match=r"two policies would both be .* runtimegate-a\.bindings"
    ):
        compiled(policy(name="a"), policy(name="a.bindings"))


def test_a_policy_that_is_too_large_for_the_api_server_is_an_error() -> None:
    names = tuple(f"tenant-{number:06}" for number in range(20_000))
    huge = Policy(name="huge", namespaces=NamespaceSelector(names=names))
    with pytest.raises(CompileError, match=r"huge: an expression of .* characters is more than"):
        compiled(huge)


def test_what_one_set_of_rules_refuses_another_may_let_pass() -> None:
    facts = [fact("pod:hostNetwork", runtime=runtime) for runtime in ("gvisor", "kata", "runc")]
    within = snapshot(compat=CompatTable(facts=facts))
    strict = Rules()
    lax = replace(strict, actions={**DEFAULT_ACTIONS, Verdict.INCOMPATIBLE: Action.WARN})
    sample = next(use.sample for use in USES if use.feature == "pod:hostNetwork")
    certain, perhaps = texts_of(Judge(policy(), within), [strict, lax, strict], sample)
    assert {number for number, _ in (*certain, *perhaps)} == {0, 2}


def test_what_only_one_architecture_refuses_is_not_refused_for_certain() -> None:
    for arch in ("amd64", "arm64"):
        when = Conditions(arch=frozenset({arch}))
        rows = [fact("pod:hostNetwork", when=when), fact("pod:hostNetwork", Support.FULL)]
        judge = Judge(policy(), snapshot(compat=CompatTable(facts=rows)))
        sample = next(use.sample for use in USES if use.feature == "pod:hostNetwork")
        certain, perhaps = texts_of(judge, [Rules()], sample)
        assert (0, "gvisor") not in certain
        assert (0, "gvisor") in perhaps


@pytest.mark.parametrize("action", list(Action))
def test_what_the_inventory_guards_is_listed_as_left_out(action: Action) -> None:
    labels = NamespaceLabelsGuard(action=action, groups=("admins",))
    for guards in (Guards(runtime_classes=action), Guards(namespace_labels=labels)):
        listed = [omission.part for omission in guards_left_out(guards)]
        assert listed == [Part.GUARDS] * (action in {Action.DENY, Action.WARN})


def test_every_object_says_which_revision_made_it_and_who_manages_it() -> None:
    made = compiled(policy())
    assert made.documents
    for document in made.documents:
        labels = document["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "runtimegate-policy-compile"
        assert labels["runtimegate.dev/revision"] == "test"
        assert labels["runtimegate.dev/compiled"] == made.label


def test_a_policy_and_all_of_it_softened_differ_in_their_label() -> None:
    one = policy()
    assert compiled(one).label != compiled(one, bound=False).label


def test_every_part_that_is_left_out_has_a_reason_and_a_row_in_the_docs() -> None:
    page = (ROOT / "docs" / "policy-compile.md").read_text(encoding="utf-8")
    assert set(WHY) == set(Part)
    assert [part for part in Part if f"| `{part}`" not in page] == []


LISTED_AS = {
    "pods/resize": Part.RESIZE,
    **dict.fromkeys(
        ["deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs"],
        Part.WORKLOADS,
    ),
    **dict.fromkeys(["replicationcontrollers", "podtemplates"], Part.WORKLOADS),
    "runtimeclasses": Part.GUARDS,
    **dict.fromkeys(["namespaces", "namespaces/status", "namespaces/finalize"], Part.GUARDS),
}
"""What the webhook is registered for and no native policy is asked about."""


def test_whatever_the_webhook_is_asked_about_is_compiled_or_listed() -> None:
    """A door that is new to the registration must come to one of both."""
    documents = yaml.safe_load_all((ROOT / "deploy" / "register.yaml").read_text(encoding="utf-8"))
    webhooks = [w for d in documents if d and "Webhook" in d["kind"] for w in d["webhooks"]]
    registered = {r for w in webhooks for rule in w["rules"] for r in rule["resources"]}
    made = compiled(policy())
    matched = [d["spec"].get("matchConstraints", {}) for d in made.documents]
    rules = [rule for constraints in matched for rule in constraints.get("resourceRules", ())]
    assert registered - {r for rule in rules for r in rule["resources"]} == set(LISTED_AS)
    left = (*made.omissions, *guards_left_out(Guards(runtime_classes=Action.DENY)))
    assert set(LISTED_AS.values()) <= {omission.part for omission in left}


def test_a_binding_is_judged_only_where_every_rule_of_the_policy_would() -> None:
    """The pod is not sent with it: what some rules allow, or do not enforce, is let through."""
    strict = policy()
    names = [d["metadata"]["name"] for d in compiled(strict).documents]
    name = f"runtimegate-{strict.name}.bindings"
    assert name in names
    free = replace(strict, rules=replace(strict.rules, runtime_annotations=("*",)))
    lax = replace(strict, rules=replace(strict.rules, mode=Mode.WARN))
    for other in (free, lax):
        assert name not in [d["metadata"]["name"] for d in compiled(other).documents]
    # What is softened when it is compiled would have been refused: that is what is to be seen.
    softened = {
        d["metadata"]["name"]: d["spec"].get("validationActions")
        for d in compiled(strict, softened=Mode.WARN).documents
        if d["kind"].endswith("Binding")
    }
    assert softened[name] == ["Warn"]


def test_a_workload_that_would_be_refused_is_listed_as_stored() -> None:
    def said(action: Action) -> list[str]:
        strict = policy()
        made = compiled(replace(strict, rules=replace(strict.rules, workloads=action)))
        return [omission.what for omission in made.omissions if omission.part is Part.WORKLOADS]

    assert said(Action.DENY) == ["a workload whose pods would be refused is stored"]
    assert said(Action.WARN) == ["the author of a workload is not told what its pods would get"]
    assert said(Action.IGNORE) == []


@pytest.mark.parametrize(
    ("denied", "listed"), [(Support.ERRNO, [IO_URING_UNDER_SECCOMP]), (Support.FULL, [])]
)
def test_io_uring_that_only_a_seccomp_profile_denies_is_listed(
    denied: Support, listed: list[str]
) -> None:
    uring = fact(IO_URING, Support.FULL, runtime="runc")
    compat = table(
        *(uring, fact(IO_URING_UNDER_SECCOMP, denied, runtime="runc")),
        # What gVisor has not got at all is compiled, and needs no listing.
        *(fact(IO_URING), fact(IO_URING_UNDER_SECCOMP)),
        applications=[application(needs=[(IO_URING, Strength.REQUIRED)])],
    )
    judge = Judge(policy(), snapshot(compat=compat))
    unsure = [found for found in of_applications(judge, [Rules()], ()) if isinstance(found, Unsure)]
    of_features = [found for found in unsure if found.part is Part.FEATURES]
    assert [*names_of(of_features, Part.FEATURES, 0)] == listed
    on = {runtime_class for found in of_features for _, runtime_class in found.places}
    assert on == ({"", "runc"} if listed else set())
