"""The course of the turn that is alive: how it begins, is committed, answered, and ends.

``Conversation`` decides when; what follows from it is here. Everything is noted in ``_effects``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from uuid import UUID, uuid4

from interaction.core import reply_events
from interaction.core.commands import CreateResponse, PlaybackReport
from interaction.core.config import ConversationConfig
from interaction.core.context_window import ContextWindow
from interaction.core.endpointing import SpeechGate
from interaction.core.events import EngineEvent, FinalTranscript
from interaction.core.late_facts import LateFacts
from interaction.core.news import (
    Failure,
    PlayAudio,
    ReplyInterrupted,
    SessionFinished,
    SpeechEnded,
    TranscriptUpdated,
)
from interaction.core.orders import (
    CancelReply,
    CloseTurn,
    DropTurn,
    Effect,
    EndTurn,
    Respond,
    TranscribeTurn,
)
from interaction.core.out_of_band import OutOfBandReplies
from interaction.core.reply import Reply
from interaction.core.turn import Turn
from interaction.core.types import EndReason, Message, ResponseOptions, Status

LAST_SEQUENCE = 2**32 - 1
"""The sequence of the closing mark of a reply that broke off, past every real one."""


class Course:
    def __init__(
        self,
        config: ConversationConfig,
        *,
        context: Callable[[], tuple[Message, ...]] | None = None,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        """``context``: all that a reply is to be given but the words of the turn it answers, for
        clients who keep the conversation themselves; without it, what was said here."""
        self.config = config
        self._own_context = context
        self._new_id = new_id
        self._gate = SpeechGate(config.turn_detection)
        self._turn: Turn | None = None
        self._past = ContextWindow(config)
        self._facts = LateFacts(self._past)
        self._asides = OutOfBandReplies()
        self._status: Status = "listening"
        self._wake: float | None = None
        self._effects: list[Effect] = []

    @property
    def next_sequence(self) -> int:
        """The number of the turn that will be the next to begin."""
        return self._past.count + (1 if self._turn is None else 2)

    def _begin(self, kind: Literal["speech", "text"], now: float) -> Turn:
        turn = Turn(self._new_id(), self._past.count + 1, kind, opened_at=now, progress_at=now)
        self._turn = turn
        return turn

    def _commit(self, turn: Turn, now: float, respond: bool | None = None) -> None:
        turn.committed, turn.progress_at = True, now
        turn.latency["end_of_turn_delay"] = turn.since_speech(now)
        self._gate.skip_speech()
        self._effects += self._asides.interrupt(now)
        self._effects.append(SpeechEnded(turn.id, at_ms=self._gate.last_speech_ms))
        if not (self.config.respond_when == "always" if respond is None else respond):
            if turn.reply:
                self._discard_eager_reply(turn)
            self._effects.append(TranscribeTurn(turn.id))
            return
        flushed = turn.reply is not None
        reply = turn.reply = turn.reply or Reply(self._new_id())
        order = (turn.id, reply.id, self._context(), flushed, self.config.options)
        self._effects.append(EndTurn(*order))
        held, turn.held = turn.held, []
        for event, at in held:
            if self._turn is not turn:
                return
            if isinstance(event, FinalTranscript):
                self._transcribed(event, at)
            else:
                self._reply_event(turn, reply, event, at)

    def _discard_eager_reply(self, turn: Turn) -> None:
        assert turn.reply is not None
        self._effects.append(CancelReply(turn.id, turn.reply.id))
        turn.reply = None
        turn.held.clear()

    def _drop(self, turn: Turn) -> None:
        """Forget a turn that came to nothing."""
        if turn.reply and not turn.committed:
            self._discard_eager_reply(turn)
        if not turn.committed:
            self._effects.append(SpeechEnded(turn.id, kept=False))
        self._turn = None
        self._gate.skip_speech()
        self._effects.append(DropTurn(turn.id))

    def _respond(
        self, turn: Turn, reply: Reply, options: ResponseOptions, context: tuple[Message, ...]
    ) -> Respond:
        spoken = turn.kind == "speech"
        return Respond(turn.id, turn.sequence, reply.id, context, options, spoken)

    def _context(self) -> tuple[Message, ...]:
        own = self._own_context
        context = own() if own else self._past.context(self._turn)
        if self._turn:
            self._turn.context = context
        return context

    def _answer_turn(self, turn: Turn, asked: CreateResponse, heard: str = "") -> None:
        """``heard``: the turn's words, where whoever keeps the context has not been told yet."""
        reply = turn.reply = Reply(asked.reply_id)
        context = asked.context
        late = bool(heard) and asked.append_transcript
        if context is None:
            context = self._context()
            late = late and self._own_context is not None
        if late:
            context = (*context, Message("user", heard))
        order = self._respond(turn, reply, asked.options or self.config.options, context)
        self._effects += [*reply_events.begin(turn, reply), order]

    def _answer_context(self, asked: CreateResponse, now: float) -> None:
        context = self._context() if asked.context is None else asked.context
        turn = self._begin("text", now)
        turn.committed, turn.speech_ended_at = True, now
        said = context[-1] if context else None
        turn.transcript = said.content if said and said.role == "user" else ""
        reply = turn.reply = Reply(asked.reply_id)
        options = asked.options or self.config.options
        self._effects += [
            *reply_events.begin(turn, reply),
            self._respond(turn, reply, options, context),
        ]

    def _transcribed(self, event: FinalTranscript, now: float) -> None:
        turn = self._turn
        if turn is None or turn.id != event.turn_id or not turn.committed:
            self._effects += self._facts.late_transcript(event)
            return
        if event.reply_id and (turn.reply is None or turn.reply.id != event.reply_id):
            return  # of a reply that was discarded
        if turn.transcript is not None:
            return
        turn.progress_at, turn.transcript = now, event.text
        turn.latency["transcription_delay"] = turn.since_speech(now)
        self._effects.append(TranscriptUpdated(turn.id, event.text, final=True))
        if turn.reply:
            self._effects += reply_events.begin(turn, turn.reply)
        elif turn.asked:
            self._answer_turn(turn, turn.asked, event.text)
        elif self.config.respond_when == "never":
            self._close(turn, "heard")

    def _reply_event(self, turn: Turn, reply: Reply, event: EngineEvent, now: float) -> None:
        self._effects += reply_events.take(turn, reply, event, now)
        if reply.silent:
            self._close_played(turn, 0)

    def _audio_left(self, reply_id: UUID, last: bool, now: float) -> None:
        turn = self._turn
        if turn is None or turn.reply is None or turn.reply.id != reply_id:
            return
        self._effects += reply_events.left(turn, turn.reply, now, last=last)
        if last:
            self._close_if_played(turn)

    def _playback(self, report: PlaybackReport, now: float) -> None:
        live = self._turn
        is_live = live is not None and live.reply is not None and live.reply.id == report.reply_id
        turn = live if is_live else self._past.by_reply(report.reply_id)
        if turn is None or turn.reply is None:
            return
        reply = turn.reply
        reply.reported_ms, reply.reported_at, reply.ended = report.played_ms, now, report.ended
        turn.progress_at = now
        turn.underruns = max(turn.underruns, report.underruns)
        for metric, ms in (("ear", report.ear_ms), ("yield", report.yield_ms)):
            if ms is not None:
                turn.latency[metric] = ms
        if turn is live:
            self._close_if_played(turn)
        elif turn.end_reason is not None:
            turn.heard_ms = round(min(report.played_ms, reply.audio_ms))
            self._effects.append(CloseTurn(turn.record()))

    def _close_if_played(self, turn: Turn) -> None:
        reply = turn.reply
        if reply is None or not reply.all_left or reply.reported_ms is None:
            return
        if reply.ended or reply.reported_ms >= reply.audio_ms - 1:
            self._close_played(turn, round(min(reply.reported_ms, reply.audio_ms)))

    def _close_played(self, turn: Turn, heard_ms: int) -> None:
        turn.heard_ms = heard_ms
        self._close(turn, "failed" if turn.error else "played")

    def _cut_off(
        self, turn: Turn, reason: EndReason, now: float, heard_ms: int | None = None
    ) -> None:
        """End a committed turn whose reply is not to be heard any further."""
        reply = turn.reply
        if reply is None:
            if turn.asked:
                self._effects.append(ReplyInterrupted(turn.id, turn.asked.reply_id, 0, ""))
            self._close(turn, "heard")
            return
        heard = reply.heard_ms(now) if heard_ms is None else min(heard_ms, round(reply.audio_ms))
        turn.heard_ms = heard
        turn.interrupted = turn.audible and reason == "interrupted"
        if reason == "interrupted" and not turn.audible:
            reason = "superseded"
        if reply.begun:
            text, latency = reply.heard_text(heard), dict(turn.latency)
            self._effects.append(ReplyInterrupted(turn.id, reply.id, heard, text, latency))
        self._effects.append(CancelReply(turn.id, reply.id, heard))
        self._close(turn, reason)

    def _close(self, turn: Turn, reason: EndReason) -> None:
        turn.end_reason = reason
        self._turn = None
        self._past.add(turn)
        self._effects.append(CloseTurn(turn.record()))
        if turn.ends_session and reason == "played":
            self._effects.append(SessionFinished("ended_by_agent"))

    def _fail(self, turn: Turn, failed: Failure, now: float) -> None:
        """Give this turn up; what was already said of the reply may still be played."""
        reply = turn.reply
        if failed.code == "no_speech":
            self._drop(turn)
            self._effects.append(failed)
            if turn.asked:
                self._answer_context(turn.asked, now)
            return
        if reply and reply.complete:
            return  # everything came before the failure: nothing is missing
        if not turn.committed:
            turn.committed = True
            self._gate.skip_speech()
            self._effects.append(SpeechEnded(turn.id))
        if turn.asked:
            failed = replace(failed, reply_id=turn.reply_id)
        turn.error = failed
        reply = turn.reply = reply or Reply(turn.reply_id or self._new_id())
        self._effects += [failed, CancelReply(turn.id, reply.id, reply.heard_ms(now))]
        if reply.audio_ms == 0:
            self._close(turn, "failed")
            return
        reply.complete = True
        number = max(reply.sentences, default=0)
        self._effects.append(PlayAudio(turn.id, reply.id, LAST_SEQUENCE, number, b"", last=True))
