"""Realtime mode in a browser, with this server as its own provider: no key is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from interaction.providers.local.demo.utterance import plain
from voiceproject.testing.browser import Browsing, Tab, microphone
from voiceproject.testing.calling import Caller
from voiceproject.testing.installation import Installation, wait_until


@pytest.fixture
def owner(parley: Installation) -> Iterator[Caller]:
    """What is chosen on the page is remembered, and other tests talk on the same installation."""
    caller = Caller(parley, parley.token)
    yield caller
    remember(caller, mode="cascade", providers={})


def remember(caller: Caller, **choices: Any) -> None:
    body = json.dumps(choices).encode()
    kind = {"Content_Type": "application/json"}
    status, answer = caller.request("PATCH", "interaction/preferences", body, **kind)
    assert status == 200, answer


def choose_realtime(tab: Tab) -> None:
    if not tab.page.locator("[data-panel]").is_visible():
        tab.page.click("[data-panel-toggle]")
    tab.page.select_option("#mode", "realtime")
    assert tab.page.locator("[data-provider=realtime]").is_visible()
    assert not tab.page.locator("[data-provider=stt]").is_visible()
    tab.page.click("[data-panel-close]")


def test_a_conversation_in_realtime_mode_is_as_one_of_a_cascade(
    parley: Installation, owner: Caller, tmp_path: Path, browsing: Browsing
) -> None:
    script = (1.5, "my name is john", 8, "what is my name", 5)
    with browsing(parley, microphone(tmp_path / "microphone.wav", *script)) as tab:
        choose_realtime(tab)
        tab.talk()
        tab.wait_for_replies(2)
        (started,) = tab.messages("session_started")
        assert (started["mode"], started["providers"]["realtime"]["name"]) == ("realtime", "parley")
        first, second = tab.turns()
        assert plain(first["user"]) == "my name is john"
        assert "John" in second["agent"]
        for turn in (first, second):
            assert float(turn["loudest"]) > 0.01, "what was rendered was silent"
            assert turn["totalMs"], "no figure under the turn"
        tab.page.click("[data-stop]")
        tab.wait_for("document.getElementById('talk').dataset.phase !== 'live'")
        session = started["session_id"]

        def kept() -> bool:
            return len(owner.turns(session)) == 2

        wait_until("both turns are kept", kept)
        turns = owner.turns(session)
        for row in turns:
            assert row["mode"] == "realtime"
            assert row["utterance"]["audio_ms"] > 500
            assert row["agent_message"]["audio_ms"] > 500
            assert row["latency"]["e2e"] is not None
        assert [plain(row["utterance"]["text"]) for row in turns] == [
            "my name is john",
            "what is my name",
        ]
        tab.page.goto(urljoin(tab.page.url, f"/history/{session}/"))
        assert tab.page.get_by_text("Realtime").first.is_visible()
        # The inner session, over which this one talked, is nowhere to be seen.
        listed = owner.get("interaction/sessions?mode=cascade")["items"]
        assert session not in [row["id"] for row in listed]


def test_speaking_while_the_reply_plays_stops_it_in_realtime_mode_too(
    parley: Installation, owner: Caller, tmp_path: Path, browsing: Browsing
) -> None:
    script = (1.5, "tell me a story", 4, "what is my name", 6)
    with browsing(parley, microphone(tmp_path / "microphone.wav", *script)) as tab:
        choose_realtime(tab)
        tab.talk()
        tab.wait_for("document.querySelectorAll('[data-turn]').length > 1", 40)

        def heard_in_part() -> list[Any]:
            tab.page.wait_for_timeout(50)
            return [one for one in tab.messages("interrupted") if one["heard_ms"] > 0]

        # On a busy machine a pause may end the question early; a reply that is overtaken then
        # before it is audible is no barge-in yet.
        wait_until("the reply is cut off", heard_in_part)
        interrupted = heard_in_part()[0]
        assert tab.audio_after(interrupted, interrupted["reply_id"]) == 0


def test_a_mode_that_fails_is_said_and_the_other_one_goes_on(
    parley: Installation, owner: Caller, tmp_path: Path, browsing: Browsing
) -> None:
    """The provider that was chosen has no key here."""
    with browsing(parley, microphone(tmp_path / "microphone.wav", 1.0)) as tab:
        remember(owner, mode="realtime", providers={"realtime": {"name": "openai"}})
        tab.page.reload()
        tab.talk()
        tab.page.wait_for_selector("[data-notice=fallback]", timeout=40_000)
        tab.page.get_by_role("button", name="Go on").press("Enter")

        def changed() -> bool:
            tab.page.wait_for_timeout(50)
            return bool(tab.messages("mode_changed"))

        wait_until("the cascade has taken over", changed)
        assert tab.messages("mode_changed")[0] == {
            "type": "mode_changed",
            "mode": "cascade",
            "automatic": False,
        }
