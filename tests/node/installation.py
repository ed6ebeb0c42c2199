"""The install itself on the node: deploy/install.yaml, register.yaml, and a pod through them.

    python -m tests.node.installation [--image ARCHIVE] [--output FILE]

The image is the server's own, the certificate Jobs, Secrets, probes, service accounts and their
tokens are the kubelet's and the controllers'. Nothing stands in but two things: the API server
finds the replicas by their EndpointSlice (--enable-aggregator-routing), and one address of the
node leads to it, as kube-proxy would have it both ways.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.controlplane.binaries import find_binaries
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.settings import KUBERNETES_ADDRESS
from tests.demo.story import ROOT
from tests.node.inside import cover_folders, make_network
from tests.node.keys import write_kubelet_client
from tests.node.node import USERS, Node, import_image
from tests.node.prepare import run
from tests.node.programs import lacks_sys_resource, require_machine, require_programs
from tests.node.server_image import write_server_image
from tests.node.settings import BUSYBOX, Place
from tests.node.shelter import shelter

IMAGE = "ghcr.io/runtimegate/runtimegate:0.1.0"
NAMESPACE, TENANT = "runtimegate-system", "tenant-a"
SECONDS = 240
LEAST_ASKED = 20


def install(node: Node) -> dict[str, Any]:
    """Install, register, create pods, roll the servers under load, and renew; what was seen."""
    plane = node.plane
    found: dict[str, Any] = {}
    began = time.monotonic()
    plane.kubectl("apply", "-f", str(ROOT / "deploy" / "install.yaml"))
    _until(node, "deployment/runtimegate", "condition=Available", NAMESPACE)
    found["available_seconds"] = round(time.monotonic() - began, 1)
    plane.kubectl("create", "namespace", TENANT)
    plane.kubectl("create", "serviceaccount", "-n", TENANT, "default", check=False)
    plane.kubectl("apply", "-f", str(ROOT / "deploy" / "register.yaml"))
    found["registered_seconds"] = _until_filled(node)
    found["refused"] = _create(node, "refused", runtimeClassName="runc").stderr
    created = _create(node, "web")
    found["created"] = created.json()["spec"] if not created.returncode else created.stderr
    _until(node, "pod/web", "condition=Ready", TENANT)
    found["runs_on"] = plane.kubectl("exec", "-n", TENANT, "web", "--", "dmesg").stdout[:200]
    found["roll"] = _roll(node)
    listed = plane.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json").json()["items"]
    found["restarts"] = {
        pod["metadata"]["name"]: [c["restartCount"] for c in pod["status"]["containerStatuses"]]
        for pod in listed
    }
    return found


def _until(node: Node, what: str, condition: str, namespace: str) -> None:
    deadline = time.monotonic() + SECONDS
    waiting = ("wait", what, f"--for={condition}", "-n", namespace, "--timeout=20s")
    while node.plane.kubectl(*waiting, check=False).returncode:
        if time.monotonic() > deadline:
            said = node.plane.kubectl("describe", "pods", "-n", namespace, check=False).stdout
            raise RuntimeError(f"{what} is not {condition}:\n{said[-6000:]}")


def _until_filled(node: Node) -> float:
    began = time.monotonic()
    while _create(node, "probe", "--dry-run=server").returncode:
        if time.monotonic() - began > SECONDS:
            said = node.plane.kubectl("get", "pods,jobs", "-n", NAMESPACE, check=False).stdout
            raise RuntimeError(f"the webhooks do not answer:\n{said}")
        time.sleep(0.5)
    return round(time.monotonic() - began, 1)


def _create(node: Node, name: str, *options: str, **spec: Any) -> Any:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            **spec,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": BUSYBOX, "command": ["sleep", "3600"]}],
        },
    }
    arguments = ("create", "-n", TENANT, "-o", "json", *options, "-f", "-")
    return node.plane.kubectl(*arguments, stdin=json.dumps(pod), check=False)


def _roll(node: Node) -> dict[str, Any]:
    """`kubectl rollout restart` while pods are asked for all the time."""
    over = threading.Event()
    answers: list[str] = []

    def ask() -> None:
        while not over.is_set():
            done = _create(node, "load", "--dry-run=server")
            answers.append(done.stderr if done.returncode else "")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        began = time.monotonic()
        restart = ("rollout", "restart", "deployment/runtimegate", "-n", NAMESPACE)
        node.plane.kubectl(*restart)
        status = ("rollout", "status", "deployment/runtimegate", "-n", NAMESPACE)
        deadline = time.monotonic() + SECONDS
        while node.plane.kubectl(*status, "--timeout=20s", check=False).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError("the rollout does not end")
        time.sleep(12)  # the last of the old ones drains
        while len(answers) < LEAST_ASKED and time.monotonic() < deadline:
            time.sleep(0.5)
    finally:
        over.set()
        thread.join()
    failed = [said for said in answers if said]
    return {
        "seconds": round(time.monotonic() - began, 1),
        "asked": len(answers),
        "failed": failed,
    }


@contextlib.contextmanager
def _kubernetes_service(port: int) -> Iterator[None]:
    """The address of the Service `kubernetes` leads to the API server: kube-proxy's part."""
    run("ip", "addr", "add", f"{KUBERNETES_ADDRESS}/32", "dev", "lo")
    loop = asyncio.new_event_loop()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, back), copy(there, writer))

    async def serve() -> None:
        await asyncio.start_server(connected, KUBERNETES_ADDRESS, 443)

    loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield


def inside(folder: Path, cgroup: str, archive: Path, output: Path) -> int:
    """Run it in a child of the first process of the shelter's namespaces."""
    child = os.fork()
    if child == 0:
        return _bring_up(folder, cgroup, archive, output)
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status)


def _bring_up(folder: Path, cgroup: str, archive: Path, output: Path) -> int:
    place = Place(
        folder=folder, cgroup=cgroup, lacks_sys_resource=lacks_sys_resource(), services=True
    )
    cover_folders(folder)
    make_network()
    tempfile.tempdir = str(folder / "tmp")
    certificate, key = write_kubelet_client(folder)
    with ControlPlane(
        find_binaries(os.environ),
        more_users=USERS,
        more_arguments=[
            f"--kubelet-client-certificate={certificate}",
            f"--kubelet-client-key={key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--enable-aggregator-routing=true",
        ],
        service_accounts=True,
    ) as plane:
        port = int(plane.url.rpartition(":")[2])
        with _kubernetes_service(port), Node(place=place, plane=plane) as node:
            print("node Ready", flush=True)
            import_image(archive)
            print("image imported", flush=True)
            found = install(node)
    output.write_text(json.dumps(found, indent=1))
    return 0


def main(arguments: Sequence[str]) -> int:
    """Build the image unless it is given, and run the install in a shelter."""
    if arguments[:1] == ["--inside"]:
        folder, cgroup, given, output = arguments[1:]
        return inside(Path(folder), cgroup, Path(given), Path(output))
    parser = argparse.ArgumentParser(prog="python -m tests.node.installation")
    parser.add_argument("--image", type=Path)
    parser.add_argument("--output", type=Path, default=Path(".build/installation.json"))
    asked = parser.parse_args(arguments)
    require_machine()
    require_programs()
    with tempfile.TemporaryDirectory(prefix="runtimegate-image-") as work, shelter() as place:
        archive = asked.image or write_server_image(Path(work), IMAGE)
        command = (sys.executable, "-m", "tests.node.installation", "--inside")
        output = str(asked.output.absolute())
        return place.run((*command, str(place.folder), place.cgroup, str(archive), output))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
