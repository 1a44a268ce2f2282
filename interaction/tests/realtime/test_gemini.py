"""Gemini Live through its SDK: turns, tools, interruptions, and connections that end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import Message, ToolSpec
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError
from interaction.providers.gemini.realtime import RealtimeConnection, RealtimeModel
from interaction.providers.gemini.realtime_parts import seconds_of
from interaction.providers.realtime_protocol import (
    InputTranscript,
    OutputAudio,
    OutputTranscript,
    RealtimeEvent,
    RealtimeSessionConfig,
    ResponseDone,
    SpeechStarted,
    SpeechStopped,
)
from interaction.providers.stage_protocols import Usage
from interaction.tests.realtime.tones import pitch, tone
from interaction.tests.standins.gemini_live import Plan, Standin

E = TypeVar("E")

SERVER = EngineTurnDetection("server", silence_ms=400)
TOOL = ToolSpec("current_time", "Says the time.", '{"type": "object", "properties": {}}')


@pytest.fixture
def standin(gemini: Standin) -> Standin:
    return gemini


class Talk:
    """A connection, and all events that have come over it."""

    def __init__(self, connection: RealtimeConnection) -> None:
        self.connection = connection
        self.received: list[RealtimeEvent] = []
        self.error: ProviderError | None = None
        self._arrived = asyncio.Event()

    async def listen(self) -> None:
        try:
            async for event in self.connection.events():
                self.received.append(event)
                self._arrived.set()
        except ProviderError as error:
            self.error = error
            self._arrived.set()

    async def until(self, ready: Callable[[], Any]) -> Any:
        async with asyncio.timeout(20):
            while not (found := ready()):
                self._arrived.clear()
                await self._arrived.wait()
            return found

    async def first(self, kind: type[E], count: int = 1) -> E:
        """The ``count``-th event of a kind, past or to come."""

        def found() -> E | None:
            events = self.of(kind)
            return events[count - 1] if len(events) >= count else None

        event: E = await self.until(found)
        return event

    async def lost(self) -> ProviderError:
        error: ProviderError = await self.until(lambda: self.error)
        return error

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.received if isinstance(event, kind)]

    @property
    def pcm(self) -> bytes:
        return b"".join(event.pcm for event in self.of(OutputAudio))

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.of(OutputTranscript))

    async def speak(self, pcm: bytes) -> None:
        await self.connection.start_turn()
        await self.feed_audio(pcm)

    async def feed_audio(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 1024):
            await self.connection.feed_audio(pcm[start : start + 1024])


@asynccontextmanager
async def talking(standin: Standin, **terms: Any) -> AsyncIterator[Talk]:
    config = ProviderConfig(
        "gemini", "gemini-3.8-live", voice="Kore", base_url=standin.url, api_key="g-key"
    )
    model = RealtimeModel(config)
    try:
        connection = await model.open(
            RealtimeSessionConfig(**{"instructions": "Be brief.", **terms})
        )
        talk = Talk(connection)
        listening = asyncio.create_task(talk.listen())
        try:
            yield talk
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await connection.aclose()
    finally:
        await model.aclose()


async def test_a_spoken_turn_is_answered_in_speech(standin: Standin) -> None:
    async with talking(standin) as talk:
        await talk.speak(tone(1.0))
        await talk.connection.commit_turn()
        done = await talk.first(ResponseDone)
    assert done == ResponseDone(usage=Usage(20, 10))
    assert pitch(talk.pcm) == pytest.approx(440, abs=3)
    assert len(talk.pcm) / 48 == pytest.approx(1_000, abs=5)
    assert talk.text == "That is what you said. Is it not?"
    assert talk.of(InputTranscript) == [
        InputTranscript(0, "hello", final=False),
        InputTranscript(0, "hello there everybody", final=False),
        InputTranscript(0, "hello there everybody", final=True),
    ]
    assert not talk.of(SpeechStarted) + talk.of(SpeechStopped)
    (connection,) = standin.connections
    assert pitch(connection.audio, 16_000) == pytest.approx(440, abs=3)
    assert (connection.key, len(connection.audio)) == ("g-key", 32_000)
    assert connection.setup["model"] == "models/gemini-3.8-live"
    assert connection.setup["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert connection.setup["generationConfig"]["responseModalities"] == ["AUDIO"]
    turns = connection.setup["realtimeInputConfig"]
    assert turns["automaticActivityDetection"] == {"disabled": True}
    voice = connection.setup["generationConfig"]["speechConfig"]["voiceConfig"]
    assert voice["prebuiltVoiceConfig"]["voiceName"] == "Kore"


async def test_a_typed_turn_is_answered_too(standin: Standin) -> None:
    async with talking(standin) as talk:
        await talk.connection.send_text("Good morning.")
        await talk.first(ResponseDone)
    assert talk.pcm
    assert standin.connections[0].memory[0] == "Good morning."


async def test_words_that_come_after_the_audio_belong_to_the_reply(standin: Standin) -> None:
    standin.plans = [Plan("One two three.", late_words=True)]
    async with talking(standin) as talk:
        await talk.connection.send_text("Count.")
        await talk.first(ResponseDone)
    assert talk.text == "One two three."


async def test_a_reply_is_over_when_it_was_made_not_when_it_was_played(standin: Standin) -> None:
    standin.plans = [Plan("One.", waits=True), Plan("Two.")]
    async with talking(standin) as talk:
        await talk.connection.send_text("First.")
        await talk.first(ResponseDone)
        await standin.completes()
        await talk.connection.send_text("Second.")
        await talk.first(ResponseDone, 2)
    assert talk.text == "One.Two."


async def test_a_tool_is_asked_for_and_its_result_is_answered(standin: Standin) -> None:
    standin.plans = [Plan(calls=(("current_time", {"time_zone": "Asia/Taipei"}),)), Plan("Noon.")]
    async with talking(standin, tools=(TOOL,)) as talk:
        await talk.connection.send_text("What time is it?")
        asked = await talk.first(ResponseDone)
        (call,) = asked.calls
        assert (call.name, json.loads(call.arguments)) == (
            "current_time",
            {"time_zone": "Asia/Taipei"},
        )
        await talk.connection.send_tool_results([Message("tool", '"12:00"', tool_call_id=call.id)])
        assert not (await talk.first(ResponseDone, 2)).calls
    assert talk.text == "Noon."
    (answer,) = standin.connections[0].of("toolResponse")
    (told,) = answer["functionResponses"]
    assert (told["id"], told["name"]) == (call.id, "current_time")
    assert told["response"] == {"result": '"12:00"'}
    (declared,) = standin.connections[0].setup["tools"][0]["functionDeclarations"]
    assert (declared["name"], declared["behavior"]) == ("current_time", "BLOCKING")


async def test_who_interrupts_is_answered_and_the_model_learns_what_was_heard(
    standin: Standin,
) -> None:
    standin.plans = [Plan("One two three four five.", fault="hold"), Plan("Oh.")]
    async with talking(standin) as talk:
        await talk.speak(tone(1.0))
        await talk.connection.commit_turn()
        await talk.first(OutputAudio)
        await talk.connection.cancel_reply(heard_ms=100)
        await talk.speak(tone(0.5))
        await talk.connection.commit_turn()
        await talk.first(ResponseDone, 2)
    assert talk.of(ResponseDone) == [ResponseDone(cut_off=True), ResponseDone(usage=Usage(20, 10))]
    assert talk.text == "One two three four five.Oh."
    (note,) = standin.connections[0].of("clientContent")
    assert '"One two"' in note["turns"][0]["parts"][0]["text"]
    assert not note.get("turnComplete")
    assert [words.turn for words in talk.of(InputTranscript) if words.final] == [0, 1]


async def test_a_reply_that_was_heard_whole_needs_no_word(standin: Standin) -> None:
    async with talking(standin) as talk:
        await talk.connection.send_text("One.")
        await talk.first(ResponseDone)
        await talk.connection.cancel_reply(heard_ms=60_000)
        await talk.connection.send_text("Two.")
        await talk.first(ResponseDone, 2)
    assert standin.connections[0].memory[::2] == ["One.", "Two."]
    assert not any(done.cut_off for done in talk.of(ResponseDone))


async def test_what_still_comes_of_a_stopped_reply_is_not_the_next_ones(standin: Standin) -> None:
    standin.plans = [Plan("Too long.", fault="hold"), Plan("Short.")]
    async with talking(standin) as talk:
        await talk.connection.send_text("One.")
        await talk.first(OutputAudio)
        await talk.connection.cancel_reply(heard_ms=0)
        await talk.first(ResponseDone)
        await talk.connection.send_text("Two.")
        await talk.first(ResponseDone, 2)
    assert talk.text == "Too long.Short."
    said = standin.connections[0].of("clientContent")[1]["turns"][0]["parts"]
    assert "nothing" in said[0]["text"]
    assert said[1]["text"] == "Two."


async def test_replies_that_were_stopped_before_they_began_are_not_the_next_ones(
    standin: Standin,
) -> None:
    standin.plans = [Plan("One."), Plan("Two."), Plan("Three.")]
    async with talking(standin) as talk:
        for text in ("First.", "Second."):
            await talk.connection.send_text(text)
            await talk.connection.cancel_reply(heard_ms=0)
        await talk.connection.send_text("Third.")
        await talk.first(ResponseDone, 3)
    assert talk.text == "Three."
    assert [done.cut_off for done in talk.of(ResponseDone)] == [True, True, False]


async def test_a_reply_that_was_stopped_while_a_tool_ran_costs_the_next_one_nothing(
    standin: Standin,
) -> None:
    standin.plans = [Plan(calls=(("current_time", {}),)), Plan("Two.")]
    async with talking(standin, tools=(TOOL,)) as talk:
        await talk.connection.send_text("What time is it?")
        await talk.first(ResponseDone)
        await talk.connection.cancel_reply(heard_ms=0)
        await talk.connection.send_text("Never mind.")
        await talk.first(ResponseDone, 2)
    assert talk.text == "Two."


async def test_what_is_forgotten_after_a_stopped_reply_costs_the_next_one_nothing(
    standin: Standin,
) -> None:
    standin.plans = [Plan("One."), Plan("Two.", fault="hold"), Plan("Three.")]
    async with talking(standin) as talk:
        await talk.connection.send_text("First.")
        await talk.first(ResponseDone)
        await talk.connection.send_text("Second.")
        await talk.until(lambda: "Two." in talk.text)
        await talk.connection.cancel_reply(heard_ms=0)
        await talk.connection.start_turn()
        await talk.connection.discard_turn()
        await talk.connection.send_text("Third.")
        await talk.first(ResponseDone, 3)
    assert talk.text == "One.Two.Three."


async def test_the_providers_own_turns_are_told_and_interrupted(standin: Standin) -> None:
    standin.plans = [Plan("One two.", fault="hold"), Plan("Three.")]
    async with talking(standin, turn_detection=SERVER) as talk:
        await talk.feed_audio(tone(0.3))
        await standin.hears_speech()
        await talk.first(SpeechStarted)
        await standin.answers()
        await talk.first(OutputAudio)
        assert [type(event) for event in talk.received[:5]] == [
            *(SpeechStarted, InputTranscript, InputTranscript, SpeechStopped, OutputTranscript)
        ]
        await standin.is_interrupted()
        assert (await talk.first(ResponseDone)).cut_off
        await talk.first(SpeechStarted, 2)
        await talk.connection.cancel_reply(heard_ms=0)
        await standin.hears_speech()
        await standin.answers()
        await talk.first(ResponseDone, 2)
    assert len(talk.of(SpeechStarted)) == len(talk.of(SpeechStopped)) == 2
    assert [words.turn for words in talk.of(InputTranscript) if words.final] == [0, 1]
    turns = standin.connections[0].setup["realtimeInputConfig"]
    assert turns["automaticActivityDetection"]["silenceDurationMs"] == 400
    assert not standin.connections[0].of("realtimeInput", inside="activityStart")


async def test_a_server_that_goes_away_is_followed_with_all_that_was_said(
    standin: Standin,
) -> None:
    async with talking(standin) as talk:
        await talk.connection.send_text("I am Ada.")
        await talk.first(ResponseDone)
        await standin.goes_away()
        await standin.connected(2)
        await talk.connection.send_text("Who am I?")
        await talk.first(ResponseDone, 2)
    assert standin.connections[1].setup["sessionResumption"] == {"handle": "handle_1"}
    assert standin.connections[1].memory[0] == "I am Ada."
    assert talk.error is None


async def test_who_speaks_while_the_server_goes_away_is_heard_to_the_end(
    standin: Standin,
) -> None:
    async with talking(standin) as talk:
        await talk.connection.send_text("I am Ada.")
        await talk.first(ResponseDone)
        await talk.speak(tone(1.0))
        await standin.goes_away(seconds=0)
        await standin.connected(2)
        await talk.feed_audio(tone(1.0))
        await talk.connection.commit_turn()
        await talk.first(ResponseDone, 2)
    assert standin.connections[1].audio == tone(1.0) * 2


async def test_a_server_that_goes_away_is_not_left_before_it_has_answered(
    standin: Standin,
) -> None:
    standin.plans = [Plan(), Plan("One.", waits=True)]
    async with talking(standin) as talk:
        await talk.connection.send_text("I am Ada.")
        await talk.first(ResponseDone)
        begun = len(talk.pcm)
        await talk.speak(tone(0.5))
        await standin.goes_away()
        await talk.connection.commit_turn()
        await talk.first(ResponseDone, 2)
        await standin.connected(2)
    assert pitch(talk.pcm[begun:]) == pytest.approx(440, abs=5)
    assert not talk.of(ResponseDone)[1].error


@pytest.mark.parametrize("when", ["before", "during", "after"])
async def test_a_line_that_breaks_in_a_turn_is_resumed_and_loses_no_audio(
    standin: Standin, when: str
) -> None:
    if when == "after":
        standin.plans = [Plan(), Plan(fault="deaf"), Plan()]
    async with talking(standin) as talk:
        await talk.connection.send_text("I am Ada.")
        await talk.first(ResponseDone)
        if when == "before":
            await standin.hang_up()
        await talk.speak(tone(0.5))
        if when == "during":
            await standin.hang_up()
            await standin.connected(2)
        await talk.feed_audio(tone(0.5))
        await talk.connection.commit_turn()
        done = await talk.first(ResponseDone, 2)
    assert not done.error
    assert len(standin.connections) == 2
    assert standin.connections[1].memory[0] == "I am Ada."
    assert standin.connections[1].audio == tone(0.5) * 2


async def test_a_reply_that_breaks_off_is_lost_and_the_line_goes_on(standin: Standin) -> None:
    standin.plans = [Plan(), Plan(fault="cut"), Plan("Again.")]
    async with talking(standin) as talk:
        await talk.connection.send_text("I am Ada.")
        await talk.first(ResponseDone)
        await talk.connection.send_text("Go on.")
        broken = (await talk.first(ResponseDone, 2)).error
        assert broken
        assert (broken.code, broken.retryable) == ("provider_unavailable", True)
        await talk.connection.send_text("Again?")
        await talk.first(ResponseDone, 3)
    assert talk.text.endswith("Again.")
    assert standin.connections[1].memory[0] == "I am Ada."


async def test_a_server_that_does_not_come_back_is_lost(standin: Standin) -> None:
    async with talking(standin) as talk:
        await talk.connection.send_text("One.")
        await talk.first(ResponseDone)
        standin.refuses = 503
        await standin.hang_up()
        lost = await talk.lost()
    assert (lost.code, lost.retryable) == ("provider_unavailable", True)


@pytest.mark.parametrize("why", ["no handle", "refused"])
async def test_a_conversation_that_cannot_be_resumed_is_a_lost_line_that_may_be_opened_anew(
    standin: Standin, why: str
) -> None:
    standin.handles = why != "no handle"
    async with talking(standin) as talk:
        await talk.connection.send_text("I am Ada.")
        await talk.first(ResponseDone)
        if why == "refused":
            standin.closes = (1008, "BidiGenerateContent session not found")
        await standin.goes_away()
        lost = await talk.lost()
    assert (lost.code, lost.retryable) == ("provider_unavailable", True)
    assert len(standin.connections) == 1


async def test_a_line_that_breaks_before_anything_was_said_begins_again(standin: Standin) -> None:
    history = (Message("user", "I am Ada."), Message("assistant", "Hello Ada."))
    async with talking(standin, history=history) as talk:
        await talk.connection.start_turn()
        await talk.connection.discard_turn()
        await talk.connection.send_text("Who am I?")
        await talk.first(ResponseDone)
    assert standin.connections[1].memory[:3] == ["I am Ada.", "Hello Ada.", "Who am I?"]


async def test_what_was_heard_of_a_turn_can_be_forgotten(standin: Standin) -> None:
    async with talking(standin) as talk:
        await talk.connection.send_text("I am Ada.")
        await talk.first(ResponseDone)
        await talk.speak(tone(0.5))
        await talk.connection.discard_turn()
        await talk.connection.send_text("Hello.")
        await talk.first(ResponseDone, 2)
    assert standin.connections[1].memory[::2] == ["I am Ada.", "Hello."]
    assert not standin.connections[1].audio


async def test_a_line_may_begin_in_the_middle_of_a_conversation(standin: Standin) -> None:
    history = (Message("user", "I am Ada."), Message("assistant", "Hello Ada."))
    async with talking(standin, history=history) as talk:
        await talk.connection.send_text("Who am I?")
        await talk.first(ResponseDone)
    seed, _question = standin.connections[0].of("clientContent")
    assert [turn["role"] for turn in seed["turns"]] == ["user", "model"]
    assert standin.connections[0].setup["historyConfig"] == {"initialHistoryInClientContent": True}
    assert standin.connections[0].memory[:3] == ["I am Ada.", "Hello Ada.", "Who am I?"]
    assert len(talk.of(ResponseDone)) == 1


FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "bad key": (
        {"closes": (1007, "API key not valid. Please pass a valid API key.")},
        "unauthorized",
    ),
    "no quota": ({"closes": (1011, "You exceeded your current quota.")}, "unauthorized"),
    "no such model": ({"closes": (1008, "models/x is not found for API version")}, "refused"),
    "key refused at the door": ({"refuses": 403}, "unauthorized"),
    "too many": ({"refuses": 429}, "rate_limited"),
    "server error": ({"refuses": 500}, "unavailable"),
    "overloaded": ({"closes": (1011, "Internal error encountered.")}, "unavailable"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_server_that_will_not_open_says_why(standin: Standin, failure: str) -> None:
    how, code = FAILURES[failure]
    for name, value in how.items():
        setattr(standin, name, value)
    with pytest.raises(ProviderError) as caught:
        async with talking(standin):
            pass
    assert caught.value.code == f"provider_{code}"
    assert "g-key" not in caught.value.message
    assert caught.value.__cause__ is None


async def test_nobody_at_the_address_is_unavailable(standin: Standin) -> None:
    standin.port = 1
    with pytest.raises(ProviderError) as caught:
        async with talking(standin):
            pass
    assert caught.value.code == "provider_unavailable"


@pytest.mark.parametrize("fault", ["garbage", "list"])
async def test_what_cannot_be_understood_is_an_error(standin: Standin, fault: str) -> None:
    standin.plans = [Plan(fault=fault)]
    async with talking(standin) as talk:
        await talk.connection.send_text("One.")
        lost = await talk.lost()
    assert lost.code == "provider_protocol_error"


ODD = {
    "no JSON": "this is no JSON",
    "nothing": "",
    "a list": "[1]",
    "a number": "7",
    "null": "null",
    "empty": "{}",
    "a kind of its own": '{"hologram": {"depth": 3}}',
    "an unknown field": '{"serverContent": {"hologram": 3}}',
    "content in words": '{"serverContent": "none"}',
    "content as a list": '{"serverContent": []}',
    "null content": '{"serverContent": null}',
    "parts in words": '{"serverContent": {"modelTurn": {"parts": "none"}}}',
    "null parts": '{"serverContent": {"modelTurn": {"parts": null}}}',
    "null part": '{"serverContent": {"modelTurn": {"parts": [null]}}}',
    "a number for a part": '{"serverContent": {"modelTurn": {"parts": [3]}}}',
    "audio that is no base64": '{"serverContent": {"modelTurn": {"parts": [{"inlineData": '
    '{"mimeType": "audio/pcm", "data": "!"}}]}}}',
    "audio in numbers": '{"serverContent": {"modelTurn": {"parts": [{"inlineData": '
    '{"mimeType": 3, "data": 4}}]}}}',
    "audio that is empty": '{"serverContent": {"modelTurn": {"parts": [{"inlineData": '
    '{"mimeType": "audio/pcm", "data": ""}}]}}}',
    "a thought": '{"serverContent": {"modelTurn": {"parts": [{"text": "hm", "thought": true}]}}}',
    "text in a part": '{"serverContent": {"modelTurn": {"parts": [{"text": "hm"}]}}}',
    "code": '{"serverContent": {"modelTurn": {"parts": [{"executableCode": {"language": 9}}]}}}',
    "a transcript in numbers": '{"serverContent": {"outputTranscription": {"text": 7}}}',
    "a null transcript": '{"serverContent": {"outputTranscription": null}}',
    "a transcript without text": '{"serverContent": {"outputTranscription": {}}}',
    "an input transcript as a list": '{"serverContent": {"inputTranscription": []}}',
    "grounding": '{"serverContent": {"groundingMetadata": {"groundingChunks": 3}}}',
    "a flag in words": '{"serverContent": {"generationComplete": "perhaps"}}',
    "a flag as a list": '{"serverContent": {"turnComplete": []}}',
    "usage in words": '{"usageMetadata": {"promptTokenCount": "many"}}',
    "usage as a list": '{"usageMetadata": [1]}',
    "null usage": '{"usageMetadata": null}',
    "an unknown modality": '{"usageMetadata": {"promptTokensDetails": [{"modality": "SMELL"}]}}',
    "no calls": '{"toolCall": {"functionCalls": []}}',
    "null calls": '{"toolCall": {"functionCalls": null}}',
    "calls in words": '{"toolCall": {"functionCalls": "all"}}',
    "calls cancelled in words": '{"toolCallCancellation": {"ids": 3}}',
    "a resumption of nothing": '{"sessionResumptionUpdate": {}}',
    "a resumption in numbers": '{"sessionResumptionUpdate": {"newHandle": 3}}',
    "set up again": '{"setupComplete": {}}',
    "voice activity": '{"voiceActivity": {"voiceActivityType": "WHISPER"}}',
}


# The SDK warns of words that it does not know.
@pytest.mark.filterwarnings("ignore:.*is not a valid:UserWarning")
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_odd_message_costs_nothing_but_itself(standin: Standin, odd: str) -> None:
    standin.plans = [Plan(odd=odd)]
    async with talking(standin) as talk:
        await talk.connection.send_text("One.")
        done = await talk.first(ResponseDone)
        assert (done.error, done.cut_off) == (None, False)
        text = "".join(event.text for event in talk.of(OutputTranscript))
        assert text == Plan().text
        assert sum(len(event.pcm) for event in talk.of(OutputAudio)) > 0


@pytest.mark.parametrize("left", ["soon", "", "NaNs", "-3s", "1e400s", "1m"])
def test_a_duration_that_is_none_is_no_time(left: str) -> None:
    assert seconds_of(left) <= 0
