"""Sound in Chromium and in Firefox: what was heard is what was rendered, whatever the person does
with the reply; devices are chosen, lost and found; a context that stops is said."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voiceproject.testing.browser import Browsing, Tab, microphone
from voiceproject.testing.firefox import FirefoxTab, Sound
from voiceproject.testing.installation import Installation, wait_until

RATE = 24_000
SENTENCE = "tell me a story"
PIECE = RATE // 10
"""Samples by which a place in a reply is known."""
FADED = RATE // 50
"""Samples at the end of what was cut off that are not as they are in the reply."""
WITHIN_MS = 50
PHASE = "document.getElementById('talk').dataset.phase"
STATUS = "document.getElementById('talk').dataset.status"
PLAYED_MS = "Number(document.querySelector('li.turn')?.dataset.playedMs ?? 0)"
PLAYBACK = "document.querySelector('li.turn .play')?.dataset.playback"
LABEL = "window.streams.at(-1).getAudioTracks()[0].label"
CHECK = "document.querySelector('[data-mic-check]').dataset"
# Taps what goes to the loudspeaker with the page's own capture worklet, in frames of 20 ms; keeps
# it over a reload. Contexts and microphones are kept too: one is stopped as a browser stops it.
RECORD = """
window.contexts = [];
const Context = AudioContext;
window.AudioContext = class extends Context {
  constructor(options) { super(options); window.contexts.push(this); }
};
window.streams = [];
const {mediaDevices} = navigator;
const request = mediaDevices.getUserMedia.bind(mediaDevices);
mediaDevices.getUserMedia = async (wish) => {
  const stream = await request(wish);
  window.streams.push(stream);
  return stream;
};
window.rendered = [];
const {connect} = AudioNode.prototype;
AudioNode.prototype.connect = function (to, ...rest) {
  const {context} = this;
  if (this instanceof GainNode && to === context.destination) {
    const processorOptions = {rate: context.sampleRate};
    const tap = new AudioWorkletNode(
      context, "parley-capture", {channelCount: 1, channelCountMode: "explicit", processorOptions});
    tap.port.onmessage = ({data}) => {
      if (data.type === "frame") window.rendered.push(...new Int16Array(data.pcm));
    };
    connect.call(connect.call(this, tap), context.destination);
  }
  return connect.call(this, to, ...rest);
};
addEventListener("beforeunload", () => {
  sessionStorage.leaving = window.rendered.length;
}, {capture: true});
addEventListener("pagehide", () => {
  sessionStorage.rendered = JSON.stringify(window.rendered);
  sessionStorage.session = document.getElementById("talk").dataset.session;
}, {capture: true});
"""


@dataclass
class Person:
    """Somebody at one of the browsers."""

    tab: Tab
    parley: Installation
    folder: Path

    @property
    def sound(self) -> Sound | None:
        """The sound system, where the browser plays none of its own."""
        return self.tab.sound if isinstance(self.tab, FirefoxTab) else None

    def speak(self) -> None:
        """A sentence, into the open microphone; Chromium's says it once, when first opened."""
        if self.sound:
            self.sound.speak(microphone(self.folder / "once.wav", 0.2, SENTENCE, 1))

    def speak_until_answered(self) -> None:
        """A busy machine's sound server may swallow a part of what is said."""
        for _ in range(3):
            self.speak()
            with contextlib.suppress(AssertionError):
                self.tab.wait_for(f"{PLAYED_MS} > 300", within=15)
                return
        raise AssertionError("said three times, and not answered")

    def keep_speaking(self) -> None:
        assert self.sound
        # Soft, since a busy sound server makes clicks of its own.
        chatter = microphone(self.folder / "chatter.wav", *(SENTENCE, 0.4) * 8, softer=3)
        self.sound.speak(chatter)

    def type_line(self, text: str) -> None:
        page = self.tab.page
        if page.evaluate("document.querySelector('[data-type-form]').hidden"):
            page.click("[data-type-toggle]")
        page.evaluate(f"void (document.getElementById('type-text').value = {json.dumps(text)})")
        page.click("[data-type-form] button")

    def open_settings(self) -> None:
        if self.tab.page.evaluate("document.getElementById('panel').hidden"):
            self.tab.page.click("[data-panel-toggle]")

    def rest(self, address: str) -> Any:
        return self.tab.page.evaluate(
            f"fetch('/api/v1/interaction/sessions/{address}').then(answer => answer.json())"
        )

    def first_turn(self, session: str) -> dict[str, Any]:
        """As REST has it once it is archived."""
        found: list[dict[str, Any]] = []

        def is_archived() -> bool:
            found[:] = self.rest(f"{session}/turns")[:1]
            return bool(found) and found[0]["agent_message"] is not None

        wait_until("the turn is archived", is_archived)
        return found[0]

    def rendered_ms(self, session: str, turn: str, rendered: list[int]) -> float:
        """Where in the whole reply the last piece lies that went to the loudspeaker."""
        address = f"/api/v1/interaction/sessions/{session}/turns/{turn}/audio?side=agent"
        read = "JSON.stringify([...new Int16Array(sound, 44)])"
        sound = self.tab.page.evaluate(
            f"fetch('{address}').then(answer => answer.arrayBuffer()).then(sound => {read})"
        )
        reply, heard = np.array(json.loads(sound)), np.trim_zeros(np.array(rendered), "b")
        end = len(heard) - FADED
        piece = heard[end - PIECE : end]
        at = np.arange(len(reply) - PIECE)
        for i, sample in enumerate(piece):
            at = at[abs(reply[at + i] - sample) <= 2]
        assert len(at) == 1, "what was rendered is one piece of the reply"
        return float(1000 * (at[0] + PIECE + FADED) / RATE)


