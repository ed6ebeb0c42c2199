from itertools import count
from typing import Any

import pytest

from tests.live.fake_api import namespace
from tests.live.script import Script
from webhook.core.cluster import NamespaceView
from webhook.live.cluster import NAMESPACE_KIND
from webhook.live.follow import Follower, Store, Timing
from webhook.live.kube import ApiError, GoneError, Page


def page(version: str, *objects: Any, resume: str = "") -> Page:
    return Page(items=objects, resource_version=version, resume=resume)


def event(change: str, version: str, name: str = "", **labels: str) -> Any:
    obj: dict[str, Any] = {"metadata": {"resourceVersion": version}}
    if name:
        obj["metadata"] |= {"name": name, "labels": labels}
    return {"type": change, "object": obj}


def follow(
    script: Script, *, rounds: int, chance: float = 1.0, step: float = 0.0
) -> tuple[Follower[NamespaceView], list[float]]:
    """Run a follower for so many rounds; also the delays between them, without chance.

    ``step`` is what passes from one look at the clock to the next.
    """
    clock = count(50.0, step)
    delays: list[float] = []

    def wait(seconds: float) -> bool:
        delays.append(seconds)
        return len(delays) == rounds

    timing = Timing(clock=lambda: next(clock), chance=lambda: chance, wait=wait)
    follower = Follower(NAMESPACE_KIND, script, Store[NamespaceView](lambda: None), timing)
    follower.run()
    return follower, delays


def test_a_list_of_several_pages_is_followed_by_a_watch_from_its_version() -> None:
    script = Script(
        lists=[page("7", namespace("a"), resume="x"), page("7", namespace("b"))],
        watches=[[event("ADDED", "8", "c"), event("DELETED", "9", "a")]],
    )
    follower, delays = follow(script, rounds=1)
    assert script.calls == ["list", "list x", "watch 7"]
    assert sorted(follower.store.entries()) == ["b", "c"]
    assert delays == [0.0]


def test_a_list_is_a_sign_of_life_before_any_event() -> None:
    follower, _ = follow(Script(lists=[page("7")], watches=[[ApiError("away")]]), rounds=1)
    assert follower.heard_at == 50.0


def test_a_watch_that_ends_goes_on_from_its_last_event_without_a_list() -> None:
    script = Script(
        lists=[page("7")], watches=[[event("ADDED", "8", "a")], [event("BOOKMARK", "20")], []]
    )
    follow(script, rounds=3)
    assert script.calls == ["list", "watch 7", "watch 8", "watch 20"]


def test_a_watch_that_breaks_goes_on_from_its_last_event_after_a_pause() -> None:
    script = Script(
        lists=[page("7")],
        watches=[[event("ADDED", "8", "a"), ApiError("broke off")], [event("ADDED", "9", "b")]],
    )
    follower, delays = follow(script, rounds=2)
    assert script.calls == ["list", "watch 7", "watch 8"]
    assert sorted(follower.store.entries()) == ["a", "b"]
    assert delays == [0.5, 0.0]
    assert follower.problem == ""


def test_what_cannot_be_followed_is_logged_with_the_servers_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = Script(lists=[page("7")], watches=[[ApiError("broke off")], []])
    follow(script, rounds=2)
    assert "cannot follow namespaces: broke off" in caplog.messages


def test_a_version_that_is_too_old_is_answered_by_a_new_list() -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
    script = Script(
        lists=[page("7", namespace("a")), page("30", namespace("b"))], watches=[[gone], []]
    )
    follower, _ = follow(script, rounds=2)
    assert script.calls == ["list", "watch 7", "list", "watch 30"]
    assert list(follower.store.entries()) == ["b"]


def test_410_on_the_watch_itself_lists_again_too() -> None:
    script = Script(lists=[page("7"), page("30")], watches=[[GoneError("too old")], []])
    follow(script, rounds=2)
    assert script.calls == ["list", "watch 7", "list", "watch 30"]


def test_a_list_that_expires_half_way_begins_again_and_loses_nothing() -> None:
    script = Script(
        lists=[
            page("7", namespace("a"), resume="x"),
            GoneError("expired"),
            page("9", namespace("a"), namespace("b")),
        ],
        watches=[[]],
    )
    follower, _ = follow(script, rounds=2)
    assert script.calls == ["list", "list x", "list", "watch 9"]
    assert sorted(follower.store.entries()) == ["a", "b"]


