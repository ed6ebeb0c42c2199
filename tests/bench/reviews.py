"""A realistic review of 5 to 6 kB: what the API server posts for an ordinary Deployment's pod."""

from typing import Any

import orjson

from tests.build import container, pod, review


def _managed_fields() -> list[dict[str, Any]]:
    fields = {
        "f:metadata": {
            "f:generateName": {},
            "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}, "f:tier": {}},
            "f:ownerReferences": {".": {}, 'k:{"uid":"6f3f0f0a-0d6e-4b5c-8b6c-2a5d1f0a7b11"}': {}},
        },
        "f:spec": {
            'f:containers': {
                f'k:{{"name":"{name}"}}': {
                    ".": {},
                    "f:env": {".": {}, 'k:{"name":"LOG_LEVEL"}': {
                        ".": {}, "f:name": {}, "f:value": {}}},
                    "f:image": {}, "f:imagePullPolicy": {}, "f:livenessProbe": {
                        ".": {}, "f:failureThreshold": {}, "f:httpGet": {
                            ".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}},
                        "f:periodSeconds": {}, "f:successThreshold": {}, "f:timeoutSeconds": {}},
                    "f:name": {}, "f:ports": {
                        ".": {}, 'k:{"containerPort":8080,"protocol":"TCP"}': {
                            ".": {}, "f:containerPort": {}, "f:protocol": {}}},
                    "f:resources": {".": {}, "f:limits": {".": {}, "f:memory": {}},
                                    "f:requests": {".": {}, "f:cpu": {}, "f:memory": {}}},
                    "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
                    "f:volumeMounts": {".": {}, 'k:{"mountPath":"/etc/app"}': {
                        ".": {}, "f:mountPath": {}, "f:name": {}, "f:readOnly": {}}},
                } for name in ("app", "proxy")
            },
            "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {},
            "f:securityContext": {}, "f:terminationGracePeriodSeconds": {}, "f:volumes": {
                ".": {}, 'k:{"name":"config"}': {".": {}, "f:configMap": {
                    ".": {}, "f:defaultMode": {}, "f:name": {}}, "f:name": {}}},
        },
    }  # fmt: skip
    return [
        {
            "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
            "time": "2026-11-24T02:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields,
        }
    ]  # fmt: skip


def _container(name: str, image: str) -> dict[str, Any]:
    probe = {
        "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1,
        "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    }  # fmt: skip
    made: dict[str, Any] = container(
        name,
        image,
        imagePullPolicy="IfNotPresent",
        args=["--config", "/etc/app/config.yaml", "--listen", ":8080"],
        ports=[{"containerPort": 8080, "protocol": "TCP"}],
        env=[
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        resources={
            "limits": {"memory": "256Mi"},
            "requests": {"cpu": "100m", "memory": "256Mi"},
        },
        volumeMounts=[
            {"name": "config", "mountPath": "/etc/app", "readOnly": True},
            {"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
        ],
        livenessProbe=probe,
        readinessProbe=probe,
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        securityContext={
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    )
    return made


def realistic_pod() -> dict[str, Any]:
    """Two containers, probes, volumes, managedFields: the shape that the peers were measured on."""
    obj = pod(
        name="shop-7c9d8b6f5d-x2k4p",
        labels={"app": "shop", "pod-template-hash": "7c9d8b6f5d", "tier": "web"},
        containers=[
            _container("app", "registry.example.com/shop/web:2.14.1"),
            _container("proxy", "docker.io/library/nginx:1.31.2"),
        ],
        volumes=[
            {"name": "config", "configMap": {"name": "shop", "defaultMode": 420}},
            {"name": "token", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [
                    {"key": "ca.crt", "path": "ca.crt"}]}}]}},
        ],
        securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        serviceAccountName="shop",
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        enableServiceLinks=True,
        preemptionPolicy="PreemptLowerPriority",
        tolerations=[
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute",
             "tolerationSeconds": 300} for key in ("not-ready", "unreachable")
        ],
    )  # fmt: skip
    obj["metadata"]["generateName"] = "shop-7c9d8b6f5d-"
    obj["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-7c9d8b6f5d",
         "uid": "6f3f0f0a-0d6e-4b5c-8b6c-2a5d1f0a7b11", "controller": True}
    ]  # fmt: skip
    obj["metadata"]["managedFields"] = _managed_fields()
    return obj


def realistic_review(namespace: str = "tenant-a", **tweaks: Any) -> bytes:
    """The review of ``realistic_pod`` as a request body: what ``/mutate`` is asked."""
    return orjson.dumps(review(realistic_pod(), namespace=namespace, **tweaks))


def mutated_review(namespace: str = "tenant-a", **tweaks: Any) -> bytes:
    """The same with the class that it was given: what ``/validate`` is asked afterwards."""
    obj = realistic_pod()
    obj["spec"]["runtimeClassName"] = "gvisor"
    return orjson.dumps(review(obj, namespace=namespace, **tweaks))


def updated_review(namespace: str = "tenant-a") -> bytes:
    """An UPDATE that changes a label: the pod twice, nothing of it worse than it was."""
    old, new = realistic_pod(), realistic_pod()
    for obj in (old, new):
        obj["spec"]["runtimeClassName"] = "gvisor"
    new["metadata"]["labels"]["tier"] = "api"
    return orjson.dumps(review(new, operation="UPDATE", old=old, namespace=namespace))
