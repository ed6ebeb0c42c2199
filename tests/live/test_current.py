import threading
from datetime import date

from tests.build import inventory, policy, profile, snapshot
from webhook.core.cluster import ClusterView, NamespaceView
from webhook.core.policy import PolicySet
from webhook.live.current import Current


def test_a_reader_gets_the_snapshot_that_was_put_in() -> None:
    first = snapshot()
    assert Current(first).snapshot is first


def test_replacing_one_part_keeps_the_others() -> None:
    current = Current(snapshot(revision="one"))
    before = current.snapshot
    after = current.replace(policies=PolicySet((policy("other"),)), revision="two")
    assert after is current.snapshot
    assert [p.name for p in after.policies.policies] == ["other"]
    assert after.revision == "two"
    assert (after.inventory, after.compat, after.cluster, after.today) == (
        before.inventory,
        before.compat,
        before.cluster,
        before.today,
    )


def test_a_snapshot_once_taken_never_changes() -> None:
    current = Current(snapshot(today=date(2026, 11, 24)))
    taken = current.snapshot
    current.replace(today=date(2026, 11, 25))
    assert taken.today == date(2026, 11, 24)


def test_writers_of_different_parts_do_not_undo_each_other() -> None:
    current = Current(snapshot())
    rounds = 300

    def write_cluster() -> None:
        for n in range(rounds):
            names = {f"ns-{n}": NamespaceView(name=f"ns-{n}")}
            current.replace(cluster=ClusterView(namespaces=names))

    def write_inventory() -> None:
        for n in range(rounds):
            current.replace(inventory=inventory(**{f"class-{n}": profile("gvisor")}))

    threads = [threading.Thread(target=f) for f in (write_cluster, write_inventory)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(current.snapshot.cluster.namespaces) == [f"ns-{rounds - 1}"]
    assert list(current.snapshot.inventory.by_class) == [f"class-{rounds - 1}"]
