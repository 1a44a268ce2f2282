"""A conversation is agreed to, had, taken away, shown to others, and let go of: on the pages, as a
person does it, and looked at on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zipfile import ZipFile

from playwright.sync_api import Page

from voiceproject.testing.browser import Browsing, Tab, microphone
from voiceproject.testing.installation import Install, Installation, wait_until
from voiceproject.testing.listening import LISTEN, PLAYS

REST = "/api/v1/interaction"


def say(tab: Tab, text: str) -> None:
    if tab.page.locator("#type-text").is_hidden():
        tab.page.click("[data-type-toggle]")
    tab.page.fill("#type-text", text)
    tab.page.keyboard.press("Enter")


def test_who_has_not_agreed_is_asked_and_not_recorded_before(
    parley: Installation, browsing: Browsing
) -> None:
    with browsing(parley, agreed=False) as tab:
        page = tab.page
        question = page.get_by_role("dialog")
        tab.talk()
        assert question.is_visible()
        page.keyboard.press("Escape")
        assert question.is_hidden()
        assert page.locator("#talk").get_attribute("data-phase") == "idle"
        say(tab, "hello")
        question.get_by_role("button", name="Cancel").click()
        assert page.input_value("#type-text") == "hello"
        page.keyboard.press("Enter")
        question.get_by_role("button", name="Do not record").click()
        tab.wait_for_replies(1)
        assert tab.messages("session_started")[0]["recording"] is False
        page.goto(f"{parley.url}/")
        assert not page.locator(".consent [data-recording]").is_checked()
        page.locator(".consent .switch").click()
        say(tab, "hello")
        page.keyboard.press("Enter")  # the first button: Record
        tab.wait_for("document.getElementById('talk').dataset.phase === 'live'")
        assert tab.messages("session_started")[-1]["recording"] is True
        tab.wait_for("document.querySelectorAll('[data-reply] .agent .said').length > 0")
        page.goto(f"{parley.url}/")
        say(tab, "hello again")
        tab.wait_for("document.getElementById('talk').dataset.phase === 'live'")
        assert question.is_hidden()


def had(tab: Tab, parley: Installation) -> str:
    """Talk, and look at the figures of it; its id, once it is archived with both recordings."""
    tab.talk()
    tab.wait_for_replies(1)
    session: str = tab.messages("session_started")[-1]["session_id"]
    tab.page.click("[data-stop]")
    tab.page.wait_for_selector(".end-card .figures-card")
    assert tab.page.inner_text(".end-card [data-fact=turns]") == "1"

    def is_recorded() -> bool:
        turns = rest(tab.page, parley, f"/sessions/{session}/turns")
        sides = ("utterance", "agent_message")
        return bool(turns and all(turns[0][side]["audio_url"] for side in sides))

    wait_until("it is archived", is_recorded)
    return session


def find_and_hear(tab: Tab, session: str) -> None:
    """By a word that was said; the whole is played, both sides, and a part that is clicked."""
    page = tab.page
    page.goto(urljoin(page.url, "/history/"))
    page.fill("#id_text", "john")
    found = page.locator(f"#s-{session} .title a").first
    page.wait_for_url("**/history/?text=john")
    found.click()
    tab.wait_for("document.getElementById('conversation').dataset.waveforms === 'here'")
    page.evaluate(LISTEN)
    page.click("[data-play]")
    tab.wait_for(f"{PLAYS} && sounding()[0] > 0 && sounding()[1] === 0")
    tab.wait_for(f"{PLAYS} && sounding()[1] > 0 && sounding()[0] === 0")
    page.keyboard.press("Home")
    page.click(".wait[data-turn='1'] [data-stage=tts]")
    tab.wait_for(f"{PLAYS} && sounding()[1] > 0")
    page.click("[data-play]")


def rest(page: Page, parley: Installation, path: str) -> Any:
    answer = page.request.get(f"{parley.url}{REST}{path}")
    return answer.json() if answer.ok else answer.status


def downloaded(page: Page, button: Any, path: Path) -> Path:
    with page.expect_download() as download:
        button.click()
    download.value.save_as(path)
    return path


def contents(path: Path) -> dict[str, bytes]:
    """Of a ZIP: every file, without the time at which it was made."""
    with ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    assert len(manifest["sessions"]) == 1
    return files


def test_from_the_first_word_to_the_last_trace(
    parley: Installation, browsing: Browsing, install: Install, tmp_path: Path
) -> None:
    wav = microphone(tmp_path / "microphone.wav", 1.5, "my name is john", 8)
    with browsing(parley, wav, viewport={"width": 1440, "height": 1000}) as tab:
        page = tab.page
        session = had(tab, parley)
        find_and_hear(tab, session)
        folder = parley.data_dir / "media" / "audio" / session
        assert list(folder.iterdir())

        # It is taken away, by a worker, and is the same on another machine.
        (token,) = (one["value"] for one in page.context.cookies() if one["name"] == "csrftoken")
        made = page.request.post(
            f"{parley.url}{REST}/batches",
            data={"kind": "export", "sessions": [session]},
            headers={"X-CSRFToken": token},
        )
        assert made.status == 202
        page.goto(f"{parley.url}/history/data/")
        save = page.get_by_role("link", name="Save")
        save.wait_for(timeout=30_000)
        away = downloaded(page, save, tmp_path / "away.zip")
        other = install(tmp_path / "other")
        other.prepare()
        assert "Imported: 1." in other.manage("import_history", str(away))
        other.manage("export_history", str(tmp_path / "again.zip"))
        assert contents(tmp_path / "again.zip") == contents(away)

        # Others see it, until they do not.
        page.goto(f"{parley.url}/history/{session}/share/")
        page.get_by_role("button", name="Make a link").click()
        address = page.locator("[data-copy-from]").input_value()
        anybody = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
        assert anybody.goto(address).status == 200  # type: ignore[union-attr]
        assert "my name is john" in anybody.content().lower()
        assert anybody.request.get(address + sound_of(page, parley, session)).ok
        page.get_by_role("button", name="Revoke").click()
        assert anybody.goto(address).status == 404  # type: ignore[union-attr]

        # It goes, and leaves no trace.
        page.goto(f"{parley.url}/history/{session}/delete/")
        page.get_by_role("button", name="Delete it").click()
        assert "1 conversation is deleted." in page.content()
        assert rest(page, parley, f"/sessions/{session}") == 404
        assert not folder.exists()
        assert page.goto(f"{parley.url}/history/{session}/").status == 404  # type: ignore[union-attr]


def sound_of(page: Page, parley: Installation, session: str) -> str:
    """Where the shared page has the agent's voice, seen from its address."""
    [turn] = rest(page, parley, f"/sessions/{session}/turns")
    return f"{turn['id']}/agent.wav"
