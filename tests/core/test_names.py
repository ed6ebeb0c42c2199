"""Text made safe to show, and the closed sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.core.compat import VERDICTS
from webhook.core.names import (
    REASON_OF_VERDICT,
    VERDICT_RANK,
    Strength,
    Support,
    Verdict,
    shown,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-1", "web-1"),
        ("größe ✓", "größe ✓"),
        ("a\nb", "a\\nb"),
        ('say "x"', 'say \\"x\\"'),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eevil", "\\u202eevil"),
        ("back\\slash", "back\\\\slash"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_what_a_tenant_wrote_is_shown_printable_and_bounded(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(st.text())
def test_shown_text_is_always_one_printable_line(text: str) -> None:
    assert shown(text).isprintable()


def test_the_matrix_has_a_verdict_for_every_need_and_support() -> None:
    assert set(VERDICTS) == {(strength, support) for strength in Strength for support in Support}


def test_every_verdict_but_compatible_has_a_reason() -> None:
    assert set(REASON_OF_VERDICT) == set(Verdict) - {Verdict.COMPATIBLE}


def test_verdicts_are_ranked_worst_first() -> None:
    assert sorted(Verdict, key=VERDICT_RANK.__getitem__) == [
        Verdict.INCOMPATIBLE,
        Verdict.DEGRADED,
        Verdict.IGNORED_SECURITY,
        Verdict.UNKNOWN,
        Verdict.COMPATIBLE,
    ]
