"""The audit's page in a real browser: what people click, how it looks narrow, what it may do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.cli.audit_samples import hostile, namespace, pod, report_of, usual
from webhook.cli.audit_page import html_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DESKTOP, PHONE = (1280, 900), (390, 844)
MANY = [namespace("tenant-a")] + [
    pod(f"web-{n:03}", "nginx:1.29", runtimeClassName="gvisor") for n in range(250)
]


class Page:
    """A page that is open, by what a person sees of it."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def every(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition: Callable[[], bool]) -> None:
        # The list is made anew while it is read.
        stale = [StaleElementReferenceException]
        WebDriverWait(self.browser, 90, ignored_exceptions=stale).until(lambda _: condition())

    @property
    def names(self) -> list[str]:
        """What is listed, as ``namespace/name``."""
        return [who.text.split(" ", 1)[1] for who in self.every("#rows .who")]

    def colour(self, selector: str) -> str:
        return str(self.find(selector).value_of_css_property("background-color"))

    def complaints(self) -> list[str]:
        """Whatever the console says, errors of scripts and of the security policy included."""
        return [entry["message"] for entry in _log(self.browser, "browser")]

    def requests(self) -> set[str]:
        """The schemes of everything that was fetched since the last look."""
        events = (json.loads(e["message"])["message"] for e in _log(self.browser, "performance"))
        sent = (e["params"] for e in events if e["method"] == "Network.requestWillBeSent")
        return {params["request"]["url"].partition(":")[0] for params in sent}


def _log(browser: Chrome, kind: str) -> list[Any]:
    """What has come since the last look."""
    return list(browser.get_log(kind))


Open = Callable[..., Page]


@pytest.fixture
def opened(chromium: Chrome, tmp_path: Path) -> Open:
    """Open the page of a report on some objects."""

    def open_page(
        objects: list[dict[str, Any]], *, size: tuple[int, int] = DESKTOP, query: str = ""
    ) -> Page:
        file = tmp_path / "audit.html"
        file.write_text(html_page(report_of(tmp_path, objects)))
        # Not set_window_size: headless Chromium makes no window as narrow as a phone's.
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        chromium.get("about:blank")
        for kind in ("browser", "performance"):
            _log(chromium, kind)
        chromium.get(f"{file.as_uri()}{query}")
        return Page(chromium)

    return open_page


def test_it_fetches_nothing_and_the_console_is_silent_whatever_tenants_wrote(opened: Open) -> None:
    page = opened([*usual(), *hostile()])
    for summary in page.every("#rows summary"):
        summary.click()
    # An entry is filled by an event that the browser sends after it has opened.
    page.until(lambda: len(page.every("#rows .detail")) >= len(page.names))
    assert len(page.every("#rows .detail")) == len(page.names)
    assert page.complaints() == []
    assert page.requests() <= {"file", "data"}
    assert page.every("img") == []


def test_the_worst_stands_first_and_opens_to_cause_evidence_and_remedy(opened: Open) -> None:
    page = opened(usual())
    assert page.names[0] == "tenant-a/builder"
    at = page.names.index("tenant-a/db")
    page.every("#rows summary")[at].click()
    page.until(lambda: bool(page.every("#rows .detail")))
    told = page.find("#rows .detail").text
    for part in ("What to do", "perf:syscall-rate", "Evidence", "measured 20", "kata-qemu"):
        assert part in told


def test_a_search_finds_images_and_features_and_says_how_many(opened: Open) -> None:
    page = opened(usual())
    page.find("#search").send_keys("postgres")
    page.until(lambda: page.names == ["tenant-a/db"])
    assert page.find("#count").text == "1 of 8 entries, 1 running pod"
    page.find("#search").clear()
    page.find("#search").send_keys("nothing like it")
    page.until(lambda: page.find("#count").text == "Nothing matches these filters.")
    page.find("#reset").click()
    assert len(page.names) == 8
    assert not page.find("#reset").is_enabled()


def test_filters_hold_together_and_stay_in_the_address(opened: Open) -> None:
    page = opened(usual())
    Select(page.find("#namespace")).select_by_value("tenant-a")
    Select(page.find("#class")).select_by_visible_text("runc")
    assert page.names == ["tenant-a/builder", "tenant-a/agent"]
    address = page.browser.current_url
    again = opened(usual(), query="#" + address.partition("#")[2])
    assert again.names == ["tenant-a/builder", "tenant-a/agent"]


def test_a_tile_filters_by_its_state_and_lets_go_again(opened: Open) -> None:
    page = opened(usual())
    tile = page.find('.tile[data-state="degraded"]')
    tile.click()
    assert page.names == ["tenant-a/db"]
    assert tile.get_attribute("aria-pressed") == "true"
    tile.click()
    assert len(page.names) == 8


def test_a_namespace_of_the_chart_leads_to_what_is_in_it(opened: Open) -> None:
    page = opened(usual())
    page.find('[data-namespace="tenant-b"]').click()
    assert page.names == ["tenant-b/on-runc", "tenant-b/bare"]
    assert page.browser.switch_to.active_element.get_attribute("id") == "list-title"


def test_it_is_worked_by_the_keyboard_alone(opened: Open) -> None:
    page = opened(usual())
    page.browser.switch_to.active_element.send_keys(Keys.TAB)
    skip = page.browser.switch_to.active_element
    assert skip.text == "Skip to workloads and pods"
    skip.send_keys(Keys.ENTER)
    for _ in range(5):  # search, three filters, then the first entry: the reset is disabled
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
    first = page.browser.switch_to.active_element
    assert first.tag_name == "summary"
    first.send_keys(Keys.ENTER)
    assert page.find("#rows details").get_attribute("open")


def test_a_long_list_is_shown_in_parts(opened: Open) -> None:
    page = opened(MANY)
    assert len(page.names) == 100
    page.find("#more").click()
    assert len(page.names) == 200
    page.find("#more").click()
    assert len(page.names) == 250
    assert not page.find("#more").is_displayed()


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 600)], ids=["desktop", "phone", "320"])
def test_nothing_is_wider_than_the_window(
    opened: Open, screenshots: Path, size: tuple[int, int]
) -> None:
    page = opened([*usual(), *hostile()], size=size)
    page.browser.save_screenshot(str(screenshots / f"audit-{size[0]}.png"))
    for summary in page.every("#rows summary"):
        summary.click()
    width = page.browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= size[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_until_the_reader_chooses(
    opened: Open, screenshots: Path, scheme: str
) -> None:
    page = opened(usual())
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    before = page.colour("body")
    assert page.find("#theme").text == {"light": "Dark colours", "dark": "Light colours"}[scheme]
    page.browser.save_screenshot(str(screenshots / f"audit-{scheme}.png"))
    page.find("#theme").click()
    assert page.colour("body") != before
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
