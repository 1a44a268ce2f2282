"""The three stages over OpenAI's HTTP API, or whatever else speaks it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from openai import omit
from openai.types.audio import TranscriptionTextDeltaEvent, TranscriptionTextDoneEvent

from interaction.audio import wav
from interaction.core.types import INPUT_SAMPLE_RATE, Message, ToolCall, ToolSpec
from interaction.providers import calls
from interaction.providers.base import Cut, Flush, ProviderConfig, Transcript, Usage, Written
from interaction.providers.http import STALL
from interaction.providers.openai_client import OpenAIStage
from interaction.providers.pace import Pace
from interaction.providers.pcm import whole_samples
from interaction.providers.silence import SILENCE

LEAST_AUDIO = 2 * INPUT_SAMPLE_RATE // 10
"""Bytes, 100 ms: servers refuse what is shorter, and there is no word in it."""
NOBODY = Message("user", SILENCE)
"""An empty conversation is refused."""
PIECE = ("index", "id", "function")
"""Of a tool call; not every server gives all of them."""


class SpeechToText(OpenAIStage):
    """Uploads the utterance at its end, or at a flush. Partials where the server streams them."""

    stage = "stt"
    first = 10.0

    async def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        heard = bytearray()
        transcript, fresh = Transcript("", final=True), True
        async for piece in audio:
            if isinstance(piece, Flush):
                async with aclosing(self._recognise(bytes(heard))) as transcripts:
                    async for transcript in transcripts:
                        yield transcript
                fresh = True
            else:
                heard += piece
                fresh = False
        if fresh:
            yield transcript
            return
        async with aclosing(self._recognise(bytes(heard))) as transcripts:
            async for transcript in transcripts:
                yield transcript

    async def _recognise(self, pcm: bytes) -> AsyncGenerator[Transcript]:
        if len(pcm) < LEAST_AUDIO:
            yield Transcript("", final=True)
            return
        request = self._client.audio.transcriptions.with_streaming_response.create(
            file=("speech.wav", wav.wrap(pcm, INPUT_SAMPLE_RATE), "audio/wav"),
            model=self._config.model,
            language=self._config.language.split("-")[0] or omit,
            stream=True,
        )
        async with self._asked(request) as (response, pace):
            if "text/event-stream" in response.headers.get("content-type", ""):
                events = self._heard(aiter(await response.parse()), pace)
            else:
                # Servers without streaming ignore the wish for it and answer in one piece.
                events = self._read(response, pace)
            async with aclosing(events) as transcripts:
                async for transcript in transcripts:
                    yield transcript

    async def _heard(self, events: AsyncIterator[Any], pace: Pace) -> AsyncGenerator[Transcript]:
        text = ""
        done = None
        async for event in pace.over(events):
            if isinstance(event, TranscriptionTextDeltaEvent) and isinstance(event.delta, str):
                text += event.delta
                yield Transcript(text, final=False)
            elif isinstance(event, TranscriptionTextDoneEvent) and isinstance(event.text, str):
                done = Transcript(event.text.strip(), final=True)
        if not done:
            raise self._blame.cut()
        yield done

    async def _read(self, response: Any, pace: Pace) -> AsyncGenerator[Transcript]:
        async with pace.next():
            body = await response.read()
        text = body.decode()
        if not response.headers.get("content-type", "").startswith("text/plain"):
            answer = json.loads(text)
            text = answer.get("text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise self._blame.nonsense()
        yield Transcript(text.strip(), final=True)


class LanguageModel(OpenAIStage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[Written]:
        request = self._client.chat.completions.with_streaming_response.create(
            model=self._config.model,
            messages=[_line(message) for message in messages or (NOBODY,)],
            tools=[_tool(tool) for tool in tools] or omit,
            tool_choice=_choice(tool_choice) if tools and tool_choice != "auto" else omit,
            max_completion_tokens=max_tokens or omit,
            stream=True,
            stream_options={"include_usage": True},
        )
        async with self._asked(request) as (response, pace):
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise self._blame.protocol("did not stream its answer")
            asked, usage, finished = Calls(), None, ""
            try:
                async for chunk in pace.over(aiter(await response.parse())):
                    usage = _usage(chunk) or usage
                    for choice in self._choices(chunk):
                        finished = finished or str(choice.finish_reason or "")
                        asked.take(choice.delta.tool_calls or ())
                        if text := choice.delta.content or choice.delta.refusal:
                            yield text
            except TimeoutError:
                # What may come after the end (usage, [DONE]) is not worth failing for.
                if not finished:
                    raise
            if not finished:
                raise self._blame.cut()
            for call in asked.complete():
                if not call.name:
                    raise self._blame.nonsense()
                yield call
            if finished == "length":
                yield Cut()
            if usage:
                yield usage

    def _choices(self, chunk: Any) -> list[Any]:
        """The SDK does not check what it parses: a missing delta would come up as a bug of ours."""
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list) or any(
            not isinstance(getattr(getattr(choice, "delta", None), "content", None), str | None)
            or choice.delta is None
            for choice in choices
        ):
            raise self._blame.nonsense()
        return choices


@dataclass
class _Call:
    id: str
    name: str = ""
    arguments: str = ""


class Calls:
    """Tool calls from the pieces that they come in.

    A piece belongs to the call of its index. Some servers give every call the same index, or
    none, and each call whole: there, another id is another call.
    """

    def __init__(self) -> None:
        self._all: list[_Call] = []
        self._open: dict[int | None, _Call] = {}

    def take(self, pieces: Sequence[Any]) -> None:
        for piece in pieces:
            index, id_, function = (getattr(piece, name, None) for name in PIECE)
            call = self._open.get(index)
            if call is None or (id_ and id_ != call.id):
                call = self._open[index] = _Call(id_ or calls.new_id())
                self._all.append(call)
            call.name += getattr(function, "name", None) or ""
            call.arguments += getattr(function, "arguments", None) or ""

    def complete(self) -> list[ToolCall]:
        return [ToolCall(call.id, call.name, call.arguments or "{}") for call in self._all]


def _line(message: Message) -> dict[str, Any]:
    line: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.role == "tool":
        line["tool_call_id"] = calls.bare(message.tool_call_id)
    if message.tool_calls:
        line["tool_calls"] = [
            {
                "id": calls.bare(call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return line


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": json.loads(tool.parameters),
        },
    }


def _choice(wanted: str) -> Any:
    if wanted in ("none", "required"):
        return wanted
    return {"type": "function", "function": {"name": wanted}}


def _usage(chunk: Any) -> Usage | None:
    usage = getattr(chunk, "usage", None)
    prompt, completion = (
        getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")
    )
    if isinstance(prompt, int) and isinstance(completion, int):
        return Usage(prompt, completion)
    return None


class TextToSpeech(OpenAIStage):
    """Streams raw PCM. It carries no rate, so the configuration says it."""

    stage = "tts"
    first = 6.0

    def __init__(
        self, config: ProviderConfig, *, first: float | None = None, stall: float = STALL
    ) -> None:
        super().__init__(config, first=first, stall=stall)
        self.sample_rate = config.sample_rate

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        if not text.strip():
            return
        request = self._client.audio.speech.with_streaming_response.create(
            model=self._config.model,
            voice=self._config.voice,
            input=text,
            response_format="pcm",
        )
        async with self._asked(request) as (response, pace):
            pieces = pace.over(aiter(response.iter_bytes()))
            async for pcm in whole_samples(pieces, self._blame):
                yield pcm
