"""A person at a real Chromium: a WAV file is the microphone, and the socket is listened in on."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, sync_playwright

from interaction.api.providers import Choices
from interaction.edges.parley.messages import AudioHeader
from voiceproject.testing.installation import Installation
from voiceproject.testing.plugin import program

RATE = 16_000
QUIET = (  # no network of its own, no first-run pages
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WATCH = """
const talk = () => document.getElementById("talk");
window.seen = [];
document.addEventListener("DOMContentLoaded", () => {
  if (!talk()) return;
  new MutationObserver(() => {
    const partial = document.querySelector('[data-final="false"] .user .said');
    const now = {status: talk().dataset.status, partial: partial ? partial.textContent : ""};
    const last = window.seen[window.seen.length - 1];
    if (!last || last.status !== now.status || last.partial !== now.partial) window.seen.push(now);
  }).observe(talk(), {subtree: true, childList: true, attributes: true, characterData: true});
});
"""


def spoken(text: str, path: Path) -> bytes:
    """Mono s16le at 16 kHz of a voice that a recogniser understands."""
    command = [program("flite"), "-voice", "slt", "-t", text, "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        pcm: bytes = file.readframes(file.getnframes())
        return pcm


def microphone(path: Path, *script: str | float, softer: int = 1) -> Path:
    """Write a WAV file of sentences and of pauses, in seconds, one after the other.

    ``softer``: by what their samples are divided.
    """
    pcm = b"".join(
        bytes(2 * int(RATE * part))
        if isinstance(part, int | float)
        else spoken(part, path.with_suffix(".part.wav"))
        for part in script
    )
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.frombuffer(pcm, "<i2") // softer).astype("<i2").tobytes())
    return path


@dataclass
class Tab:
    """A signed-in page, and everything that came over its socket, in order."""

    page: Page
    """Or a ``FirefoxPage``, which has what is used here."""
    received: list[dict[str, Any] | tuple[AudioHeader, bytes]] = field(default_factory=list)

    def listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._on_frame)

    def _on_frame(self, frame: bytes | str) -> None:
        if isinstance(frame, str):
            self.received.append(json.loads(frame))
        else:
            self.received.append(AudioHeader.unpacked(frame))

    def messages(self, *types: str) -> list[dict[str, Any]]:
        return [m for m in self.received if isinstance(m, dict) and m["type"] in types]

    def audio_after(self, message: dict[str, Any], reply: str) -> int:
        """Bytes of a reply's audio that came after a message."""
        at = next(i for i, m in enumerate(self.received) if m is message)
        later = [m for m in self.received[at:] if isinstance(m, tuple)]
        return sum(len(pcm) for header, pcm in later if header.reply_id == UUID(reply))

    def talk(self) -> None:
        self.page.click("[data-talk]")

    def wait_for(self, script: str, within: float = 30) -> None:
        """Until an expression of JavaScript is true.

        Not Playwright's own waiting: it evaluates within the page, whose policy forbids that.
        """
        deadline = time.monotonic() + within
        while not self.page.evaluate(script):
            assert time.monotonic() < deadline, f"not within {within} s: {script}"
            self.page.wait_for_timeout(50)

    def wait_for_replies(self, count: int, within: float = 40) -> None:
        """Until so many replies were heard to their end and it listens again."""
        self.wait_for(
            f"document.querySelectorAll('[data-turn][data-reply] .agent .said').length >= {count}"
            " && [...document.querySelectorAll('li.turn')].slice(0, "
            f"{count}).every(turn => Number(turn.dataset.playedMs) > 0)"
            " && document.getElementById('talk').dataset.status === 'listening'",
            within,
        )

    def turns(self) -> list[dict[str, str]]:
        """Each turn's data attributes, with ``user`` and ``agent``, what is written of both."""
        turns: list[dict[str, str]] = self.page.eval_on_selector_all(
            "li.turn",
            """turns => turns.map(turn => ({...turn.dataset,
                 user: turn.querySelector('.user .said').textContent,
                 agent: turn.querySelector('.agent .said').textContent}))""",
        )
        return turns

    def seen(self, key: str) -> list[str]:
        """The values that a part of the page went through, repetitions left out."""
        values = [moment[key] for moment in self.page.evaluate("window.seen")]
        return [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


Browsing = Callable[..., contextlib.AbstractContextManager[Tab]]
"""``with browsing(parley, wav) as tab``: what the fixture ``browsing`` gives."""
_signed_in: WeakKeyDictionary[Installation, list[Any]] = WeakKeyDictionary()
"""The cookies of the first browser of an installation, which serve the others."""


@contextlib.contextmanager
def chromium() -> Iterator[Browsing]:
    """``browsing`` of one driver, and of one browser for all who bring neither WAV nor flags."""
    with sync_playwright() as driver, contextlib.ExitStack() as open_browsers:

        def launched(*flags: str) -> Browser:
            path = program("chromium", "google-chrome")
            return driver.chromium.launch(executable_path=path, args=[*QUIET, *flags])

        @cache
        def shared() -> Browser:
            browser = launched()
            open_browsers.callback(browser.close)
            return browser

        @contextlib.contextmanager
        def browsing(
            parley: Installation,
            wav: Path | None = None,
            *flags: str,
            agreed: bool = True,
            **context: Any,
        ) -> Iterator[Tab]:
            """A browser on the voice page, signed in, with nothing chosen yet that others left
            behind and a profile of its own.

            Without ``wav`` it has no microphone to allow. ``agreed``: the person has said yes to
            being recorded.
            """
            flags = (*_hearing(wav), *flags)
            browser = launched(*flags) if flags else shared()
            profile = browser.new_context(**context)
            try:
                yield _opened(profile, parley, agreed)
            finally:
                profile.close()
                if flags:
                    browser.close()

        yield browsing


def _hearing(wav: Path | None) -> tuple[str, ...]:
    if wav is None:
        return ()
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={wav}%noloop",
    )


def _opened(profile: BrowserContext, parley: Installation, agreed: bool) -> Tab:
    if parley not in _signed_in:
        with contextlib.closing(profile.new_page()) as page:
            page.goto(sign_in_address(parley))
            page.wait_for_selector("#talk")
        _signed_in[parley] = list(profile.cookies())
    profile.add_cookies(_signed_in[parley])
    _forget_choices(profile, parley, agreed)
    page = profile.new_page()
    tab = Tab(page)
    page.on("websocket", tab.listen)
    page.add_init_script(WATCH)
    page.goto(f"{parley.url}/")
    return tab


def _forget_choices(profile: BrowserContext, parley: Installation, agreed: bool) -> None:
    (token,) = (cookie["value"] for cookie in profile.cookies() if cookie["name"] == "csrftoken")
    answer = profile.request.patch(
        f"{parley.url}/api/v1/interaction/preferences",
        data=Choices(recording_agreed=agreed).model_dump(mode="json"),
        headers={"X-CSRFToken": token},
    )
    assert answer.ok, answer.text()


def sign_in_address(parley: Installation) -> str:
    found = re.search(r"http\S+", parley.manage("sign_in_link"))
    assert found
    return found[0]
