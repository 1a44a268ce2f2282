"""axe-core finds nothing on any page in any state, in light and dark, in both languages; and the
first screen and long words fit. One browser, one installation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from voiceproject.environment import BASE_DIR
from voiceproject.testing.browser import Browsing, Tab
from voiceproject.testing.installation import Installation
from voiceproject.testing.plugin import require

AXE = BASE_DIR / ".ci" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
    one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 160)).join(" | ")}`)"""
# Colours hang on the scheme alone and labels on the language alone: two looks see all four.
LOOKS = [("light", "en"), ("dark", "zh-TW")]
LONG = "x" * 500
SCREENS = [(1366, 625), (1280, 600), (640, 300), (390, 844), (320, 568), (1440, 900), (1920, 1080)]


@pytest.fixture(scope="module")
def tab(parley: Installation, browsing: Browsing) -> Iterator[Tab]:
    require(AXE.exists(), "axe-core (npm ci --prefix .ci)")
    with browsing(parley, viewport={"width": 1280, "height": 800}) as tab:
        yield tab


class Looker:
    """Goes from state to state, and keeps what axe-core finds in each."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab = tab
        self.page = tab.page
        self.url = url
        self.found: dict[str, Any] = {}

    def look(self, state: str) -> None:
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        if violations := self.page.evaluate(RUN):
            self.found[state] = violations

    def go(self, path: str, state: str) -> None:
        self.page.goto(self.url + path)
        self.look(state)

    def say(self, text: str) -> None:
        if self.page.locator("#type-text").is_hidden():
            self.page.click("[data-type-toggle]")
        self.page.fill("#type-text", text)
        self.page.keyboard.press("Enter")


def status_is(*words: str) -> str:
    return f"{list(words)}.includes(document.getElementById('talk').dataset.status)"


@pytest.mark.parametrize(("scheme", "language"), LOOKS)
def test_axe_finds_nothing(parley: Installation, tab: Tab, scheme: Any, language: str) -> None:
    page = tab.page
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.context.set_extra_http_headers({"Accept-Language": language})
    looker = Looker(tab, parley.url)
    if (scheme, language) == LOOKS[0]:
        looker.go("/history/", "history, empty")
        looker.go("/history/latency/", "latency, empty")
        looker.go("/status/", "status, nothing called yet")
    looker.go("/", "first screen, panel open beside it")
    page.click("[data-mic-check-start]")  # there is no microphone
    tab.wait_for("document.querySelector('[data-check=idle] [data-mic-check-said]')?.textContent")
    looker.look("the microphone check")
    page.click("[data-panel-close]")
    looker.look("first screen")
    page.click("[data-talk]")  # there is no microphone
    page.wait_for_selector("[data-notice]")
    looker.look("an error's notice")
    looker.say("tell me a story")
    tab.wait_for(status_is("speaking"))
    looker.look("speaking")
    page.click("li.turn .play")
    tab.wait_for(status_is("paused"))
    looker.look("a reply that waits to be played")
    page.click("li.turn .play")
    tab.wait_for(status_is("speaking"))
    page.focus("li.turn .timing summary")
    looker.look("the names under a bar")
    page.keyboard.press("Enter")
    looker.look("figures open")
    page.evaluate("document.getElementById('talk').dataset.status = 'responding'")
    looker.look("thinking")
    page.click("[data-panel-toggle]")
    page.eval_on_selector_all("#panel details", "all => all.forEach(one => one.open = true)")
    looker.look("panel open in a conversation")
    page.keyboard.press("Escape")
    page.click("[data-stop]")
    tab.wait_for(status_is("idle"))
    page.wait_for_selector(".end-card .figures-card")
    page.eval_on_selector_all(".end-card details", "all => all.forEach(one => one.open = true)")
    looker.look("after the end, with its figures")
    looker.go("/history/latency/", "latency")
    page.eval_on_selector_all("main details", "all => all.forEach(one => one.open = true)")
    looker.look("latency, with its tables and filters")
    looker.go("/history/latency/?text=nobody-said-this", "latency, nothing found")
    looker.go("/status/", "status")
    page.eval_on_selector_all("main details", "all => all.forEach(one => one.open = true)")
    looker.look("status, with its tables")
    page.evaluate("document.getElementById('status').dataset.old = ''")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.wait_for("document.querySelectorAll('#status:not([data-old]) details[open]').length === 2")
    looker.look("status, renewed with its tables open")
    looker.go("/history/", "history")
    page.click(".sessions a")
    looker.look("one conversation")
    page.focus(".wait[tabindex='0']")
    looker.look("the names of a wait")
    page.click(".keys summary")
    looker.look("the player's keys")
    page.click(".note-editor summary")
    looker.look("a note is written")
    page.click(".all-figures a")
    looker.look("all figures")
    looker.go("/history/?q=nobody-said-this", "history, nothing found")
    looker.go("/settings/", "keys")
    looker.go("/api/v1/docs", "the API's reference")
    looker.go("/admin/interaction/prompttemplate/", "the admin's prompt list")
    assert looker.found == {}, json.dumps(looker.found, indent=1)


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_first_screen_is_not_scrolled_and_long_words_wrap(
    parley: Installation, tab: Tab, language: str
) -> None:
    page = tab.page
    page.context.set_extra_http_headers({"Accept-Language": language})
    page.goto(parley.url)
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        hidden, sideways, button = page.evaluate(
            """() => {
                const {scrollHeight, clientHeight} = document.querySelector(".conversation");
                const {bottom} = document.querySelector("[data-talk]").getBoundingClientRect();
                return [scrollHeight - clientHeight,
                        document.documentElement.scrollWidth - innerWidth, bottom];
            }"""
        )
        assert (hidden, sideways) == (0, 0), (width, height)
        assert button <= height, (width, height)
    page.set_viewport_size({"width": 320, "height": 568})
    page.reload()
    Looker(tab, parley.url).say(f"{LONG} مرحبا")
    page.wait_for_selector("li.turn")
    tab.wait_for(f"document.querySelector('.agent .said').textContent.includes('{LONG[:99]}')")
    pages = ("", "/history/", "/history/latency/", "/settings/", "/history/?q=x", "/api/v1/docs")
    for address in pages:
        if address:
            page.goto(parley.url + address)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, address


def test_sign_in_has_nothing_to_find_either(parley: Installation, tab: Tab) -> None:
    page = tab.page
    page.context.clear_cookies()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        looker = Looker(tab, parley.url)
        looker.go("/sign-in/", "sign in")
        assert looker.found == {}
