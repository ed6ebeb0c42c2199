"""How many manifests a second ``check`` decides on one core, beside what reading them alone costs.

python -m tests.bench.manifests        prints processor time, ratios within one run, and peak memory

The baseline is PyYAML's C loader on the same bytes, which says neither where a field stands nor
what kubectl makes of it. Processor time, for the machine may be shared.
"""

import gc
import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import yaml

from webhook.cli import run

COUNT = 2_000
ROUNDS = 3
POLICIES = Path(__file__).parents[2] / "policies"
_NAMES = (
    "frontend", "checkout", "payments", "catalogue", "search", "mailer", "worker", "ledger",
    "sessions", "images", "reports", "gateway", "audit-log", "inventory", "pricing", "notifier",
)  # fmt: skip
_PUBLIC = (
    "nginx:1.31", "redis:8.4", "postgres:18", "rabbitmq:4.2", "memcached:1.6", "python:3.14",
    "node:24", "haproxy:3.3",
)  # fmt: skip

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}-{number}
  namespace: tenant-{team}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/instance: {name}-{number}
    app.kubernetes.io/managed-by: Helm
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
      app.kubernetes.io/instance: {name}-{number}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
        app.kubernetes.io/instance: {name}-{number}
      annotations:
        checksum/config: 01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b
    spec:
      serviceAccountName: {name}
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {name}
          image: "{image}"
          imagePullPolicy: IfNotPresent
          args: ["--port=8080", "--verbose"]
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
          env:
            - name: LOG_LEVEL
              value: "info"
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
          readinessProbe:
            httpGet:
              path: /ready
              port: http
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: ["ALL"]
          volumeMounts:
            - name: config
              mountPath: /etc/{name}
      volumes:
        - name: config
          configMap:
            name: {name}-{number}
"""
POD = """\
# One of the small ones.
apiVersion: v1
kind: Pod
metadata:
  name: {name}-{number}
  namespace: tenant-{team}
  labels: {{app: {name}, tier: backend}}
spec:
  restartPolicy: Never
  initContainers:
    - name: wait
      image: busybox:1.37
      command: [sh, -c, "until nslookup {name}; do sleep 1; done"]
  containers:
    - name: {name}
      image: {image}
      env:
        - {{name: MODE, value: batch}}
        - {{name: PASSWORD, valueFrom: {{secretKeyRef: {{name: {name}, key: password}}}}}}
      resources: {{requests: {{cpu: 50m, memory: 64Mi}}, limits: {{memory: 128Mi}}}}
      volumeMounts:
        - {{name: data, mountPath: /data}}
  volumes:
    - name: data
      emptyDir: {{sizeLimit: 1Gi}}
"""
CRON_JOB = """\
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}-{number}
  namespace: tenant-{team}
spec:
  schedule: "*/15 * * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 2
      template:
        metadata:
          labels:
            app: {name}
        spec:
          restartPolicy: OnFailure
          containers:
            - name: {name}
              image: "{image}"
              command:
                - /bin/sh
                - -c
                - |
                  set -e
                  echo "cleaning up"
                  exec /usr/local/bin/cleanup --older-than 30d --dry-run=false
              envFrom:
                - configMapRef:
                    name: {name}
                - secretRef:
                    name: {name}
              resources:
                requests:
                  cpu: 50m
                  memory: 64Mi
                limits:
                  cpu: 500m
                  memory: 256Mi
              volumeMounts:
                - name: tmp
                  mountPath: /tmp
          volumes:
            - name: tmp
              emptyDir: {{}}
"""
SHAPES = (DEPLOYMENT, DEPLOYMENT, POD, CRON_JOB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The median of the rounds: manifests a second of processor time, and times the baseline's."""

    per_second: float
    times: float


def manifests(count: int = COUNT) -> Iterator[str]:
    """Deployments, Pods and CronJobs of 1 to 2 kB; the table knows a third of their images."""
    for number in range(count):
        name = _NAMES[number % len(_NAMES)]
        public = _PUBLIC[number % len(_PUBLIC)]
        own = f"registry.example/team-{number % 40}/{name}:1.{number % 90}.{number % 7}"
        image = public if number % 3 == 0 else own
        shape = SHAPES[number % len(SHAPES)]
        yield shape.format(name=name, number=number, team=number % 40, image=image)


def speeds(file: Path) -> dict[str, Speed]:
    """The baseline, and the whole of the command in its forms of output, but for its start."""
    content = file.read_bytes()
    calls: dict[str, Callable[[], object]] = {
        "yaml.CSafeLoader alone": lambda: list(yaml.load_all(content, yaml.CSafeLoader)),
    }
    for output in ("text", "json", "github", "sarif", "junit"):
        calls[f"check -o {output}"] = _command(file, "-o", output)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            gc.collect()
            began = time.process_time()
            call()
            seconds[name].append(time.process_time() - began)
    base = sorted(seconds["yaml.CSafeLoader alone"])[ROUNDS // 2]
    middle = {name: sorted(times)[ROUNDS // 2] for name, times in seconds.items()}
    return {
        name: Speed(per_second=COUNT / taken, times=taken / base) for name, taken in middle.items()
    }


def _command(file: Path, *arguments: str) -> Callable[[], object]:
    command = ["check", "-p", str(POLICIES), "--today", "2026-11-26", *arguments, str(file)]

    def call() -> None:
        with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            run(command)

    return call


def whole_process(file: Path) -> tuple[float, float]:
    """Processor seconds and peak MiB of the command as a process, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "webhook.cli", "check", "-p", str(POLICIES), str(file)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, after.ru_maxrss / 1024


def main() -> None:
    """Print the figures of this machine."""
    with tempfile.TemporaryDirectory(prefix="runtimegate-bench-") as folder:
        file = Path(folder, "all.yaml")
        file.write_text("---\n".join(manifests()))
        size = file.stat().st_size
        print(f"{COUNT} manifests of {size / COUNT / 1000:.1f} kB, one core, processor time")
        print(f"{'':24} {'per second':>10} {'of the loader':>14}")
        for name, speed in speeds(file).items():
            print(f"{name:24} {speed.per_second:10.0f} {speed.times:13.2f}x")
        seconds, mebibytes = whole_process(file)
        print(
            f"as a process, its start included: {COUNT / seconds:.0f} a second, "
            f"{mebibytes:.0f} MiB for {size / 2**20:.0f} MiB"
        )


if __name__ == "__main__":
    main()
