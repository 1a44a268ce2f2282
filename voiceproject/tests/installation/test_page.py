"""What the voice page does beside talking: hold to talk, a lost line, a phone's width."""

from __future__ import annotations

from pathlib import Path

from voiceproject.testing.browser import Browsing, microphone
from voiceproject.testing.installation import Installation

OTHER_RATE = """
window.contexts = [];
const Context = AudioContext;
window.AudioContext = class extends Context {
  constructor(options) { super(options); window.contexts.push(this); }
};
const connect = Context.prototype.createMediaStreamSource;
Context.prototype.createMediaStreamSource = function (stream) {
  if (this.sampleRate !== 48000) throw new DOMException("different rate", "NotSupportedError");
  return connect.call(this, stream);
};
"""
OPEN = "contexts.filter(one => one.state !== 'closed')"
LEVEL = "Number(document.querySelector('[data-talk]').style.getPropertyValue('--level'))"


def status_is(word: str) -> str:
    return f"document.getElementById('talk').dataset.status === '{word}'"


def test_hold_to_talk_hears_nothing_until_it_is_held_and_ends_the_turn_when_let_go(
    parley: Installation, tmp_path: Path, browsing: Browsing
) -> None:
    wav = microphone(tmp_path / "microphone.wav", 1, "what time is it", 1, "my name is john", 8)
    with browsing(parley, wav) as tab:
        page = tab.page
        page.click("[data-hold-toggle]")
        button = page.locator("[data-talk]")
        button.hover()
        page.mouse.down()
        tab.wait_for(status_is("recording"))
        tab.wait_for(f"{LEVEL} > 0.3")
        tab.wait_for("document.querySelector('.turn .firm').textContent.length > 0")
        page.mouse.up()
        tab.wait_for_replies(1)
        # The second sentence was said meanwhile, to a page that was not held.
        assert len(tab.messages("speech_started")) == 1
        started = tab.messages("session_started")[0]
        assert started["turn_detection"]["kind"] == "manual"


def test_a_lost_line_is_said_and_the_page_talks_again_by_itself(
    parley: Installation, tmp_path: Path, browsing: Browsing
) -> None:
    wav = microphone(tmp_path / "microphone.wav", 1, "my name is john", 60)
    with browsing(parley, wav) as tab:
        page = tab.page
        tab.talk()
        tab.wait_for_replies(1)
        parley.process("voiceproject.web").kill()
        page.wait_for_selector("[data-notice=lost]")
        page.wait_for_selector(".turns .divider")
        assert page.locator("[data-notice=lost]").count() == 0
        page.click("[data-type-toggle]")
        page.fill("#type-text", "what is my name")
        page.keyboard.press("Enter")
        tab.wait_for_replies(2)
        assert "not told me" in tab.turns()[1]["agent"], "and it says that it is a new one"


def test_a_microphone_of_another_rate_is_heard_and_sound_that_stops_is_said(
    parley: Installation, tmp_path: Path, browsing: Browsing
) -> None:
    wav = microphone(tmp_path / "microphone.wav", 1.5, "my name is john", 60)
    with browsing(parley, wav) as tab:
        page = tab.page
        page.add_init_script(OTHER_RATE)
        page.reload()
        tab.talk()
        tab.wait_for_replies(1)
        assert tab.turns()[0]["user"].lower().rstrip(".") == "my name is john"
        assert page.evaluate(f"{OPEN}.map(one => one.sampleRate)") == [24_000, 48_000]
        assert tab.messages("session_started")[0]["input_sample_rate"] == 24_000
        for at in (0, 1):  # what plays, and what listens
            page.evaluate(f"{OPEN}[{at}].suspend()")
            page.locator("[data-notice=silent]").get_by_role("button").first.click()
            page.wait_for_selector("[data-notice=silent]", state="detached")
            tab.wait_for(f"{OPEN}.every(one => one.state === 'running')")


def test_what_a_key_would_add_is_said_once_after_the_first_reply(
    parley: Installation, browsing: Browsing
) -> None:
    with browsing(parley) as tab:
        page = tab.page
        assert page.locator("[data-notice=key]").count() == 0
        page.click("[data-type-toggle]")
        for line, count in (("hello", 1), ("what time is it", 2)):
            page.fill("#type-text", line)
            page.keyboard.press("Enter")
            tab.wait_for_replies(count)
            notice = page.locator("[data-notice=key]")
            assert notice.count() == (1 if count == 1 else 0)
            if count == 1:
                notice.get_by_role("button").click()


def test_nothing_is_wider_than_a_phone_and_everything_can_be_touched(
    parley: Installation,
    browsing: Browsing,
) -> None:
    small = """() => [...document.querySelectorAll('button, a, summary, input, select')]
        .filter(one => one.checkVisibility() && !one.closest('.sr-only, .skip'))
        .map(one => (one.closest('label') ?? one).getBoundingClientRect())
        .filter(box => box.height < 43.9 || box.width < 43.9).length"""
    with browsing(parley, viewport={"width": 390, "height": 844}) as tab:
        page = tab.page
        for address in ("/", "/history/"):
            page.goto(parley.url + address)
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            assert page.evaluate(small) == 0
        page.goto(parley.url + "/")
        page.click("[data-panel-toggle]")
        assert page.locator("#panel").is_visible()
        page.select_option("#template", index=1)
        page.eval_on_selector_all("#panel details", "all => all.forEach(one => one.open = true)")
        assert page.evaluate(small) == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.keyboard.press("Escape")
        assert not page.locator("#panel").is_visible()
