"""Transcription over a socket while the person speaks: Deepgram's, and OpenAI's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interaction.providers import errors
from interaction.providers.stage_protocols import FLUSH, Flush, Transcript
from interaction.tests.providers.adapters import SECOND, STANDINS, Adapter, given
from interaction.tests.standins.live import HEARD

HALF, TENTH = SECOND[:16_000], SECOND[:3_200]


@pytest.fixture(params=["deepgram", "openai-live"])
async def ear(request: pytest.FixtureRequest) -> AsyncIterator[Adapter]:
    async with STANDINS["stt", request.param]() as server:
        made = Adapter("stt", request.param, server)
        made.provider = made.make()
        yield made
        await made.provider.aclose()


async def transcribe(ear: Adapter, *audio: bytes | Flush) -> list[Transcript]:
    return [transcript async for transcript in ear.provider.transcribe(given(*audio))]


async def test_partials_come_with_the_audio_and_a_final_one_at_its_end(ear: Adapter) -> None:
    *partials, final = await transcribe(ear, SECOND, SECOND)
    assert partials[:2] == [
        Transcript("hello", final=False),
        Transcript("hello there", final=False),
    ]
    assert final == Transcript(HEARD, final=True)
    # Resampling holds nothing back at the end.
    assert ear.server.requests[0].seconds == pytest.approx(2.0, abs=0.001)


async def test_partials_come_while_the_person_still_speaks(ear: Adapter) -> None:
    heard = asyncio.Event()

    async def speaking() -> AsyncIterator[bytes]:
        yield SECOND
        await heard.wait()
        yield SECOND

    finals = []
    async for transcript in ear.provider.transcribe(speaking()):
        heard.set()
        finals += [transcript] if transcript.final else []
    assert finals == [Transcript(HEARD, final=True)]


async def test_a_flush_gives_what_was_said_so_far_and_the_end_everything(ear: Adapter) -> None:
    said = asyncio.Event()

    async def speaking() -> AsyncIterator[bytes | Flush]:
        yield SECOND
        yield FLUSH
        await said.wait()
        yield SECOND

    ear.server.next("stt", text="one two")
    ear.server.next("stt", text="three")
    finals = []
    async for transcript in ear.provider.transcribe(speaking()):
        if transcript.final:
            finals.append(transcript.text)
            said.set()
    assert finals == ["one two", "one two three"]
    assert ear.server.connections == 1


async def test_nothing_said_after_a_flush_asks_for_nothing(ear: Adapter) -> None:
    finals = [t for t in await transcribe(ear, SECOND, FLUSH) if t.final]
    assert finals == [Transcript(HEARD, final=True)] * 2
    assert len(ear.server.requests) == 1


async def test_no_audio_is_no_speech(ear: Adapter) -> None:
    assert await transcribe(ear) == [Transcript("", final=True)]


async def test_many_people_at_once_have_sockets_of_their_own(ear: Adapter) -> None:
    answers = await asyncio.gather(*(transcribe(ear, SECOND) for _ in range(4)))
    assert [answer[-1].text for answer in answers] == [HEARD] * 4
    assert ear.server.connections == 4
    assert await transcribe(ear, SECOND)
    assert ear.server.connections == 4


async def test_what_goes_wrong_with_the_audio_is_not_blamed_on_the_server(ear: Adapter) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield SECOND
        raise TimeoutError("the stream of audio")

    with pytest.raises(TimeoutError, match="the stream of audio"):
        async for _ in ear.provider.transcribe(breaking()):
            pass
    assert await transcribe(ear, SECOND)
    assert ear.server.connections == 2, "the first socket still had the half of an utterance"


async def test_a_socket_that_was_closed_meanwhile_is_not_used(ear: Adapter) -> None:
    assert await transcribe(ear, SECOND)
    for connection in list(ear.server.open):
        await connection.close()
    assert await transcribe(ear, SECOND)
    assert ear.server.connections == 2


async def test_a_server_that_says_what_is_wrong_is_understood(ear: Adapter) -> None:
    ear.server.next("stt", fault="error", code="invalid_api_key")
    with pytest.raises(errors.ProviderUnauthorized):
        await transcribe(ear, SECOND)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1011, errors.ProviderUnavailable),
        (1008, errors.ProviderRefused),
        (1000, errors.ProviderProtocolError),
    ],
)
async def test_hanging_up_in_the_middle_is_an_error(
    code: int, error: type[Exception], ear: Adapter
) -> None:
    heard = asyncio.Event()

    async def speaking() -> AsyncIterator[bytes]:
        yield SECOND
        await heard.wait()
        for connection in list(ear.server.open):
            await connection.close(code=code)
        yield SECOND

    with pytest.raises(error):
        async for _ in ear.provider.transcribe(speaking()):
            heard.set()


async def test_deepgram_may_leave_a_finalize_unanswered() -> None:
    async with STANDINS["stt", "deepgram"]() as server:
        server.script("stt", code="mute")
        ear = Adapter("stt", "deepgram", server)
        ear.provider = ear.make(ask_again_after=0.05)
        assert (await transcribe(ear, SECOND))[-1] == Transcript(HEARD, final=True)
        said = asyncio.Event()

        async def speaking() -> AsyncIterator[bytes | Flush]:
            yield SECOND
            yield FLUSH
            await said.wait()

        flushed = []
        async for transcript in ear.provider.transcribe(speaking()):
            if transcript.final:
                flushed.append(transcript.text)
                said.set()
        assert flushed == ["hello", "hello"], "what was understood so far must do"
        await ear.provider.aclose()
    assert server.connections == 2, "a socket with an answer still to come is not used again"


async def test_openais_session_detects_no_turns_and_knows_the_language() -> None:
    async with STANDINS["stt", "openai-live"]() as server:
        ear = Adapter("stt", "openai-live", server)
        ear.provider = ear.make()
        assert await transcribe(ear, SECOND)
        await ear.provider.aclose()
    body: dict[str, Any] = server.requests[0].body
    assert body["intent"] == "transcription"
    assert body["turn_detection"] is None
    assert body["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert body["transcription"] == {"model": "gpt-live-transcribe", "language": "en"}


async def test_openai_is_not_asked_to_transcribe_less_than_it_takes() -> None:
    async with STANDINS["stt", "openai-live"]() as server:
        ear = Adapter("stt", "openai-live", server)
        ear.provider = ear.make()
        heard = await transcribe(ear, HALF, FLUSH, TENTH[:1_600])
        assert heard[-1].text == HEARD
        assert heard[-1].final
        await ear.provider.aclose()


ODD: dict[str, str | bytes] = {
    "no JSON": "this is no JSON",
    "nothing": "",
    "half of one": '{"type": "Results"',
    "bytes": b"\xff\xfe\x00",
    "a list": "[1]",
    "a number": "7",
    "a text": '"hello"',
    "null": "null",
    "empty": "{}",
    "no kind": '{"text": "no"}',
    "null for a kind": '{"type": null}',
    "a number for a kind": '{"type": 3}',
    "an object for a kind": '{"type": {}}',
    "an unknown kind": '{"type": "Hologram", "depth": 3}',
    "results of nothing": '{"type": "Results"}',
    "null results": '{"type": "Results", "channel": null}',
    "a text for the channel": '{"type": "Results", "channel": "left"}',
    "a list for the channel": '{"type": "Results", "channel": []}',
    "no alternatives": '{"type": "Results", "channel": {"alternatives": []}}',
    "null alternatives": '{"type": "Results", "channel": {"alternatives": null}}',
    "a null alternative": '{"type": "Results", "channel": {"alternatives": [null]}}',
    "a number for words": '{"type": "Results", "channel": {"alternatives": [{"transcript": 7}]}}',
    "null for words": '{"type": "Results", "channel": {"alternatives": [{"transcript": null}]}}',
    "metadata": '{"type": "Metadata", "duration": "long"}',
    "speech began": '{"type": "SpeechStarted", "timestamp": -1}',
    "utterance ended": '{"type": "UtteranceEnd"}',
    "a warning": '{"type": "Warning", "description": "slow"}',
    "a delta of no item": '{"type": "conversation.item.input_audio_transcription.delta"}',
    "a null delta": '{"type": "conversation.item.input_audio_transcription.delta",'
    ' "item_id": "other", "delta": null}',
    "a delta in numbers": '{"type": "conversation.item.input_audio_transcription.delta",'
    ' "item_id": "other", "delta": 7}',
    "a completion of no item": '{"type": "conversation.item.input_audio_transcription.completed"}',
    "a commit of no item": '{"type": "input_audio_buffer.committed"}',
    "a list for an item": '{"type": "input_audio_buffer.committed", "item_id": []}',
    "a segment": '{"type": "conversation.item.input_audio_transcription.segment", "text": "a"}',
    "item added": '{"type": "conversation.item.added", "item": null}',
    "session created": '{"type": "session.created", "session": null}',
    "rate limits": '{"type": "rate_limits.updated", "rate_limits": "none"}',
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_odd_message_costs_nothing_but_itself(ear: Adapter, odd: str | bytes) -> None:
    ear.server.script("stt", odd=odd)
    *partials, final = await transcribe(ear, SECOND, FLUSH, SECOND)
    assert final == Transcript(HEARD, final=True)
    assert Transcript("hello", final=False) in partials
