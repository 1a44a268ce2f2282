"""Clients written for OpenAI, as they are, in conversation with a whole installation."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from interaction.audio import wav
from interaction.audio.resample import Resampler
from interaction.providers.local.demo.utterance import plain
from voiceproject.environment import BASE_DIR
from voiceproject.testing.installation import Installation
from voiceproject.testing.plugin import program, require

QUESTION = "what is the weather like in paris today"
MODULES = BASE_DIR / ".ci" / "node_modules"
PATIENCE = 40
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@pytest.fixture(scope="module")
def key(parley: Installation) -> str:
    return parley.token


@pytest.fixture
def question(spoken: Callable[[str], wav.Sound]) -> bytes:
    """At 24 kHz."""
    resampler = Resampler(16_000, 24_000)
    return resampler.feed(spoken(QUESTION).pcm) + resampler.finish()


class Conversation:
    """openai-python's connection, and what came over it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.got: list[Any] = []

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.connection.recv()
                self.got.append(event)
                assert event.type != "error", event
                if event.type == kind:
                    return event

    async def write(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.connection.conversation.item.create(item=item)
        await self.connection.response.create()

    async def say(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 4_800):
            audio = base64.b64encode(pcm[start : start + 4_800]).decode()
            await self.connection.input_audio_buffer.append(audio=audio)


async def test_openai_python_talks_types_has_a_function_called_and_interrupts(
    parley: Installation, key: str, question: bytes
) -> None:
    client = AsyncOpenAI(base_url=f"{parley.url}/v1", api_key=key)
    async with client.realtime.connect(model="default") as connection:
        talk = Conversation(connection)
        await talk.until("session.created")
        heard = {"transcription": {"model": "any"}, "turn_detection": {"type": "server_vad"}}
        session = {"type": "realtime", "tools": [WEATHER], "audio": {"input": heard}}
        await connection.session.update(session=session)  # type: ignore[arg-type]
        await talk.until("session.updated")

        await talk.write("hello there")
        done = await talk.until("response.done")
        assert "demo agent" in done.response.output[0].content[0].transcript

        await talk.say(question + bytes(48_000))
        words = await talk.until("conversation.item.input_audio_transcription.completed")
        assert plain(words.transcript) == QUESTION
        called = await talk.until("response.function_call_arguments.done")
        assert (called.name, json.loads(called.arguments)["city"].lower()) == (
            "get_weather",
            "paris",
        )
        await talk.until("response.done")
        output = {"type": "function_call_output", "call_id": called.call_id, "output": "sunny"}
        await connection.conversation.item.create(item=output)  # type: ignore[arg-type]
        await connection.response.create()
        done = await talk.until("response.done")
        assert "sunny" in done.response.output[0].content[0].transcript.lower()

        await talk.write("Count from one to thirty.")
        await talk.until("response.output_audio.delta")
        await talk.say(question)
        cancelled = (await talk.until("response.done")).response
        await talk.say(bytes(48_000))
        await talk.until("input_audio_buffer.committed")
    await client.close()
    # A reply that was sent whole before it was talked over is complete in this protocol.
    assert cancelled.status in ("cancelled", "completed")


def test_openais_agents_for_javascript_do_the_same(
    parley: Installation, key: str, question: bytes, tmp_path: Path
) -> None:
    require((MODULES / "@openai" / "agents-realtime").is_dir(), "`npm ci --prefix .ci`")
    (tmp_path / "key").write_text(key)
    (tmp_path / "question.pcm").write_bytes(question)
    url = f"{parley.url.replace('http', 'ws', 1)}/v1/realtime?model=default"
    script = Path(__file__).with_name("stock_client.mjs")
    run = subprocess.run(
        [program("node"), script, MODULES, url, tmp_path / "key", tmp_path / "question.pcm"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    report = json.loads(run.stdout.splitlines()[-1])
    assert report["errors"] == 0
    assert report["typed"] > 24_000
    assert plain(report["heard"][0]) == QUESTION
    assert report["weather"]["city"].lower() == "paris"
    assert report["interrupted"] >= 1
