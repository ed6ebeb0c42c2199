from tests.demo.story import IN_2018, POLICIES, POLICIES_2018, TODAY, missing, wrongly_stored

(REFUSED,) = IN_2018
CREATED = TODAY[0]


def test_every_scene_has_its_manifest_and_the_policies_are_there() -> None:
    assert all(scene.path.is_file() for scene in (*TODAY, *IN_2018))
    assert POLICIES.is_dir()
    assert POLICIES_2018.is_dir()


def test_what_was_not_printed_is_missing() -> None:
    assert missing(CREATED, "pod/web created\n") == [CREATED.reads[0]]


def test_a_pod_created_that_should_have_been_refused_is_wrong_and_the_reverse() -> None:
    assert wrongly_stored(REFUSED, {}) == ["the pod was created"]
    assert wrongly_stored(CREATED, None) == ["the pod was not created"]


def test_a_stored_field_other_than_the_scene_says_is_wrong() -> None:
    assert wrongly_stored(CREATED, {"runtimeClassName": "runc"}) == [
        "spec.runtimeClassName is 'runc', not 'gvisor'"
    ]


def test_what_goes_as_it_should_is_not_wrong() -> None:
    assert wrongly_stored(REFUSED, None) == []
    assert wrongly_stored(CREATED, {"runtimeClassName": "gvisor", "other": 1}) == []
