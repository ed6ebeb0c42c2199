"""What is done with a pod that runs: exec, probes, port-forward, ephemeral containers, resize."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.controlplane.processes import free_port
from tests.node.node import Node
from tests.node.settings import BUSYBOX
from tests.node.shelter import cgroup_folders

WITHIN_SECONDS = 90
PROBE_SECONDS = 20
"""For an answer: a busy machine is no failure of a runtime, which refuses at once."""
_SERVE = "echo up; mkdir /www; echo page > /www/x; httpd -f -p 8080 -h /www"
_MEMORY = """
cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null
sed -n 's/MemTotal: *//p' /proc/meminfo
"""


def use_subresources(node: Node, namespace: str, runtime_class: str) -> dict[str, str]:
    """By what was done: what came of it."""
    name = f"running-{runtime_class}"
    _start(node, namespace, name, runtime_class)
    trials: Mapping[str, Callable[[], str]] = {
        "exec": lambda: _kubectl(
            node, "exec", "-n", namespace, name, "--", "cut", "-d ", "-f1-3", "/proc/version"
        ),
        "attach and logs": lambda: _kubectl(node, "logs", "-n", namespace, name),
        "exec and http probes": lambda: _ready(node, namespace, name),
        "port-forward": lambda: _port_forward(node, namespace, name),
        "ephemeral container": lambda: _ephemeral(node, namespace, name),
        "resize": lambda: _resize(node, namespace, name),
    }
    found = {}
    for what, do in trials.items():
        try:
            found[what] = do()
        except (RuntimeError, TimeoutError, OSError) as error:
            found[what] = f"failed: {error}"
    node.plane.kubectl("delete", "pod", "-n", namespace, name, "--wait=false", "--now")
    return found


def _start(node: Node, namespace: str, name: str, runtime_class: str) -> None:
    asked = {
        "httpGet": {"path": "/x", "port": 8080},
        "periodSeconds": 1,
        "timeoutSeconds": PROBE_SECONDS,
    }
    main = {
        "name": "main",
        "image": BUSYBOX,
        "imagePullPolicy": "Never",
        "command": [
            "sh",
            "-c",
            "echo up; mkdir /www; echo page > /www/x; httpd -f -p 8080 -h /www",
        ],
        "readinessProbe": {
            "exec": {"command": ["cat", "/www/x"]},
            "periodSeconds": 1,
            "timeoutSeconds": PROBE_SECONDS,
        },
        "startupProbe": {**asked, "failureThreshold": 60},
        "livenessProbe": asked,
        "resources": {"limits": {"memory": "64Mi", "cpu": "200m"}},
        "resizePolicy": [{"resourceName": "memory", "restartPolicy": "NotRequired"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "runtimeClassName": runtime_class,
            "terminationGracePeriodSeconds": 0,
            "containers": [main],
        },
    }
    node.plane.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    node.plane.kubectl(
        "wait", "-n", namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=110s"
    )


def _kubectl(node: Node, *arguments: str) -> str:
    done = node.plane.kubectl(*arguments, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()


def _status(node: Node, namespace: str, name: str) -> dict[str, Any]:
    got = node.plane.kubectl("get", "pod", "-n", namespace, name, "-o", "json").json()
    return dict(got["status"])


def _ready(node: Node, namespace: str, name: str) -> str:
    time.sleep(5)  # some rounds of the liveness probe
    main = _status(node, namespace, name)["containerStatuses"][0]
    return f"ready {main['ready']}, {main['restartCount']} restarts"


def _port_forward(node: Node, namespace: str, name: str) -> str:
    port = free_port()
    with subprocess.Popen(
        [str(node.plane.kubectl_path), "port-forward", "-n", namespace, name, f"{port}:8080"],
        env={
            "HOME": str(node.plane.folder),
            "PATH": os.defpath,
            "KUBECONFIG": str(node.plane.kubeconfig("admin")),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as forward:
        try:
            assert forward.stdout is not None
            said = forward.stdout.readline()
            page, error = _get(port)
        finally:
            forward.kill()
        if error:
            said += forward.stdout.read()
            why = re.search(r"dial tcp4 127\.0\.0\.1:8080: connect: [a-z ]+", said)
            raise RuntimeError(why[0].strip() if why else f"{error}; {said}")
    return f"answers {page!r}"


def _get(port: int) -> tuple[str, str]:
    """What is served on a port of the loopback, or the error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN_SECONDS)
    try:
        connection.request("GET", "/x")
        return connection.getresponse().read().decode().strip(), ""
    except (OSError, http.client.HTTPException) as error:
        return "", str(error)
    finally:
        connection.close()


def _ephemeral(node: Node, namespace: str, name: str) -> str:
    script = "grep -l httpd /proc/[0-9]*/comm | head -n 1; cat /proc/version"
    node.plane.kubectl(
        *("debug", "-n", namespace, name, f"--image={BUSYBOX}", "--image-pull-policy=Never"),
        *("--target=main", "--container=debugger", "--profile=general", "--attach=false"),
        *("--", "sh", "-c", script),
    )
    ended = _until(
        lambda: (
            (_status(node, namespace, name).get("ephemeralContainerStatuses") or [{}])[0]
            .get("state", {})
            .get("terminated")
        )
    )
    said = node.plane.kubectl("logs", "-n", namespace, name, "-c", "debugger").stdout.split("\n")
    sees = "sees" if said[0].startswith("/proc/") else "does not see"
    return f"{ended['reason']}, {sees} the process of its target"


def _resize(node: Node, namespace: str, name: str) -> str:
    resources = {"limits": {"memory": "96Mi", "cpu": "300m"}}
    resources["requests"] = resources["limits"]
    patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    node.plane.kubectl(
        "patch", "pod", "-n", namespace, name, "--subresource=resize", "-p", json.dumps(patch)
    )

    def actual() -> Any:
        status = _status(node, namespace, name)["containerStatuses"][0]
        given = status.get("resources", {}).get("limits", {})
        return given if given.get("memory") == "96Mi" and given.get("cpu") == "300m" else None

    try:
        given = _until(actual, seconds=WITHIN_SECONDS)
    except TimeoutError:
        status = _status(node, namespace, name)
        conditions = [c for c in status["conditions"] if c["type"].startswith("PodResize")]
        return f"not done: {json.dumps(conditions)}"
    inside = _kubectl(node, "exec", "-n", namespace, name, "--", "sh", "-c", _MEMORY)
    restarts = _status(node, namespace, name)["containerStatuses"][0]["restartCount"]
    seen = " ".join(inside.split())
    on_node = ", ".join(_limits(node, namespace, name)) or "no limit"
    return f"done, {restarts} restarts; status {given}; inside: {seen}; on the node: {on_node}"


def _limits(node: Node, namespace: str, name: str) -> list[str]:
    """The memory limits of the pod's cgroup and of those below it."""
    pod = node.plane.kubectl("get", "pod", "-n", namespace, name, "-o", "json").json()
    uid = pod["metadata"]["uid"]
    found = []
    for folder in cgroup_folders(node.place.cgroup):
        for limit in sorted(folder.rglob("memory.limit_in_bytes")) + sorted(
            folder.rglob("memory.max")
        ):
            if f"pod{uid}" in str(limit):
                depth = len(limit.parent.parts) - str(limit).split("/").index(f"pod{uid}")
                found.append(f"{'pod' if depth == 1 else 'below'} {limit.read_text().strip()}")
    return found


def _until(found: Callable[[], Any], *, seconds: float = WITHIN_SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        value = found()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(0.3)
