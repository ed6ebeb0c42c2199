from typing import Any, get_args

import pytest

from tests.documents.build import error, inventory, load, runtime
from tests.documents.test_policy import AS_DESIGNED
from webhook.core.names import Action, Handler
from webhook.core.runtimes import (
    CRIS,
    HYPERVISORS,
    RUNTIMES,
    Cri,
    Guards,
    Inventory,
    NamespaceLabelsGuard,
    RuntimeProfile,
)
from webhook.core.versions import parse_version
from webhook.core.workload import WorkloadKind
from webhook.core.workload_presets import PRESETS
from webhook.documents.inventory import CriName, Hypervisor, RuntimeName
from webhook.documents.sentences import NEWER

CONTAINERD = Cri(name="containerd", version=parse_version("2.1.4"))


def test_the_inventory_of_the_design_loads_as_it_stands_there() -> None:
    assert load(AS_DESIGNED).inventory == Inventory(
        name="cluster",
        node_default=RuntimeProfile(runtime="runc", cri=CONTAINERD),
        by_class={
            "gvisor": RuntimeProfile(
                runtime="gvisor",
                runtime_class="gvisor",
                handler=Handler("runsc"),
                versions=(parse_version("20260817.0"),),
                flags={"platform": "systrap", "net-raw": "false", "oci-seccomp": "false"},
                cri=CONTAINERD,
            ),
            "kata-qemu": RuntimeProfile(
                runtime="kata",
                runtime_class="kata-qemu",
                handler=Handler("kata-qemu"),
                versions=(parse_version("4.1.0"),),
                hypervisor="qemu",
            ),
            "gke": RuntimeProfile(
                runtime="gvisor", runtime_class="gke", handler=Handler("gvisor"), vendor="gke"
            ),
        },
        guards=Guards(
            runtime_classes=Action.DENY,
            namespace_labels=NamespaceLabelsGuard(
                action=Action.DENY, groups=("system:masters", "platform-admins")
            ),
        ),
        workload_kinds=(
            WorkloadKind(group="argoproj.io", kind="Rollout", templates=(("spec", "template"),)),
        ),
    )


def test_a_folder_without_inventory_has_an_empty_one() -> None:
    assert load().inventory == Inventory()


def test_an_inventory_may_say_nothing() -> None:
    assert load(inventory()).inventory == Inventory(name="cluster")


def test_versions_and_flags_keep_the_text_that_they_were_written_as() -> None:
    text = """\
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {name: cluster}
spec:
  runtimes:
    - runtimeClass: gvisor
      runtime: gvisor
      versions: [20260817.0, 20260810]
      flags: {net-raw: false, TESTONLY-nftables: true, num: 1.10}
      arch: arm64
"""
    profile = load(text).inventory.by_class["gvisor"]
    assert [str(version) for version in profile.versions] == ["20260817.0", "20260810"]
    assert profile.flags == {"net-raw": "false", "TESTONLY-nftables": "true", "num": "1.10"}
    assert profile.arch == "arm64"


def test_a_template_may_be_in_every_element_of_a_list() -> None:
    kind = {
        "group": "example.com",
        "kind": "Pipeline",
        "templates": ["spec.tasks[*].template", "spec.finally"],
    }
    assert load(inventory(workloadKinds=[kind])).inventory.workload_kinds == (
        WorkloadKind(
            group="example.com",
            kind="Pipeline",
            templates=(("spec", "tasks", "*", "template"), ("spec", "finally")),
        ),
    )


@pytest.mark.parametrize("version", ["0.1", "20260817.0"])
def test_a_runtime_that_is_not_listed_may_number_its_releases_as_it_likes(version: str) -> None:
    text = inventory(runtime(runtime="other", versions=[version]))
    assert str(load(text).inventory.by_class["gvisor"].versions[0]) == version


@pytest.mark.parametrize(
    ("names", "known"), [(RuntimeName, RUNTIMES), (Hypervisor, HYPERVISORS), (CriName, CRIS)]
)
def test_the_names_allowed_are_those_that_the_core_knows(names: Any, known: Any) -> None:
    assert get_args(get_args(names)[0]) == known


ROLLOUT = {"group": "argoproj.io", "kind": "Rollout", "templates": ["spec.template"]}
NO_VERSION = (
    "spec.runtimes[0].versions[0]: must be a version such as 20260817.0, 4.1.0 or 2.4.0-beta.0, "
)


