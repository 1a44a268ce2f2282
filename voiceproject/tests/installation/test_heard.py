"""What the history says was heard is what the page has played, however it was cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from voiceproject.testing.browser import Browsing, Tab
from voiceproject.testing.installation import Installation, wait_until

PLAYED_MS = "Number(document.querySelector('li.turn')?.dataset.playedMs ?? 0)"
REMEMBER = f"""addEventListener("pagehide", () => {{
  localStorage.played = {PLAYED_MS};
  localStorage.session = document.getElementById("talk").dataset.session;
}}, {{capture: true}})"""
WITHIN_MS = 50


def type_line(tab: Tab, text: str) -> None:
    if not tab.page.is_visible("#type-text"):
        tab.page.click("[data-type-toggle]")
    tab.page.fill("#type-text", text)
    tab.page.keyboard.press("Enter")


def stop(tab: Tab) -> None:
    tab.page.click("[data-stop]")
    tab.wait_for("document.getElementById('talk').dataset.phase === 'idle'")


def overtake(tab: Tab) -> None:
    type_line(tab, "never mind")
    tab.wait_for("document.querySelectorAll('li.turn').length === 2")


def leave(tab: Tab) -> None:
    tab.page.goto("about:blank")


def reload(tab: Tab) -> None:
    tab.page.reload()


WAYS: dict[str, tuple[Callable[[Tab], None], set[str]]] = {
    "stop": (stop, {"stopped"}),
    "overtake": (overtake, {"interrupted"}),
    "leave": (leave, {"client_left"}),
    "reload": (reload, {"client_left"}),
}


def first_turn(tab: Tab, session: str) -> dict[str, Any]:
    """The first turn of the session, as REST has it once it is archived."""
    address = urljoin(tab.page.url, f"/api/v1/interaction/sessions/{session}/turns")
    found: list[dict[str, Any]] = []

    def is_archived() -> bool:
        found[:] = tab.page.request.get(address).json()[:1]
        return bool(found) and found[0]["sequence"] == 1

    wait_until("the turn is archived", is_archived)
    return found[0]


def page_and_history_agree(tab: Tab) -> bool:
    """On how long the first reply was heard; both are told of what comes in late."""
    session = tab.page.evaluate("document.getElementById('talk').dataset.session")
    heard_ms = first_turn(tab, session)["agent_message"]["heard_ms"]
    return f"{heard_ms / 1000:.1f}" in tab.page.inner_text("li.turn .cut")


def test_what_was_heard_is_what_was_played(parley: Installation, browsing: Browsing) -> None:
    with browsing(parley) as tab:
        page, voice_page = tab.page, tab.page.url
        for way, (cut_off, reasons) in WAYS.items():
            page.goto(voice_page)
            page.evaluate(REMEMBER)
            type_line(tab, "tell me a story")
            tab.wait_for(f"{PLAYED_MS} > 1200")
            cut_off(tab)
            if way in ("stop", "overtake"):
                wait_until("page and history agree", lambda: page_and_history_agree(tab))
                page.evaluate("dispatchEvent(new Event('pagehide'))")
            else:
                page.goto(voice_page)
            played = page.evaluate("Number(localStorage.played)")
            turn = first_turn(tab, page.evaluate("localStorage.session"))
            message = turn["agent_message"]
            assert turn["end_reason"] in reasons, way
            assert abs(message["heard_ms"] - played) <= WITHIN_MS, way
            assert message["text"].startswith(message["heard_text"])
