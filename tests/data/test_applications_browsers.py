"""Browsers, desktops, media, games and clocks: what is said of them."""

import pytest

from tests.build import profile
from tests.data.shipped import applications, faults, running

GVISOR = profile("gvisor", "20260817.0")


@pytest.mark.parametrize(
    ("name", "image", "args"),
    [
        ("chromium", "chromedp/headless-shell:140", ()),
        ("chromium", "debian:12", ("chromium", "--headless", "--no-sandbox")),
        ("selenium", "selenium/standalone-chrome:4.25.0", ()),
        ("browserless", "ghcr.io/browserless/chromium:v2.56.0", ()),
        ("playwright", "mcr.microsoft.com/playwright:v1.62.1-noble", ()),
        ("playwright", "mcr.microsoft.com/playwright/python:v1.62.1-noble", ()),
        ("puppeteer", "ghcr.io/puppeteer/puppeteer:24", ()),
        ("gotenberg", "gotenberg/gotenberg:8.36.0", ()),
        ("collabora", "collabora/code:25.04", ()),
        ("kasmvnc", "lscr.io/linuxserver/webtop:latest", ()),
        ("code-server", "codercom/code-server:4.104", ()),
        ("devcontainer", "mcr.microsoft.com/devcontainers/base:ubuntu", ()),
        ("jellyfin", "jellyfin/jellyfin:10.11", ()),
        ("minecraft", "itzg/minecraft-server:latest", ()),
        ("ntpd", "debian:12", ("ntpd", "-q")),
    ],
)
def test_they_are_known_and_not_refused(name: str, image: str, args: tuple[str, ...]) -> None:
    assert name in applications(running(image, *args))
    assert faults(running(image, *args), GVISOR) == []


@pytest.mark.parametrize(
    "image",
    [
        "selenium/video:ffmpeg-7.1",
        "kasmweb/manager:1.17.0",
        "itzg/rcon:latest",
        "itzg/mc-backup:latest",
        "jellyfin/jellyfin-vue:latest",
    ],
)
def test_what_stands_beside_them_is_something_else(image: str) -> None:
    assert applications(running(image)) == []


def test_steamcmd_is_a_program_of_32_bits() -> None:
    steam = running("cm2network/steamcmd:root")
    assert faults(steam, GVISOR) == [("incompatible", "exec:ia32")]
    assert faults(steam, profile("kata", "4.1.0", hypervisor="qemu")) == []


def test_a_daemon_that_goes_on_without_the_clock_is_degraded_and_one_that_ends_is_refused() -> None:
    adjtimex = "syscall:adjtimex"
    assert faults(running("debian:12", "ntpd", "-n"), GVISOR) == [("degraded", adjtimex)]
    assert faults(running("debian:12", "chronyd", "-d"), GVISOR) == [("incompatible", adjtimex)]


def test_phc2sys_only_steers_a_clock_and_ptp4l_may_be_a_master() -> None:
    steered = "syscall:clock_adjtime"
    phc2sys = running("quay.io/openshift/origin-ptp:4.20", "phc2sys", "-a", "-r")
    assert faults(phc2sys, GVISOR) == [("incompatible", steered)]
    assert faults(running("debian:12", "ptp4l", "-i", "eth0"), GVISOR) == [("degraded", steered)]