@pytest.mark.parametrize(
    ("runtimes", "spec", "message"),
    [
        (
            [{"runtime": "gvisor"}],
            {},
            "spec.runtimes[0].runtimeClass: must be given, such as gvisor",
        ),
        ([{"runtimeClass": "gvisor"}], {}, "spec.runtimes[0].runtime: must be given"),
        (
            [runtime(runtime="gvisr")],
            {},
            (
                "spec.runtimes[0].runtime: must be one of gvisor, kata, runc, crun, youki, "
                "nvidia, wasm, windows, other, not 'gvisr'"
            ),
        ),
        (
            [runtime(runtime="runV")],
            {},
            (
                "spec.runtimes[0].runtime: must not be 'runV': runv was merged into Kata "
                "Containers (announced 2017-12); use kata, for Alibaba's with vendor: alibaba"
            ),
        ),
        (
            [runtime(runtime="kata", hypervisor="qemu-lite")],
            {},
            (
                "spec.runtimes[0].hypervisor: must not be 'qemu-lite': qemu-lite was removed from "
                "Kata Containers in 2.3.0 (2021-08); use kata with qemu or clh"
            ),
        ),
        (
            [runtime(cri={"name": "dockershim"})],
            {},
            (
                "spec.runtimes[0].cri.name: must not be 'dockershim': dockershim was removed in "
                "Kubernetes 1.24 (2022); use containerd, CRI-O or cri-dockerd"
            ),
        ),
        (
            [runtime(cri={"name": "containerd", "version": "20260817"})],
            {},
            (
                "spec.runtimes[0].cri.version: must be a dotted version such as 2.1.4 for "
                "containerd, not '20260817'"
            ),
        ),
        (
            [runtime(hypervisor="qemu")],
            {},
            "spec.runtimes[0].hypervisor: must not be given for gvisor",
        ),
        (
            [runtime(versions=["latest"])],
            {},
            NO_VERSION + "not 'latest'",
        ),
        (
            [runtime(versions=[{}])],
            {},
            (
                "spec.runtimes[0].versions[0]: must be a version such as 20260817.0 or 4.1.0, "
                "not a mapping"
            ),
        ),
        (
            [runtime(versions=["20260817.0", "4.1.0"])],
            {},
            (
                "spec.runtimes[0].versions[1]: must be a date such as 20260817.0 for gvisor, "
                "not '4.1.0'"
            ),
        ),
        (
            [runtime(runtime="kata", versions=["20260817.0"])],
            {},
            (
                "spec.runtimes[0].versions[0]: must be a dotted version such as 2.1.4 for kata, "
                "not '20260817.0'"
            ),
        ),
        ([runtime(versions=[])], {}, "spec.runtimes[0].versions: must not be empty"),
        (
            [runtime(flags={"--net-raw": "false"})],
            {},
            (
                "spec.runtimes[0].flags[--net-raw]: must be the name of a flag, without "
                "leading dashes, not '--net-raw'"
            ),
        ),
        (
            [runtime(flags={"net-raw": ["false"]})],
            {},
            "spec.runtimes[0].flags.net-raw: must be a text, not a list",
        ),
        (
            [runtime(hypervisor=None)],
            {},
            "spec.runtimes[0].hypervisor: must not be empty: give a value or leave the key out",
        ),
        (
            [runtime(arch="riscv64")],
            {},
            "spec.runtimes[0].arch: must be one of amd64, arm64, not 'riscv64'",
        ),
        (
            [runtime(), runtime(runtimeClass="x"), runtime(runtime="runc")],
            {},
            "spec.runtimes[2].runtimeClass: gvisor is described in runtimes[0] already",
        ),
        (
            [],
            {"nodeDefault": {"runtime": "runc", "runtimeClass": "runc"}},
            (
                "spec.nodeDefault.runtimeClass: unknown key; must be one of arch, cri, flags, "
                "hypervisor, runtime, vendor, versions; did you mean runtime?" + NEWER
            ),
        ),
        (
            [],
            {"guards": {"runtimeClasses": "audit"}},
            "spec.guards.runtimeClasses: must be one of deny, warn, ignore, not 'audit'",
        ),
        (
            [],
            {"guards": {"namespaceLabels": {"action": "deny", "groups": []}}},
            "spec.guards.namespaceLabels.groups: must not be empty",
        ),
        (
            [],
            {"workloadKinds": [ROLLOUT, ROLLOUT]},
            (
                "spec.workloadKinds[1].kind: argoproj.io Rollout is described in workloadKinds[0] "
                "already"
            ),
        ),
        (
            [],
            {"workloadKinds": [{**ROLLOUT, "group": "apps", "kind": "Deployment"}]},
            "spec.workloadKinds[0].kind: apps Deployment is built in: leave it out",
        ),
        (
            [],
            {"workloadKinds": [{**ROLLOUT, "templates": ["/spec/template"]}]},
            (
                "spec.workloadKinds[0].templates[0]: must be the field path of a pod template, "
                "such as spec.template or spec.tasks[*].template, not '/spec/template'"
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(
    runtimes: list[Any], spec: dict[str, Any], message: str
) -> None:
    assert error(inventory(*runtimes, **spec)) == message


def test_a_preset_brings_in_its_kinds() -> None:
    kinds = load(inventory(workloadKinds=[{"preset": "jobset"}, ROLLOUT])).inventory.workload_kinds
    assert [kind.kind for kind in kinds] == ["JobSet", "Rollout"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [{"preset": "argo"}],
            f"spec.workloadKinds[0].preset: must be one of {', '.join(PRESETS)}, not 'argo'",
        ),
        ([{"preset": 5}], "spec.workloadKinds[0].preset: must be one of"),
        (
            [{"preset": "jobset", "kind": "JobSet"}],
            "spec.workloadKinds[0].kind: must not be given beside preset",
        ),
        (
            [{"group": "a.com", "kind": "A"}],
            (
                "spec.workloadKinds[0].templates: must be given, or preset instead of group, kind "
                "and templates"
            ),
        ),
        (
            [{"preset": "argo-rollouts"}, ROLLOUT],
            (
                "spec.workloadKinds[1].kind: argoproj.io Rollout is described in workloadKinds[0] "
                "already"
            ),
        ),
        (
            [{"preset": "jobset"}, {"preset": "jobset"}],
            (
                "spec.workloadKinds[1].preset: jobset.x-k8s.io JobSet is described in "
                "workloadKinds[0] already"
            ),
        ),
    ],
)
def test_a_preset_that_is_none_or_collides_is_an_error(entries: Any, message: str) -> None:
    assert message in error(inventory(workloadKinds=entries))