def heard_is_rendered(
    person: Person, session: str, rendered: list[int], reason: str, since: int | None = None
) -> None:
    """``since``: from this sample on a page that is being left may not be able to tell any more."""
    turn = person.first_turn(session)
    assert turn["end_reason"] == reason
    heard_ms = turn["agent_message"]["heard_ms"]
    first, last = (person.rendered_ms(session, turn["id"], rendered[:end]) for end in (since, None))
    assert first - WITHIN_MS <= heard_ms <= last + WITHIN_MS, (first, heard_ms, last)


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def person(
    request: pytest.FixtureRequest,
    parley: Installation,
    browsing: Browsing,
    browsing_firefox: Browsing,
) -> Iterator[Person]:
    with tempfile.TemporaryDirectory(prefix="parley-", dir="/tmp") as name:
        folder = Path(name)
        if request.param == "firefox":
            opened = browsing_firefox(parley, folder)
        else:
            opened = browsing(parley, microphone(folder / "microphone.wav", 1.5, SENTENCE, 60))
        with opened as tab:
            tab.page.add_init_script(RECORD)
            yield Person(tab, parley, folder)


in_firefox_alone = pytest.mark.parametrize("person", ["firefox"], indirect=True)


def test_a_spoken_turn_is_paused_continued_stopped_and_played_again(person: Person) -> None:
    tab, page = person.tab, person.tab.page
    page.goto(f"{person.parley.url}/")
    tab.talk()
    tab.wait_for(f"{PHASE} === 'live'")
    person.speak()
    tab.wait_for(f"{PLAYED_MS} > 600")
    page.click("li.turn .play")
    tab.wait_for(f"{STATUS} === 'paused'")
    # Silence goes to the loudspeaker from here on, for as long as it is paused.
    tab.wait_for("window.rendered.slice(-9600).every(sample => sample === 0)")
    paused_ms = page.evaluate(PLAYED_MS)
    tab.wait_for(
        "window.rendered.push(0) && window.rendered.slice(-14400).every(sample => sample === 0)"
    )
    assert page.evaluate(PLAYED_MS) == paused_ms
    page.click("li.turn .play")
    tab.wait_for(f"{PLAYED_MS} > {paused_ms + 700}")
    page.click("[data-stop]")
    tab.wait_for(f"{PHASE} === 'idle'")
    session = page.evaluate("document.getElementById('talk').dataset.session")
    rendered = json.loads(page.evaluate("JSON.stringify(window.rendered)"))
    heard_is_rendered(person, session, rendered, "stopped")

    before = person.first_turn(session)
    page.click("li.turn .play")
    tab.wait_for(f"{PLAYBACK} === 'replaying'")
    page.click("li.turn .play")
    tab.wait_for(f"{PLAYBACK} === 'over'")
    assert person.first_turn(session) == before


