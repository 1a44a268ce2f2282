"""A person at a real Firefox, with loudspeakers and microphones of a PulseAudio of its own.

A WAV file is heard by the microphones from when ``speak`` plays it.

Firefox is driven over WebDriver BiDi, which it speaks itself. Playwright's BiDi asks for commands
that Debian's Firefox does not know yet, and Selenium's wants a geckodriver, which Debian does not
have; what the tests need is a handful of commands.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil
from playwright.sync_api import Page
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from interaction.api.providers import Choices
from voiceproject.testing.browser import Tab, sign_in_address
from voiceproject.testing.installation import Installation, wait_until
from voiceproject.testing.plugin import program

ANSWER_S = 60.0
"""Until an answer of the browser is given up: far more than any takes."""
CHOOSE = """
async choices => {
  const config = JSON.parse(document.getElementById("talk-config").textContent);
  const headers = {"Content-Type": "application/json", "X-CSRFToken": config.csrf};
  const body = JSON.stringify(choices);
  const answer = await fetch(config.preferences, {method: "PATCH", headers, body});
  if (!answer.ok) throw new Error(await answer.text());
}
"""
PREFERENCES: dict[str, bool | int | str] = {
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 5,  # nothing plays before a click, as for most people
    "media.navigator.permission.disabled": True,  # the microphone is given without being asked for
    "network.captive-portal-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Sound:
    """A PulseAudio server with two loudspeakers and two microphones; ``speak`` is heard by both."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "pulse"
        self.env = os.environ | {
            "HOME": str(folder),
            "PULSE_RUNTIME_PATH": str(folder),
            "PULSE_SERVER": f"unix:{self.socket}",
            "XDG_RUNTIME_DIR": str(folder),
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._speaking: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sound:
        modules = [
            f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}",
            *map(_loudspeaker, ("Desk", "Headphones", "Voice")),
            *map(_microphone, ("Headset", "Webcam")),
        ]
        options = ["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        command = [program("pulseaudio"), *options, *(f"--load={module}" for module in modules)]
        self._server = subprocess.Popen(
            command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until("PulseAudio listens", self.socket.exists)
        self.control("set-default-sink", "Desk")
        self.control("set-default-source", "Headset")
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._speaking, self._server):
            if process:
                process.kill()
                process.wait()

    def control(self, *words: str) -> str:
        """What ``pactl`` answers."""
        command = [program("pactl"), *words]
        return subprocess.run(
            command, env=self.env, check=True, capture_output=True, text=True
        ).stdout.strip()

    def unplug(self, microphone: str) -> None:
        modules = self.control("list", "short", "modules").splitlines()
        (number,) = [one.split("\t")[0] for one in modules if f"source_name={microphone} " in one]
        self.control("unload-module", number)

    def speak(self, wav: Path) -> None:
        """Have a WAV file heard by the microphones, from now on, and nothing else."""
        if self._speaking:
            self._speaking.kill()
            self._speaking.wait()
        self._speaking = subprocess.Popen(
            [program("paplay"), "--device=Voice", "--latency-msec=50", str(wav)], env=self.env
        )


def _loudspeaker(name: str) -> str:
    return f'module-null-sink sink_name={name} sink_properties=device.description="{name}"'


def _microphone(name: str) -> str:
    described = f'source_properties=device.description="{name}"'
    return f"module-remap-source source_name={name} master=Voice.monitor {described}"


class FirefoxPage:
    """One page of Firefox; methods are named as Playwright's are, and do the same."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._commands = 0
        self.command("session.new", capabilities={})
        (tree,) = self.command("browsingContext.getTree")["contexts"]
        self._context = tree["context"]

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of WebDriver BiDi and return its result; events are passed over."""
        self._commands += 1
        sent = {"id": self._commands, "method": method, "params": parameters}
        self._connection.send(json.dumps(sent))
        while True:
            answer = json.loads(self._connection.recv(timeout=ANSWER_S))
            if answer.get("id") == self._commands:
                assert answer["type"] == "success", f"{method}: {answer.get('message')}"
                result: dict[str, Any] = answer["result"]
                return result

    def add_init_script(self, script: str) -> None:
        declaration = f"() => {{ {script} }}"
        self.command("script.addPreloadScript", functionDeclaration=declaration)

    def goto(self, url: str) -> None:
        self.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def reload(self) -> None:
        self.command("browsingContext.reload", context=self._context, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, as JSON has it."""
        whole = f"(async () => JSON.stringify(await ({expression})) ?? 'null')()"
        return json.loads(self._evaluate(whole)["value"])

    def _evaluate(self, expression: str) -> dict[str, Any]:
        answer = self.command(
            "script.evaluate",
            expression=expression,
            target={"context": self._context},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        result: dict[str, Any] = answer["result"]
        return result

    def click(self, selector: str) -> None:
        """With the mouse, so that the page counts it as the person's."""
        found = f"document.querySelector({json.dumps(selector)})"
        element = self._evaluate(f"{found}.scrollIntoView({{block: 'nearest'}}), {found}")
        origin = {"type": "element", "element": {"sharedId": element["sharedId"]}}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._perform({"type": "pointer", "id": "mouse", "actions": moves})

    def press(self, key: str) -> None:
        """A key by its character; WebDriver has some of its own for keys without one."""
        presses = [{"type": type_, "value": key} for type_ in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keyboard", "actions": presses})

    def _perform(self, *sources: dict[str, Any]) -> None:
        self.command("input.performActions", context=self._context, actions=list(sources))

    def wait_for_timeout(self, milliseconds: float) -> None:
        time.sleep(milliseconds / 1000)


@contextlib.contextmanager
def _firefox(folder: Path, env: dict[str, str]) -> Iterator[FirefoxPage]:
    """A Firefox with nothing in it, headless, on a profile in ``folder``; gone afterwards."""
    profile = folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(n)}, {json.dumps(v)});" for n, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    log = folder / "firefox.log"
    command = [program("firefox-esr"), "--headless", "--no-remote", "--remote-debugging-port=0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--profile", str(profile), "about:blank"],
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        listening = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
        wait_until("Firefox listens", lambda: listening.search(log.read_text(errors="replace")))
        found = listening.search(log.read_text(errors="replace"))
        assert found
        with connect(f"{found[1]}/session", max_size=None) as connection:
            yield FirefoxPage(connection)
    finally:
        _end(process)


@dataclass
class FirefoxTab(Tab):
    """What came over its socket is not listened in on."""

    sound: Sound = field(kw_only=True)


@contextlib.contextmanager
def browsing_firefox(parley: Installation, folder: Path) -> Iterator[FirefoxTab]:
    """As ``browsing``; the files of Firefox and PulseAudio are in ``folder``, of a short path."""
    with Sound(folder) as sound, _firefox(folder, sound.env) as page:
        tab = FirefoxTab(cast("Page", page), sound=sound)
        page.goto(sign_in_address(parley))
        tab.wait_for("document.getElementById('talk') !== null")
        page.evaluate(f"({CHOOSE})({Choices(recording_agreed=True).model_dump_json()})")
        page.goto(f"{parley.url}/")
        yield tab


def _end(process: subprocess.Popen[bytes]) -> None:
    """A browser and the processes of its pages."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    process.kill()
    process.wait()
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
