"""Serving and training of models, engines of workflows: what is said of them."""

import pytest

from tests.build import profile
from tests.data.shipped import applications, faults, running

GVISOR = profile("gvisor", "20260817.0")


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("nvidia-node-agents", "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"),
        ("nvidia-node-agents", "nvcr.io/nvidia/k8s/dcgm-exporter:4.5.3-4.8.2-distroless"),
        ("nvidia-node-agents", "nvcr.io/nvidia/cloud-native/k8s-mig-manager:v0.15.0"),
        ("gpu-operator", "nvcr.io/nvidia/gpu-operator:v26.7.0"),
        ("stable-diffusion", "yanwk/comfyui:cu124"),
        ("jax", "nvcr.io/nvidia/jax:25.04-py3"),
        ("prefect", "prefecthq/prefect:3-latest"),
        ("dagster", "dagster/dagster-k8s:1.11"),
        ("n8n", "docker.n8n.io/n8nio/n8n:1.110"),
        ("camunda", "camunda/zeebe:8.7"),
    ],
)
def test_they_are_known_and_not_refused(name: str, image: str) -> None:
    assert name in applications(running(image))
    assert faults(running(image), GVISOR) == []


def test_the_driver_of_gpus_loads_modules_into_the_nodes_kernel() -> None:
    driver = running("nvcr.io/nvidia/driver:580.65.06-ubuntu22.04", "nvidia-driver", "init")
    assert faults(driver, GVISOR) == [("incompatible", "kernel:modules")]
    assert faults(driver, profile("runc", "1.4.0")) == []


@pytest.mark.parametrize(
    "image", ["nvcr.io/nvidia/cuda:12.9.0-base-ubuntu22.04", "example/driver:1"]
)
def test_an_image_of_cuda_is_not_the_driver(image: str) -> None:
    assert applications(running(image)) == []
