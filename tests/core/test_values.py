from dataclasses import replace

from tests.build import pod, pod_view
from webhook.core.pod import PodView


def named(name: str) -> PodView:
    return pod_view(pod(name=name))


def test_the_type_checker_refuses_to_assign_to_a_value_of_a_review() -> None:
    view = named("web")
    # That this must be ignored is the test: an ignore that is not needed is an error of mypy's.
    view.name = "db"  # type: ignore[misc]  # that it is refused is tested
    assert view == named("db")


def test_a_value_of_a_review_has_no_other_fields_and_no_position() -> None:
    assert not hasattr(named("web"), "__dict__")
    assert replace(named("web"), name="db") == named("db")


def test_equal_values_of_a_review_are_one_in_a_set() -> None:
    words = {replace(c, raw=()) for c in (*named("a").containers, *named("b").containers)}  # type: ignore[arg-type]  # what is raw has no hash
    assert len(words) == 1
