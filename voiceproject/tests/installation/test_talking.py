"""A person talks to Parley in a browser."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from urllib.parse import urljoin

import numpy as np

from interaction.providers.local.demo.utterance import plain
from voiceproject.testing.browser import Browsing, Tab, microphone
from voiceproject.testing.installation import Installation, wait_until

ONE_TURN = ["listening", "recording", "transcribing", "responding", "speaking"]


def recordings(tab: Tab) -> list[bytes]:
    """Every turn's recordings of either side, as the session's page links to them."""
    page = tab.page
    page.goto(urljoin(page.url, "/history/"))
    page.click("main tbody .title a")
    page.wait_for_selector("h1")
    sources = page.eval_on_selector_all("li.turn .menu a", "all => all.map(a => a.href)")
    return [page.request.get(source).body() for source in sources]


def loudness(recording: bytes) -> float:
    with wave.open(io.BytesIO(recording)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def test_a_conversation_is_heard_remembered_and_kept(
    parley: Installation, tmp_path: Path, browsing: Browsing
) -> None:
    wav = microphone(tmp_path / "microphone.wav", 1.5, "my name is john", 8, "what is my name", 5)
    with browsing(parley, wav) as tab:
        tab.talk()
        tab.wait_for_replies(2)

        statuses = tab.seen("status")
        at = statuses.index("listening")
        assert statuses[at : at + 11] == [*ONE_TURN, *ONE_TURN, "listening"]
        kinds = [m["type"] for m in tab.messages("transcript_partial", "speech_ended")]
        assert kinds.index("transcript_partial") < kinds.index("speech_ended")
        assert any(tab.seen("partial")), "no partial transcript was shown"

        first, second = tab.turns()
        assert plain(first["user"]) == "my name is john"
        assert plain(second["user"]) == "what is my name"
        assert "John" in second["agent"]
        for turn in (first, second):
            assert float(turn["loudest"]) > 0.01, "what was rendered was silent"
            assert float(turn["playedMs"]) > 500
            assert turn["totalMs"], "no figure under the turn"
        tab.page.click("[data-stop]")
        tab.wait_for("document.getElementById('talk').dataset.phase !== 'live'")
        tab.page.wait_for_selector(".end-card .figures-card")
        assert tab.page.inner_text(".end-card [data-fact=turns]") == "2"
        assert tab.page.locator(".end-card [data-turn-dots]").count() == 2
        assert tab.page.inner_text(".end-card [data-measure=total] td:last-child") == "2"

        wait_until("both sides of both are kept", lambda: len(recordings(tab)) == 4)
        assert all(loudness(recording) > 100 for recording in recordings(tab))


def test_with_recording_off_no_audio_reaches_a_disk(
    parley: Installation, tmp_path: Path, browsing: Browsing
) -> None:
    before = {path for path in parley.data_dir.rglob("*") if path.is_file()}
    wav = microphone(tmp_path / "microphone.wav", 1.5, "what time is it", 6)
    with browsing(parley, wav) as tab:
        tab.page.uncheck("[data-recording]")
        tab.talk()
        tab.wait_for_replies(1)
        tab.page.click("[data-stop]")
        tab.wait_for("document.getElementById('talk').dataset.phase !== 'live'")

        def archived() -> bool:
            tab.page.goto(f"{parley.url}/history/")
            tab.page.click("main tbody .title a")  # an earlier one's, until this one has a word
            return "what time is it" in tab.page.inner_text("main").lower()

        wait_until("the turn is in the history", archived)
        assert tab.page.query_selector("audio") is None
    after = {path for path in parley.data_dir.rglob("*") if path.is_file()}
    new = {path for path in after - before if "media" in path.parts or path.suffix == ".wav"}
    assert not new


def test_speaking_while_the_reply_plays_stops_it(
    parley: Installation, tmp_path: Path, browsing: Browsing
) -> None:
    wav = microphone(tmp_path / "microphone.wav", 1.5, "tell me a story", 4.5, "what is my name", 8)
    with browsing(parley, wav) as tab:
        tab.talk()
        tab.wait_for("document.querySelector('[data-interrupted=\"true\"]') !== null")
        tab.wait_for("document.getElementById('talk').dataset.outputLevel === '0.0000'", within=3)
        tab.wait_for(
            "document.querySelectorAll('li.turn').length === 2 && Number("
            "document.querySelectorAll('li.turn')[1].dataset.playedMs) > 500"
        )
        (interrupted,) = tab.messages("interrupted")
        reply = interrupted["reply_id"]
        assert tab.audio_after(interrupted, reply) == 0
        story, answer = tab.turns()
        assert interrupted["heard_ms"] > 0
        assert interrupted["heard_text"]
        assert story["interrupted"] == "true"
        assert len(story["agent"]) > len(interrupted["heard_text"])
        assert "not told me" in answer["agent"]
    stopped = [
        line for line in parley.output if "synthesis stopped" in line and f"reply={reply}" in line
    ]
    assert stopped, "no synthesis of the reply was stopped"


def test_a_line_can_be_typed_without_a_microphone(parley: Installation, browsing: Browsing) -> None:
    with browsing(parley) as tab:
        tab.page.click("[data-type-toggle]")
        tab.page.fill("#type-text", "My name is Ada.")
        tab.page.keyboard.press("Enter")
        tab.wait_for_replies(1)
        (turn,) = tab.turns()
        assert turn["user"] == "My name is Ada."
        assert "Ada" in turn["agent"]
        assert float(turn["loudest"]) > 0.01


def test_a_microphone_that_is_denied_is_explained(parley: Installation, browsing: Browsing) -> None:
    with browsing(parley, None, "--deny-permission-prompts") as tab:
        tab.talk()
        notice = tab.page.wait_for_selector("[data-notice]")
        assert notice
        assert "microphone" in notice.inner_text().lower()
        assert tab.page.get_attribute("#talk", "data-phase") != "live"


def test_the_keyboard_alone_is_enough(
    parley: Installation, tmp_path: Path, browsing: Browsing
) -> None:
    wav = microphone(tmp_path / "microphone.wav", 1.5, "what can you do", 8)
    with browsing(parley, wav) as tab:
        tab.page.keyboard.press("Space")
        tab.wait_for("document.getElementById('talk').dataset.status === 'speaking'")
        tab.page.keyboard.press("Escape")
        tab.wait_for("document.getElementById('talk').dataset.status === 'listening'")
        assert tab.messages("interrupted"), "the first Escape stops the reply"
        tab.page.keyboard.press("Escape")
        tab.wait_for("document.getElementById('talk').dataset.phase !== 'live'")
