"""Replies beside the conversation: none interrupts or is kept, and only those are interrupted that
were asked for while somebody spoke."""

from __future__ import annotations

from uuid import UUID

from interaction.core import reply_events
from interaction.core.events import EngineEvent
from interaction.core.news import Failure, ReplyInterrupted
from interaction.core.orders import CancelReply, Effect, Respond
from interaction.core.reply import Reply
from interaction.core.timeouts import NO_PROGRESS_S
from interaction.core.turn import Turn
from interaction.core.types import Message, ResponseOptions


class OutOfBandReplies:
    def __init__(self) -> None:
        self._turns: dict[UUID, Turn] = {}
        """By reply; a turn here is nothing but the frame of its reply."""
        self._hasty: set[UUID] = set()
        """Replies to the conversation itself, that did not wait until the person had finished."""

    def begin(
        self,
        turn_id: UUID,
        reply_id: UUID,
        context: tuple[Message, ...],
        options: ResponseOptions,
        now: float,
        *,
        hasty: bool,
    ) -> list[Effect]:
        if hasty:
            self._hasty.add(reply_id)
        turn = Turn(turn_id, 0, "text", opened_at=now, progress_at=now, speech_ended_at=now)
        turn.committed, turn.transcript, turn.reply = True, "", Reply(reply_id)
        self._turns[reply_id] = turn
        return [
            *reply_events.begin(turn, turn.reply),
            Respond(turn_id, 0, reply_id, context, options, out_of_band=True),
        ]

    def __contains__(self, reply_id: object) -> bool:
        return reply_id in self._turns

    def take(self, reply_id: UUID, event: EngineEvent, now: float) -> list[Effect]:
        turn, reply = self._of(reply_id)
        told = reply_events.take(turn, reply, event, now)
        if reply.silent:
            del self._turns[reply_id]
        return told

    def left(self, reply_id: UUID, now: float, *, last: bool) -> list[Effect]:
        turn, reply = self._of(reply_id)
        if last:
            del self._turns[reply_id]
        return reply_events.left(turn, reply, now, last=last)

    def stop(self, reply_id: UUID, now: float) -> list[Effect]:
        turn, reply = self._of(reply_id)
        del self._turns[reply_id]
        heard = reply.heard_ms(now)
        return [
            ReplyInterrupted(turn.id, reply_id, heard, reply.heard_text(heard)),
            CancelReply(turn.id, reply_id, heard),
        ]

    def interrupt(self, now: float) -> list[Effect]:
        """The person has finished, and this is what is to be answered now."""
        hasty, self._hasty = self._hasty, set()
        found = [self.stop(reply_id, now) for reply_id in hasty if reply_id in self._turns]
        return [effect for effects in found for effect in effects]

    def fail(self, reply_id: UUID, failed: Failure) -> list[Effect]:
        turn, reply = self._of(reply_id)
        if reply.complete:
            return []  # everything came before the failure
        del self._turns[reply_id]
        return [failed, CancelReply(turn.id, reply_id)]

    def overdue(self, now: float) -> list[UUID]:
        """Replies of which nothing has come for too long."""
        return [
            reply_id
            for reply_id, turn in self._turns.items()
            if turn.reply and not turn.reply.complete and now >= turn.progress_at + NO_PROGRESS_S
        ]

    def next_look(self) -> float | None:
        waiting = (t.progress_at for t in self._turns.values() if t.reply and not t.reply.complete)
        return min((at + NO_PROGRESS_S for at in waiting), default=None)

    def end(self) -> list[Effect]:
        """The client is gone."""
        turns, self._turns = self._turns, {}
        return [CancelReply(turn.id, reply_id) for reply_id, turn in turns.items()]

    def _of(self, reply_id: UUID) -> tuple[Turn, Reply]:
        turn = self._turns[reply_id]
        assert turn.reply is not None
        return turn, turn.reply
