"""What was recorded → a document: whatever it was, the strict reader takes it."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from webhook.core.applications import Recognition
from webhook.core.compat import BoundRuntime
from webhook.core.explain import default_profile
from webhook.core.images import parse_image_pattern
from webhook.core.names import Feature, Verdict
from webhook.documents.learning import (
    Subject,
    evidence_of,
    learned,
    requirements,
    use_text,
    verdict_of,
)
from webhook.documents.reading import read_documents
from webhook.documents.recordings.calls import NO_ANSWER, OTHER_ERROR, REFUSALS
from webhook.documents.recordings.reader import LINE_FORMATS, Format
from webhook.documents.recordings.signs import signs_of
from webhook.documents.recordings.tally import Tally, Use
from webhook.documents.writing import document_text
from webhook.live.shipped import shipped

TODAY = date(2026, 11, 26)
FEATURES = sorted(f for f in signs_of(shipped().compat).features if not f.endswith("*"))
ERRORS = st.sampled_from(["", NO_ANSWER, OTHER_ERROR, *REFUSALS.values()])
NUMBERS = st.integers(0, 10**12)
uses = st.builds(
    Use,
    calls=NUMBERS,
    answers=st.dictionaries(ERRORS, NUMBERS, max_size=4).map(Counter),
    went_on=st.sets(ERRORS, max_size=2),
    marked=st.booleans(),
    allowed=st.booleans(),
)
tallies = st.dictionaries(
    st.sampled_from(FEATURES).map(Feature), uses, min_size=1, max_size=30
).map(lambda found: Tally(uses=found, calls=1, unnamed=0))
forms = st.dictionaries(
    st.sampled_from([*LINE_FORMATS, Format.SECCOMP]), st.integers(1, 10**12), min_size=1
)
subjects = st.builds(
    Subject,
    name=st.from_regex("[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True),
    title=st.text(min_size=1, max_size=60),
    recognise=st.just((Recognition(images=(parse_image_pattern("*/x:1*"),)),)),
)


def bound(runtime: str) -> BoundRuntime:
    """The newest release of a runtime."""
    table = shipped().compat
    return table.bind(default_profile(table, runtime), TODAY)


@given(tallies, forms, subjects, st.sampled_from(["gvisor", "kata", "runc"]), st.text(max_size=99))
def test_any_document_is_read_by_the_strict_reader(
    tally: Tally, calls: dict[Format, int], subject: Subject, runtime: str, head: str
) -> None:
    entries = learned(tally, bound(runtime))
    evidence = evidence_of(calls, recordings=3, arch="amd64", today=TODAY)
    document = requirements(subject, entries, evidence=evidence, bound=bound(runtime))
    text = document_text(document, head=[head])
    placed, errors = read_documents([("learned.yaml", text.encode())])
    assert [str(error) for error in errors] == []
    assert [document.kind for document in placed] == ["ApplicationRequirements"]


@given(tallies, st.sampled_from(["gvisor", "kata", "runc"]))
def test_observed_needs_make_no_verdict_worse_than_unknown(tally: Tally, runtime: str) -> None:
    assert verdict_of(learned(tally, bound(runtime))) in {Verdict.UNKNOWN, Verdict.COMPATIBLE}


def test_a_use_in_words() -> None:
    assert use_text(Use(calls=1)) == "1 call"
    assert use_text(Use(calls=1, answers=Counter(ENOSYS=1))) == "1 call; answered ENOSYS"
    assert (
        use_text(Use(calls=3, answers=Counter({"ENOSYS": 2, "": 1}), went_on={"ENOSYS"}))
        == "3 calls; 2 answered ENOSYS, and the program went on"
    )
    assert use_text(Use(calls=2, answers=Counter(ENOENT=2))) == "2 calls; all answered ENOENT"
    assert use_text(Use(calls=10**12)) == "more than 1000000000 calls"
    assert use_text(Use(marked=True)) == "runsc's log calls it unsupported"
    allowed = "allowed by a seccomp profile, which does not say that it is used"
    assert use_text(Use(allowed=True)) == allowed