def test_a_reply_played_by_hand_waits_and_a_reload_loses_nothing_of_what_was_heard(
    person: Person,
) -> None:
    tab, page = person.tab, person.tab.page
    page.goto(f"{person.parley.url}/")
    person.open_settings()
    page.click("[data-by-hand]")
    page.reload()
    person.type_line(SENTENCE)
    tab.wait_for(f"{STATUS} === 'waiting'")
    assert page.evaluate("window.rendered.every(sample => sample === 0)")
    page.click("li.turn .play")
    tab.wait_for(f"{PLAYED_MS} > 800")
    page.reload()
    session = page.evaluate("sessionStorage.session")
    rendered = json.loads(page.evaluate("sessionStorage.rendered"))
    leaving = int(page.evaluate("sessionStorage.leaving"))
    heard_is_rendered(person, session, rendered, "client_left", leaving)
    person.open_settings()
    page.click("[data-by-hand]")


@in_firefox_alone
def test_the_microphone_is_checked_and_nothing_of_it_is_sent(person: Person) -> None:
    tab, page = person.tab, person.tab.page
    page.goto(f"{person.parley.url}/")
    person.open_settings()
    person.keep_speaking()
    page.click("[data-mic-check-start]")
    tab.wait_for(f"{CHECK}.verdict !== undefined")
    assert page.evaluate(f"{CHECK}.verdict") == "good"
    tab.wait_for(f"{CHECK}.check === 'playing'")
    page.click("[data-mic-check-start]")
    tab.wait_for(f"{CHECK}.check === 'idle'")
    assert page.evaluate(PHASE) == "idle"
    assert "We hear you" in page.evaluate(
        "document.querySelector('[data-mic-check-said]').textContent"
    )


def choose_last(tab: Tab, use: str) -> str:
    """Choose the last device of a picker; its name."""
    picker = f"document.querySelector('[data-device={use}]')"
    tab.wait_for(f"{picker}.options.length > 2")
    change = "dispatchEvent(new Event('change', {bubbles: true}))"
    tab.page.evaluate(
        f"void ({picker}.selectedIndex = {picker}.options.length - 1, {picker}.{change})"
    )
    name: str = tab.page.evaluate(f"{picker}.selectedOptions[0].textContent")
    return name


def test_devices_are_switched_while_one_talks_and_remembered(person: Person) -> None:
    tab, page = person.tab, person.tab.page
    page.goto(f"{person.parley.url}/")
    tab.talk()
    tab.wait_for(f"{PHASE} === 'live'")
    chosen = {use: choose_last(tab, use) for use in ("microphone", "speaker")}
    tab.wait_for(f"{LABEL} === {json.dumps(chosen['microphone'])}")
    tab.wait_for("document.getElementById('talk').dataset.microphone === 'on'")
    if person.sound:
        person.speak_until_answered()
    else:  # the file that Chromium's microphones share is over
        person.type_line(SENTENCE)
        tab.wait_for(f"{PLAYED_MS} > 300")
    if sound := person.sound:
        playing = sound.control("list", "short", "sink-inputs").splitlines()
        sinks = sound.control("list", "short", "sinks").splitlines()
        (number,) = [sink.split("\t")[0] for sink in sinks if chosen["speaker"] in sink]
        assert number in [line.split("\t")[1] for line in playing]
    else:
        picked = "document.querySelector('[data-device=speaker]').value"
        assert page.evaluate(f"window.contexts[0].sinkId === {picked}")

    page.evaluate("window.contexts[0].suspend()")
    tab.wait_for("document.querySelector('[data-notice=silent]') !== null")
    page.click("[data-notice=silent] button")
    tab.wait_for("window.contexts[0].state === 'running'")
    tab.wait_for("document.querySelector('[data-notice=silent]') === null")

    page.reload()
    for use, name in chosen.items():
        picker = f"document.querySelector('[data-device={use}]')"
        assert name in page.evaluate(f"{picker}.selectedOptions[0].textContent")


@in_firefox_alone
def test_a_microphone_that_is_gone_is_said_with_what_to_do(person: Person) -> None:
    tab, page, sound = person.tab, person.tab.page, person.sound
    assert sound
    page.goto(f"{person.parley.url}/")
    tab.talk()
    tab.wait_for(f"{PHASE} === 'live'")
    name = choose_last(tab, "microphone")
    tab.wait_for(f"{LABEL} === {json.dumps(name)}")
    sound.unplug(name)
    tab.wait_for("document.querySelector('[data-notice=microphone]') !== null")
    buttons = "[...document.querySelectorAll('[data-notice=microphone] button')]"
    page.evaluate(f"{buttons}.find(one => one.textContent === 'Pick another device').click()")
    assert page.evaluate("document.activeElement.dataset.device") == "microphone"
    picked = "document.querySelector('[data-device=microphone]').selectedOptions[0].textContent"
    tab.wait_for(f"{picked}.includes('not there')")
