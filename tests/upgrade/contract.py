"""What others rely on, of a release: ``python -m tests.upgrade.contract`` prints today's as YAML.

At a release it is kept as ``contract-VERSION.yaml`` for ever: somebody's manifests, dashboards and
pipelines are of that release while their servers are already of the next.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.build import snapshot
from tests.deploy.manifests import shipped
from tests.registration import CONFIGURATIONS
from tests.settings_table import rows
from webhook.live.current import Current
from webhook.server import metrics
from webhook.server.app import create_app, plain_service

HERE = Path(__file__).resolve().parent
Contract = Mapping[str, Any]
_HASH = re.compile(r"-[0-9a-f]{8}$")


def contracts() -> Mapping[str, Contract]:
    """The contracts that were kept, by release."""
    return {
        path.stem.removeprefix("contract-"): yaml.safe_load(path.read_text())
        for path in sorted(HERE.glob("contract-*.yaml"))
    }


def today() -> Contract:
    """What the code and the rendered files hold now."""
    install, register = shipped("install.yaml"), shipped("register.yaml")
    server = install.one("Deployment", "runtimegate")["spec"]["template"]["spec"]["containers"][0]
    (port,) = install.one("Service", "runtimegate")["spec"]["ports"]
    return {
        "webhooks": {
            kind: register.one(kind, "runtimegate")["webhooks"] for kind in CONFIGURATIONS
        },
        "arguments": {
            _HASH.sub("", name): spec["containers"][0]["args"]
            for found in (install, register)
            for name, spec in found.pod_specs().items()
        },
        "probes": {
            name: server[name]["httpGet"]["path"]
            for name in ("startupProbe", "readinessProbe", "livenessProbe")
        },
        "ports": {"service": port["port"], "container": server["ports"][0]["containerPort"]},
        "rights": {
            name: install.one("ClusterRole", name)["rules"]
            for name in ("runtimegate", "runtimegate-certs")
        },
        "paths": paths(),
        "options": [f"{command} {option} {variable}" for command, option, variable in rows()],
        "metrics": series(),
    }


def paths() -> list[str]:
    """What the server answers, with the method."""
    app = create_app(plain_service(Current(snapshot())))
    return sorted(
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in {"GET", "POST"} & (rule.methods or set())
    )


def series() -> list[str]:
    """The names of the series on the page of metrics, and the labels of those of reviews."""
    code = Path(metrics.__file__).read_text()
    names = set(re.findall(r'"(runtimegate_\w+)"', code)) - {"runtimegate_reviews"}
    return sorted({*names, f"runtimegate_reviews {' '.join(metrics.REVIEW_LABELS)}"})


if __name__ == "__main__":
    yaml.safe_dump(today(), sys.stdout, sort_keys=False, width=100)
