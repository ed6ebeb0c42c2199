"""Examples for the help of every command: what a person types first. A test parses each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXAMPLES: Mapping[str, Sequence[str]] = {
    "": (
        "runtimegate check -n tenant-a deployment.yaml",
        "runtimegate compat why postgres:18",
        "runtimegate audit",
    ),
    "check": (
        "runtimegate check -n tenant-a deployment.yaml",
        "helm template shop | runtimegate check -n shop -",
        "runtimegate check --cluster cluster.yaml -o sarif manifests > found.sarif",
    ),
    "policy lint": ("runtimegate policy lint", "runtimegate policy lint -p draft"),
    "policy show": (
        "runtimegate policy show tenant-a",
        "runtimegate policy show shop --label tier=tenant",
    ),
    "policy test": (
        "runtimegate policy test --coverage",
        "runtimegate policy test --fail-under 100 -o junit > policies.xml",
    ),
    "policy diff": (
        "runtimegate policy diff main:policies policies",
        "runtimegate policy diff main:policies policies -f manifests -o markdown",
        "runtimegate policy diff policies --inventory next.yaml",
    ),
    "policy schema": ("runtimegate policy schema RuntimePolicy > runtimepolicy.json",),
    "policy compile": (
        "runtimegate policy compile > native.yaml",
        "runtimegate policy compile --bindings warn > native.yaml",
    ),
    "compat table": (
        "runtimegate compat table --runtime gvisor --feature 'pod:*'",
        "runtimegate compat table --application postgresql",
    ),
    "compat why": (
        "runtimegate compat why postgres:18",
        "runtimegate compat why postgres:18 -- -c io_method=io_uring",
        "runtimegate compat why -f deployment.yaml --runtime kata --hypervisor qemu",
    ),
    "compat diff": (
        "runtimegate compat diff 20240729.0 20260817.0",
        "runtimegate compat diff gvisor kata -f deployment.yaml",
    ),
    "compat import": (
        "runsc help syscalls -format json -os linux -arch all > calls.json",
        "runtimegate compat import calls.json --version 20260817.0 > ours.yaml",
    ),
    "compat learn": (
        "strace -f -o app.strace ./app",
        "runtimegate compat learn app.strace --name app --image '*/app'",
    ),
    "compat probe": (
        "runtimegate compat probe -- python3 app.py",
        "runtimegate compat probe --facts --feature 'syscall:*'",
    ),
    "audit": (
        "runtimegate audit",
        "runtimegate audit -n tenant-a --all",
        "runtimegate audit -o html > audit.html",
        "runtimegate audit --cluster cluster.json --what-if draft",
    ),
    "plan": (
        "runtimegate plan",
        "runtimegate plan --prefer kata-qemu,gvisor,runc --write draft",
    ),
    "serve": (
        "runtimegate serve --self-signed --no-cluster",
        "runtimegate serve -p /policies --tls-dir /tls",
    ),
    "certs bootstrap": ("runtimegate certs bootstrap --dir tls --localhost",),
    "certs renew": ("runtimegate certs renew --dir tls",),
    "certs status": ("runtimegate certs status --dir tls",),
    "completion": (
        'eval "$(runtimegate completion bash)"',
        'eval "$(runtimegate completion zsh)"',
        "runtimegate completion fish | source",
    ),
    "version": ("runtimegate version -o json",),
}
"""What to type, by the words of the command."""


def examples_text(words: str) -> str:
    """The examples of a command as a paragraph of its help; empty where it has none."""
    lines = EXAMPLES.get(words, ())
    # \b keeps click from filling the lines of a paragraph.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else ""
