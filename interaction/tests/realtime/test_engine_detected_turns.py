"""Turns and replies that the provider and the conversation do not count alike."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from interaction.core.engine import SessionSpec
from interaction.core.events import (
    EngineSpeechStarted,
    EngineSpeechStopped,
    FinalTranscript,
    PartialSentence,
    ReplyAudio,
    ReplyText,
)
from interaction.core.orders import CancelReply, DropTurn, EndTurn, OpenTurn, StreamAudio
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.cascade.caller import Caller
from interaction.tests.realtime.test_lost_connections import nth
from interaction.tests.realtime.tones import tone
from interaction.tests.standins.openai_realtime import Plan, Standin
from interaction.tests.turn_records.test_archive import archived

Session = Callable[..., SessionSpec]
SERVER = EngineTurnDetection("server")


async def is_listened_to(caller: Caller, standin: Standin) -> None:
    caller.engine.execute(StreamAudio(tone(0.5)))
    await standin.until("input_audio_buffer.append")


async def test_an_answer_that_nobody_wants_is_not_given_to_the_next_turn(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("Unasked."), Plan("Asked for.")]
    turn, reply = uuid4(), uuid4()
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await is_listened_to(caller, standin)
        for number in range(2):
            await standin.detects("speech_started")
            await nth(caller, EngineSpeechStarted, number)
            if number == 1:
                caller.engine.execute(OpenTurn(turn, 1))
            await standin.detects("speech_stopped")
            await standin.responds()
            await nth(caller, EngineSpeechStopped, number)
        caller.engine.execute(EndTurn(turn, reply, ()))
        await caller.reply_to_its_end(reply)
    assert [e.text for e in caller.events if isinstance(e, ReplyText)] == ["Asked for."]


async def test_a_turn_that_is_dropped_is_forgotten_by_the_provider_and_not_answered(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("To nobody."), Plan("To somebody.")]
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await is_listened_to(caller, standin)
        await standin.detects("speech_started")
        await nth(caller, EngineSpeechStarted, 0)
        turn = uuid4()
        caller.engine.execute(OpenTurn(turn, 1))
        caller.engine.execute(DropTurn(turn))
        await standin.until("input_audio_buffer.clear")
        await standin.detects("speech_stopped")
        await standin.responds()
        await caller.until(EngineSpeechStopped)
        _turn, reply = caller.type("Are you there?")
        await caller.reply_to_its_end(reply)
    assert [e.text for e in caller.events if isinstance(e, ReplyText)] == ["To somebody."]


async def test_speech_that_comes_in_one_burst_has_its_words(
    standin: Standin, archiving: None, session: Session
) -> None:
    turn, reply = uuid4(), uuid4()
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await is_listened_to(caller, standin)
        await standin.detects("speech_started")
        await standin.detects("speech_stopped")
        await standin.responds()
        await caller.until(EngineSpeechStopped)
        caller.engine.execute(OpenTurn(turn, 1))
        caller.engine.execute(EndTurn(turn, reply, ()))
        await caller.reply_to_its_end(reply)
        assert (await caller.until(FinalTranscript)).turn_id == turn


@pytest.mark.parametrize(("text", "words"), [("...", ""), ("[Music] Hello.", "Hello.")])
async def test_what_a_provider_writes_down_of_noise_are_no_words(
    standin: Standin, archiving: None, session: Session, text: str, words: str
) -> None:
    standin.words = text
    turn, reply = uuid4(), uuid4()
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await is_listened_to(caller, standin)
        await standin.detects("speech_started")
        await standin.detects("speech_stopped")
        await standin.responds()
        await caller.until(EngineSpeechStopped)
        caller.engine.execute(OpenTurn(turn, 1))
        caller.engine.execute(EndTurn(turn, reply, ()))
        await caller.reply_to_its_end(reply)
        assert (await caller.until(FinalTranscript)).text == words


async def test_a_line_that_breaks_while_somebody_speaks_fails_the_turn_that_it_found(
    standin: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await is_listened_to(caller, standin)
        await standin.detects("speech_started")
        await caller.until(EngineSpeechStarted)
        turn = uuid4()
        caller.engine.execute(OpenTurn(turn, 1))
        await standin.hang_up()
        assert (await caller.failure(turn)).stage == "realtime"


async def test_a_turn_that_was_refused_has_no_number(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("To nothing.", fault="empty"), Plan("To something.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(b"")
        caller.end(turn)
        await caller.failure(turn)
        second = caller.open_turn(tone(0.5))
        await caller.reply_to_its_end(caller.end(second))
        assert (await caller.until(FinalTranscript)).turn_id == second


async def test_a_reply_that_is_cut_off_in_its_first_sentence_is_in_the_history(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("Well then", fault="hold")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(1.0))
        reply = caller.end(turn)
        await caller.until(ReplyAudio)
        so_far = await caller.until(PartialSentence)
        assert "Well then".startswith(so_far.text)
        caller.engine.execute(CancelReply(turn, reply, heard_ms=100))
        caller.close(turn, reply, end_reason="interrupted", heard_ms=100)
    row = await archived(turn)
    assert row.reply == "Well then"
    assert row.agent_audio_ms


async def test_a_turn_that_the_person_ends_is_ended_for_the_provider_by_silence(
    standin: Standin, archiving: None, session: Session
) -> None:
    turn, reply = uuid4(), uuid4()
    async with Caller.calling(session(turns=SERVER), RealtimeEngine) as caller:
        await is_listened_to(caller, standin)
        await standin.detects("speech_started")
        await nth(caller, EngineSpeechStarted, 0)
        caller.engine.execute(OpenTurn(turn, 1))
        before = len(standin.connections[0].of("input_audio_buffer.append"))
        caller.engine.execute(EndTurn(turn, reply, ()))
        await standin.until("input_audio_buffer.append", before + 1)
        await standin.detects("speech_stopped")
        await standin.responds()
        assert await caller.reply_to_its_end(reply)
