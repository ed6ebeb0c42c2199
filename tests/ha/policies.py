"""Two policies for one namespace, of which one is in force, and what each answers, whole."""

from dataclasses import dataclass
from pathlib import Path

from tests.ha.load import Expected

NAMESPACE = "tenant-ha"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One of the two; each answer shows by whom it is given."""

    name: str
    default: str
    allowed: str
    allows: str
    use: str

    @property
    def document(self) -> str:
        """As in git."""
        return f"""\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {{name: {self.name}, description: One of two that take turns.}}
spec:
  namespaces: {{names: [{NAMESPACE}]}}
  runtimeClasses: {{default: {self.default}, required: true, allowed: {self.allowed}}}
"""

    @property
    def refusal(self) -> str:
        """The whole reason of a refusal of ``runc``."""
        return (
            f"policy {self.name}: RuntimeClass runc is not allowed in namespace {NAMESPACE}; "
            f"allowed: {self.allows}; use runtimeClassName: {self.use}"
        )

    @property
    def expected(self) -> Expected:
        """What the load is answered while only this one is in force."""
        return either(self)


POLICIES = (
    Policy(
        name="ha-sandbox",
        default="gvisor",
        allowed='[gvisor, "kata-*"]',
        allows="gvisor, kata-*",
        use="gvisor or kata-qemu",
    ),
    Policy(
        name="ha-machine",
        default="kata-qemu",
        allowed="[gvisor, kata-qemu]",
        allows="gvisor, kata-qemu",
        use="kata-qemu or gvisor",
    ),
)

_INVENTORY = """\
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {name: cluster, description: Which runtimes the nodes have.}
spec:
  nodeDefault: {runtime: runc}
  runtimes:
    - {runtimeClass: gvisor, handler: runsc, runtime: gvisor, versions: ["20260817.0"]}
    - {runtimeClass: kata-qemu, handler: kata-qemu, runtime: kata, versions: [4.1.0]}
    - {runtimeClass: runc, handler: runc, runtime: runc}
"""


def either(*policies: Policy) -> Expected:
    """What the load may be answered while any of these may be in force."""
    return Expected(
        assignments=frozenset((policy.default, policy.name) for policy in policies),
        refusals=frozenset(policy.refusal for policy in policies),
    )


def write_policies(folder: Path, policy: Policy) -> None:
    """Put the policy in force: the file is replaced at once, as an editor or git does."""
    folder.joinpath("inventory.yaml").write_text(_INVENTORY)
    write_policy(folder, policy)


def write_policy(folder: Path, policy: Policy) -> None:
    """Replace the policy's file by another, whole."""
    new = folder / ".policy.yaml.new"
    new.write_text(policy.document)
    new.replace(folder / "policy.yaml")