def test_pauses_double_up_to_ten_seconds_while_the_server_is_away() -> None:
    script = Script(lists=[ApiError("away")] * 9)
    follower, delays = follow(script, rounds=9)
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]
    assert follower.problem == "away"
    assert follower.store.synced is False


def test_lists_that_work_before_watches_that_do_not_still_pause_longer_each_time() -> None:
    script = Script(lists=[page("7"), page("8"), page("9")], watches=[[GoneError("too old")]] * 3)
    _, delays = follow(script, rounds=3)
    assert delays == [0.5, 1.0, 2.0]


def test_what_is_known_stays_while_the_server_is_away() -> None:
    script = Script(
        lists=[page("7", namespace("a"))], watches=[[ApiError("away")], [ApiError("away")]]
    )
    follower, _ = follow(script, rounds=2)
    assert list(follower.store.entries()) == ["a"]
    assert follower.store.synced is True
    assert follower.problem == "away"


def test_a_bug_of_ours_ends_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(lists=[TypeError("a bug"), page("7")], watches=[[]])
    follow(script, rounds=2)
    assert script.calls == ["list", "list", "watch 7"]
    assert "following namespaces failed" in [r.getMessage() for r in caplog.records]


def test_after_a_bug_of_ours_nothing_is_believed_that_was_there() -> None:
    script = Script(lists=[page("7"), page("9")], watches=[[TypeError("a bug")], []])
    follow(script, rounds=2)
    assert script.calls == ["list", "watch 7", "list", "watch 9"]


def test_pauses_are_of_half_their_length_at_least() -> None:
    _, delays = follow(Script(lists=[ApiError("away")] * 3), rounds=3, chance=0.0)
    assert delays == [0.25, 0.5, 1.0]


def test_watches_that_held_for_a_while_and_are_cut_are_taken_up_again_soon() -> None:
    cut = [[ApiError("cut")]] * 4
    _, delays = follow(Script(lists=[page("7")], watches=cut), rounds=4, step=1.0)
    assert delays == [0.5] * 4


def test_a_watch_that_ended_well_is_followed_by_another_at_once() -> None:
    script = Script(lists=[ApiError("away"), ApiError("away"), page("7")], watches=[[], []])
    _, delays = follow(script, rounds=4, step=1.0)
    assert delays[2:] == [0.0, 0.0]


def test_lists_that_were_forgotten_long_ago_lengthen_no_pause() -> None:
    gone = GoneError("too old", status=410)
    script = Script(
        lists=[page("7"), page("8"), page("9")], watches=[[gone], [event("ADDED", "9", "a"), gone]]
    )
    assert follow(script, rounds=2)[1] == [0.5, 0.5]


def test_a_change_that_no_view_would_show_is_no_change() -> None:
    changes: list[str] = []
    store = Store[NamespaceView](lambda: changes.append("changed"))
    store.put(NamespaceView(name="a", labels={"x": "1"}))
    store.put(NamespaceView(name="a", labels={"x": "1"}))
    store.remove("other")
    assert changes == ["changed"]
    store.remove("a")
    assert changes == ["changed"] * 2


def test_what_was_fetched_never_replaces_what_a_watch_delivered() -> None:
    store = Store[NamespaceView](lambda: None)
    store.put(NamespaceView(name="a", labels={"newer": "yes"}))
    store.add(NamespaceView(name="a", labels={"newer": "no"}))
    assert store.entries()["a"].labels == {"newer": "yes"}


def test_watches_that_end_at_once_and_bring_nothing_are_asked_for_ever_more_rarely() -> None:
    follower, delays = follow(Script(lists=[page("7")], watches=[[], [], []]), rounds=3)
    assert delays == [0.5, 1.0, 2.0]
    assert follower.problem == "watch of /api/v1/namespaces ended at once"


def test_lists_that_are_forgotten_at_once_are_asked_for_ever_more_rarely() -> None:
    gone = GoneError("too old", status=410)
    script = Script(lists=[page("7"), page("8"), page("9")], watches=[[gone], [gone], [gone]])
    assert follow(script, rounds=3)[1] == [0.5, 1.0, 2.0]


def test_after_an_outage_one_that_was_forgotten_is_listed_without_a_long_pause() -> None:
    away, gone = ApiError("away"), GoneError("too old", status=410)
    script = Script(lists=[page("7"), page("9")], watches=[[away], [away], [away], [gone]])
    assert follow(script, rounds=4)[1] == [0.5, 1.0, 2.0, 0.5]
