"""The three stages against a server that speaks OpenAI's protocol over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers import errors
from interaction.providers._shared.tool_call_assembler import ToolCallAssembler
from interaction.providers.config import ProviderConfig
from interaction.providers.openai.llm import LanguageModel
from interaction.providers.openai.stt import SpeechToText
from interaction.providers.openai.tts import TextToSpeech
from interaction.providers.registry import load
from interaction.providers.stage_protocols import FLUSH, WORKING, Flush, Transcript, Usage
from interaction.tests.standins.openai import SPEECH_RATE, Standin, pitch_of

KEY = "sk-secret"
SAID = "the password is swordfish"
SECOND = (8_000 * np.sin(2 * np.pi * 2_500 * np.arange(16_000) / 16_000)).astype("<i2").tobytes()
"""A tone that the stand-in transcribes as ``caller 2500``."""

Ask = Callable[[str], Awaitable[Any]]


@pytest.fixture
async def server() -> AsyncIterator[Standin]:
    async with Standin() as server:
        yield server


@pytest.fixture
async def stages(server: Standin) -> AsyncIterator[dict[str, Any]]:
    config = ProviderConfig(
        "openai", model="any", voice="any", base_url=server.url, api_key=KEY, sample_rate=24_000
    )
    # Short deadlines: what is late in these tests never comes.
    made = {
        "stt": SpeechToText(config, first=1.0, stall=0.2),
        "llm": LanguageModel(config, first=1.0, stall=0.2),
        "tts": TextToSpeech(config, first=1.0, stall=0.2),
    }
    yield made
    for stage in made.values():
        await stage.aclose()


async def given(*pieces: bytes | Flush) -> AsyncIterator[bytes | Flush]:
    for piece in pieces:
        yield piece


@pytest.fixture
def ask(stages: dict[str, Any]) -> Ask:
    """Have a stage do its work on some input, and return everything that it gives."""

    async def ask(stage: str) -> list[Any]:
        provider = stages[stage]
        if stage == "stt":
            return [transcript async for transcript in provider.transcribe(given(SECOND))]
        if stage == "llm":
            return [text async for text in provider.complete([Message("user", SAID)])]
        return [pcm async for pcm in provider.synthesize(SAID)]

    return ask


# What works.


async def test_partials_come_before_the_final_transcript(ask: Ask, server: Standin) -> None:
    assert await ask("stt") == [
        Transcript("caller", final=False),
        Transcript("caller 2500", final=False),
        Transcript("caller 2500", final=True),
    ]
    request = server.requests[0]
    assert (request.seconds, request.authorization) == (1.0, f"Bearer {KEY}")
    assert request.body["language"] == "en"


async def test_a_server_that_does_not_stream_gives_its_transcript_at_once(
    ask: Ask, server: Standin
) -> None:
    server.script("stt", fault="whole")
    assert await ask("stt") == [Transcript("caller 2500", final=True)]


async def test_a_flush_gives_what_was_said_so_far_and_the_end_everything(
    stages: dict[str, Any], server: Standin
) -> None:
    audio = given(SECOND, FLUSH, SECOND, SECOND)

    finals = [t async for t in stages["stt"].transcribe(audio) if t.final]

    assert finals == [Transcript("caller 2500", final=True)] * 2
    assert [request.seconds for request in server.requests] == [1.0, 3.0]


async def test_nothing_said_after_a_flush_is_not_uploaded_again(
    stages: dict[str, Any], server: Standin
) -> None:
    finals = [t async for t in stages["stt"].transcribe(given(SECOND, FLUSH)) if t.final]

    assert finals == [Transcript("caller 2500", final=True)] * 2
    assert len(server.requests) == 1


async def test_too_little_audio_is_not_sent_at_all(stages: dict[str, Any], server: Standin) -> None:
    heard = [t async for t in stages["stt"].transcribe(given(bytes(640)))]

    assert heard == [Transcript("", final=True)]
    assert not server.requests


async def test_what_goes_wrong_with_the_audio_is_not_blamed_on_the_server(
    stages: dict[str, Any],
) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield SECOND
        raise TimeoutError("the stream of audio")

    with pytest.raises(TimeoutError, match="the stream of audio"):
        async for _ in stages["stt"].transcribe(breaking()):
            pass


async def test_a_reply_comes_in_pieces_and_the_context_is_sent(
    stages: dict[str, Any], server: Standin
) -> None:
    context = [Message("system", "Be brief."), Message("user", "Hi")]

    pieces = [text async for text in stages["llm"].complete(context)]

    assert pieces == ["You", " said:", " Hi.", Usage(3, 3)]
    body = server.requests[0].body
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize("index", [0, None])
def test_calls_that_come_whole_are_told_apart_by_their_ids(index: int | None) -> None:
    """As Ollama sends them, and Google's server that speaks OpenAI's protocol."""
    calls = ToolCallAssembler()
    for number in range(2):
        function = {"name": "weather", "arguments": f'{{"day": {number}}}'}
        calls.feed([{"index": index, "id": f"call_{number}", "function": function}])
    assert calls.complete() == [
        ToolCall("call_0", "weather", '{"day": 0}'),
        ToolCall("call_1", "weather", '{"day": 1}'),
    ]


async def test_speech_comes_as_even_pieces_of_pcm(ask: Ask, server: Standin) -> None:
    pieces = await ask("tts")
    assert all(len(piece) % 2 == 0 for piece in pieces)
    samples = np.frombuffer(b"".join(pieces), dtype="<i2")
    loudest = np.abs(np.fft.rfft(samples)).argmax() * SPEECH_RATE / len(samples)
    assert loudest == pytest.approx(pitch_of(SAID), abs=2)
    assert server.requests[0].body["response_format"] == "pcm"


async def test_a_wav_in_place_of_pcm_is_spoken_too(
    ask: Ask, server: Standin, processes: None
) -> None:
    server.script("tts", fault="whole")
    samples = np.frombuffer(b"".join(await ask("tts")), dtype="<i2")
    loudest = np.abs(np.fft.rfft(samples)).argmax() * SPEECH_RATE / len(samples)
    assert loudest == pytest.approx(pitch_of(SAID), abs=2)


async def test_silence_is_not_synthesised(stages: dict[str, Any], server: Standin) -> None:
    assert [pcm async for pcm in stages["tts"].synthesize(" ")] == []
    assert not server.requests


async def test_the_stages_share_a_warm_connection(
    ask: Ask, stages: dict[str, Any], server: Standin
) -> None:
    await stages["stt"].warm()
    for stage in ("stt", "llm", "tts", "stt"):
        await ask(stage)

    assert server.connections == 1


async def test_other_keys_have_other_clients(
    server: Standin, stages: dict[str, Any], ask: Ask
) -> None:
    await ask("llm")
    config = ProviderConfig("openai", model="any", base_url=server.url, api_key="sk-other")
    other = load("llm", config)
    pieces = [text async for text in other.complete([Message("user", "Hi")])]
    await other.aclose()

    assert pieces
    assert [r.authorization for r in server.requests] == [f"Bearer {KEY}", "Bearer sk-other"]
    assert await ask("llm")


async def test_a_provider_can_be_used_again_after_it_was_closed(
    ask: Ask, stages: dict[str, Any], server: Standin
) -> None:
    for _ in range(2):
        assert await ask("llm")
        await stages["llm"].aclose()

    assert server.connections == 2


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
async def test_cancelling_gives_the_request_up(stage: str, ask: Ask, server: Standin) -> None:
    server.script(stage, fault="hang")  # type: ignore[arg-type]
    task = asyncio.ensure_future(ask(stage))
    await server.arrived(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    server.script(stage)  # type: ignore[arg-type]
    assert await ask(stage)
    assert [request.ended for request in server.requests] == ["abandoned", "answered"]


@pytest.mark.parametrize(
    ("stage", "field"),
    [("llm", "stream_options"), ("llm", "stream"), ("stt", "language"), ("stt", "stream")],
)
async def test_a_field_that_is_refused_is_left_out_from_then_on(
    stage: str, field: str, ask: Ask, server: Standin
) -> None:
    server.next(stage, status=400, code=field)  # type: ignore[arg-type]
    assert await ask(stage)
    assert await ask(stage)
    assert [field in request.body for request in server.requests[1:]] == [False, False]


async def test_the_greatest_length_goes_by_its_former_name_where_that_of_today_is_refused(
    stages: dict[str, Any], server: Standin
) -> None:
    server.next("llm", status=400, code="max_completion_tokens")
    assert [out async for out in stages["llm"].complete([Message("user", "Hi")], max_tokens=9)]
    body = server.requests[1].body
    assert (body["max_tokens"], "max_completion_tokens" in body) == (9, False)


async def test_a_call_without_a_word_has_no_content_where_an_empty_one_is_refused(
    stages: dict[str, Any], server: Standin
) -> None:
    call = ToolCall("call_1", "weather", "{}")
    context = [Message("user", "Hi"), Message("assistant", "", (call,))]
    context.append(Message("tool", "sunny", tool_call_id=call.id))
    weather = ToolSpec("weather", "Tells the weather.", "{}")
    server.next("llm", status=400, code="invalid message content")
    for _ in range(2):
        assert [out async for out in stages["llm"].complete(context, [weather])]
    asked = [request.body["messages"][1]["content"] for request in server.requests[1:]]
    assert asked == [None, None]


async def test_a_model_that_takes_no_tools_is_told_what_they_said(
    stages: dict[str, Any], server: Standin
) -> None:
    call = ToolCall("call_1", "weather", "{}")
    context = [Message("user", "Hi"), Message("assistant", "", (call,))]
    context.append(Message("tool", "sunny", tool_call_id=call.id))
    weather = ToolSpec("weather", "Tells the weather.", "{}")
    server.next("llm", status=400, code="this model does not support tools")
    assert [out async for out in stages["llm"].complete(context, [weather])]
    assert server.requests[1].body["messages"] == [
        {"role": "user", "content": "Hi\n\n[weather: sunny]"}
    ]


async def test_a_refusal_without_end_ends(ask: Ask, server: Standin) -> None:
    server.script("llm", status=400, code="stream_options")
    with pytest.raises(errors.ProviderRefused):
        await ask("llm")
    assert len(server.requests) == 2


async def test_a_model_that_has_nothing_to_say_yet_is_at_work(
    ask: Ask, server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interaction.providers._shared.answer_deadlines.REPORTED_EVERY", 0.0)
    server.script("llm", deltas=["", "<think>", "hmm", "</think>", "Hi."], pause=0.01)
    outputs = await ask("llm")
    assert outputs[:3] == [WORKING] * 3
    assert [out for out in outputs if isinstance(out, str)] == ["Hi."]


# What goes wrong.


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
@pytest.mark.parametrize(
    ("plan", "error"),
    [
        ({"status": 401, "code": "invalid_api_key"}, errors.ProviderUnauthorized),
        ({"status": 403}, errors.ProviderUnauthorized),
        ({"status": 429, "code": "insufficient_quota"}, errors.ProviderUnauthorized),
        ({"status": 429, "retry_after": "7"}, errors.ProviderRateLimited),
        ({"status": 400}, errors.ProviderRefused),
        ({"status": 404, "code": "model_not_found"}, errors.ProviderRefused),
        ({"status": 413}, errors.ProviderRefused),
        ({"status": 422}, errors.ProviderRefused),
        ({"status": 500}, errors.ProviderUnavailable),
        ({"status": 503}, errors.ProviderUnavailable),
        ({"fault": "hang"}, errors.ProviderTimeout),
        ({"fault": "stall"}, errors.ProviderTimeout),
        ({"fault": "cut"}, errors.ProviderProtocolError),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
async def test_every_failure_has_its_place_in_the_tree(
    stage: str,
    plan: dict[str, Any],
    error: type,
    ask: Ask,
    server: Standin,
    stages: dict[str, Any],
) -> None:
    server.next(stage, **plan)  # type: ignore[arg-type]

    with pytest.raises(errors.ProviderError) as caught:
        await ask(stage)

    assert type(caught.value) is error
    assert (caught.value.stage, caught.value.provider) == (stage, "openai")
    assert KEY not in caught.value.message
    assert SAID not in caught.value.message
    assert caught.value.__cause__ is None
    stages[stage].deadlines = (30.0, 30.0)
    assert await ask(stage), "the next request works, on a busy machine too"


async def test_a_rate_limit_says_when_to_come_back(ask: Ask, server: Standin) -> None:
    for header, seconds in (("7", 7.0), ("", None), ("Fri, 20 Nov 2026 00:00:00 GMT", None)):
        server.next("llm", status=429, retry_after=header)
        with pytest.raises(errors.ProviderRateLimited) as caught:
            await ask("llm")
        assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("stage", "plan"),
    [
        ("stt", {"fault": "garbage"}),
        ("llm", {"fault": "garbage"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_protocol_error(
    stage: str, plan: dict[str, Any], ask: Ask, server: Standin
) -> None:
    server.next(stage, **plan)  # type: ignore[arg-type]
    with pytest.raises(errors.ProviderProtocolError):
        await ask(stage)


@pytest.mark.parametrize("stage", ["stt", "llm"])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("", errors.ProviderUnavailable),
        ("server_error", errors.ProviderUnavailable),
        ("rate_limit_exceeded", errors.ProviderRateLimited),
        ("insufficient_quota", errors.ProviderUnauthorized),
    ],
)
async def test_an_error_inside_a_stream_is_understood(
    stage: str, code: str, error: type[Exception], ask: Ask, server: Standin
) -> None:
    server.next(stage, fault="error", code=code)  # type: ignore[arg-type]
    with pytest.raises(error):
        await ask(stage)


async def test_nobody_at_the_address_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    config = ProviderConfig("openai", model="any", voice="any", base_url=url)
    provider = LanguageModel(config)
    await provider.warm()
    with pytest.raises(errors.ProviderUnavailable) as caught:
        async for _ in provider.complete([Message("user", "Hi")]):
            pass
    await provider.aclose()
    assert caught.value.retryable


async def test_an_address_that_is_none_is_an_error_of_the_tree() -> None:
    provider = load("llm", ProviderConfig("openai", model="any", base_url="nonsense"))
    with pytest.raises(errors.ProviderError):
        async for _ in provider.complete([Message("user", "Hi")]):
            pass
    await provider.aclose()
