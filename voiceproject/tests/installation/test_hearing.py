"""Hearing a kept conversation in a real browser: what is clicked is what sounds, on its side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from voiceproject.testing.browser import Browsing, Tab
from voiceproject.testing.installation import Installation
from voiceproject.testing.listening import LISTEN, PLACE_MS, PLAYS

MAKE = """
from django.contrib.auth.models import User
from history.tests.recorded import recorded_conversation
print(recorded_conversation(User.objects.get(username="owner")).pk)
"""
LIT = "[...CSS.highlights].flatMap(([name, ranges]) => [...ranges].map(one => `${name}: ${one}`))"


def near(hz: int, side: int) -> str:
    return f"Math.abs(sounding()[{side}] - {hz}) < 30"


def silent(side: int) -> str:
    return f"sounding()[{side}] === 0"


@pytest.fixture(scope="module")
def tab(parley: Installation, browsing: Browsing) -> Iterator[Tab]:
    session = parley.manage("shell", "-c", MAKE).splitlines()[-1]
    with browsing(parley, viewport={"width": 1440, "height": 1000}, reduced_motion="reduce") as tab:
        tab.page.goto(f"{parley.url}/history/{session}/")
        tab.wait_for("document.getElementById('conversation').dataset.waveforms === 'here'")
        tab.page.evaluate(LISTEN)
        yield tab


def place_ms(page: Page) -> float:
    return float(page.evaluate(PLACE_MS))


def click_axis(page: Page, ms: float, y: float) -> None:
    """Click where ``ms`` is drawn, ``y`` px below the axis's top."""
    box = page.locator("[data-window]").bounding_box()
    assert box
    whole = page.evaluate("JSON.parse(document.getElementById('conversation-data').textContent).ms")
    page.mouse.click(box["x"] + box["width"] * ms / whole, box["y"] + y)


def test_the_whole_is_played_both_sides_each_on_its_own(tab: Tab) -> None:
    page = tab.page
    page.click("[data-zoom=fit]")
    page.click("[data-play]")
    tab.wait_for(f"{PLACE_MS} > 600 && {near(440, 0)} && {silent(1)}")
    assert page.inner_text("[data-play-word]") == "Pause"
    tab.wait_for(f"{PLACE_MS} > 3600 && {near(1500, 1)} && {silent(0)}")
    page.click("[data-play]")
    tab.wait_for(f"!({PLAYS})")
    assert 3_600 < place_ms(page) < 6_300


def test_a_wave_a_wait_a_word_and_a_turn_are_heard_where_they_are_clicked(tab: Tab) -> None:
    page = tab.page
    page.click("[data-zoom=fit]")
    click_axis(page, 11_500, 98)  # the agent's wave in the second turn
    tab.wait_for(f"{PLAYS} && {PLACE_MS} >= 11480 && {near(1500, 1)} && {silent(0)}")
    assert page.get_attribute("#turn-2", "aria-current") == "true"
    assert page.inner_text("[data-figures-of]") == "Figures of turn 2"
    assert page.inner_text("[data-figure=ear] [data-of-turn]") == "1000"
    page.click(".wait[data-turn='1'] [data-stage=tts]")  # it says nothing yet: then it answers
    tab.wait_for(f"{PLAYS} && {PLACE_MS} > 3050 && {PLACE_MS} < 3900 && {near(1500, 1)}")
    page.click(".from-here[data-play-from='8000']")
    tab.wait_for(f"{PLAYS} && {PLACE_MS} > 8300 && {PLACE_MS} < 10600 && {near(440, 0)}")
    word = page.evaluate(
        """() => {
            const node = document.querySelector("#turn-1 [data-said=agent]").firstChild;
            const range = document.createRange();
            const at = node.data.indexOf("all");
            range.setStart(node, at);
            range.setEnd(node, at + 3);
            document.querySelector("#turn-1").scrollIntoView({block: "center"});
            const {x, y, width, height} = range.getBoundingClientRect();
            return {x: x + width / 2, y: y + height / 2};
        }"""
    )
    page.mouse.click(word["x"], word["y"])
    # The second sentence sounds from 4800 on; the word is a little into it.
    tab.wait_for(f"{PLAYS} && {PLACE_MS} > 5300 && {PLACE_MS} < 6200 && {near(1500, 1)}")
    tab.wait_for(f"{LIT}.some(one => /^sounding-agent: (all|day|tomorrow)$/.test(one))")
    page.keyboard.press("k")
    tab.wait_for(f"!({PLAYS}) && {LIT}.length === 0")


def test_the_keyboard_alone_goes_everywhere(tab: Tab) -> None:
    page = tab.page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Home")
    assert place_ms(page) == 0
    for key, ms in {"ArrowRight": 5_000, "l": 12_800, "j": 2_800, "ArrowLeft": 0}.items():
        page.keyboard.press(key)
        assert place_ms(page) == pytest.approx(ms, abs=1), key
    for key, ms in {"n": 8_000, "p": 0, "End": 12_800, "Home": 0}.items():
        page.keyboard.press(key)
        assert place_ms(page) == pytest.approx(ms, abs=1), key
    page.keyboard.press("Space")
    tab.wait_for(PLAYS)
    page.keyboard.press("Space")
    tab.wait_for(f"!({PLAYS})")
    page.keyboard.press(">")
    assert page.evaluate("document.querySelector('[data-audio]').playbackRate") == 1.25
    page.keyboard.press("<")
    page.focus("[data-seek]")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert place_ms(page) == pytest.approx(5_000, abs=1)
    assert page.get_attribute("[data-seek]", "aria-valuetext") == "0:05 of 0:12, turn 1"
    page.click(".keys summary")
    page.uncheck("[data-keys]")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert place_ms(page) == pytest.approx(5_000, abs=1), "the keys are switched off"
    page.click(".keys summary")
    page.check("[data-keys]")
    page.keyboard.press("Escape")


def test_silence_is_skipped(tab: Tab) -> None:
    page = tab.page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("s")
    page.click(".from-here[data-play-from='0']")
    # 1000 ms of waiting, then the reply; then 2000 ms until the next turn speaks.
    seen = page.evaluate(
        """() => new Promise(resolve => {
            const audio = document.querySelector("[data-audio]"), jumps = [];
            let last = audio.currentTime;
            audio.addEventListener("seeking", () => {
                jumps.push([Math.round(1000 * last), Math.round(1000 * audio.currentTime)]);
            });
            audio.addEventListener("timeupdate", () => {
                last = audio.currentTime;
                if (last > 8.4) { audio.pause(); resolve(jumps); }
            });
        })"""
    )
    page.keyboard.press("s")
    landed = [to for _from, to in seen]
    assert any(abs(to - 3_150) <= 40 for to in landed), seen
    assert any(abs(to - 8_150) <= 40 for to in landed), seen


def test_a_thumb_and_a_note_are_kept_in_place(tab: Tab) -> None:
    page = tab.page
    page.click("#up-1")
    tab.wait_for("document.querySelector('#up-1').getAttribute('aria-pressed') === 'true'")
    page.click("#annotation-1 .note-editor summary")
    page.fill("#note-1", "Quick, j and k are only letters here.")
    page.click("#save-1")
    tab.wait_for("document.querySelector('#annotation-1 .note') !== null")
    page.reload()
    assert page.inner_text("#annotation-1 .note") == "Quick, j and k are only letters here."
    assert page.get_attribute("#up-1", "aria-pressed") == "true"
