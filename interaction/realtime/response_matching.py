"""Which turn and which reply an event of the provider's connection belongs to. Sans-IO.

A realtime API names neither: it answers in the order in which turns ended, and numbers transcripts
by spoken turn. A provider that detects turns answers each of them by itself, before the
conversation has asked for a reply, and perhaps without it ever asking: the events of such a
response are kept until the turn has ended here too, or another one has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from interaction.providers.realtime_protocol import InputTranscript, RealtimeEvent, ResponseDone
from interaction.realtime.reply import RealtimeReply

MOST_EARLY_EVENTS = 2_000
"""Events that are kept of a response that no reply was requested for; with more, it is dropped."""
MOST_UNREQUESTED = 2
"""Responses of that kind that are kept."""
MOST_UNWANTED = 32
"""Responses that are dropped and have not begun, for whose events there is still a place."""
MOST_NUMBERED = 32
"""Spoken turns whose transcript may still come; one of an earlier turn is dropped."""


@dataclass(eq=False)
class _Speech:
    """Somebody's speech, as the provider has found it or as a turn of the conversation."""

    turn: UUID | None = None
    """None while the conversation has opened no turn for it."""
    transcript: InputTranscript | None = None
    """Its transcript, where that came before the turn."""
    reply: RealtimeReply | None = None
    """The reply to it, where that was requested before the provider has found its end."""
    dropped: bool = False
    doubtful: bool = False
    """Its audio may have been refused, and then the provider has not numbered it."""


@dataclass(eq=False)
class _Response:
    """One answer of the provider, expected or coming."""

    speech: _Speech | None
    """What it answers; None for typed text."""
    reply: RealtimeReply | None = None
    """None while no reply was requested."""
    begun: bool = False
    """Some event of it has come."""
    waits: bool = False
    """It waits for the results of tools."""
    over: bool = False
    """No event of it comes any more."""
    unwanted: bool = False
    """Its events are dropped."""
    early: list[RealtimeEvent] = field(default_factory=list)
    """Its events from before the reply was requested."""


class ResponseMatcher:
    def __init__(self, *, conversation_detects_turns: bool) -> None:
        """``conversation_detects_turns``: rather than the provider."""
        self._conversation_detects_turns = conversation_detects_turns
        self._responses: list[_Response] = []
        """The responses that are not over, in the provider's order."""
        self._numbered: list[_Speech] = []
        """The last spoken turns of the connection, in the order in which they ended."""
        self._first_number = 0
        """The provider's number of the first of them."""
        self._detected: _Speech | None = None
        """The speech whose beginning, but not yet whose end, the provider has found."""
        self._unread: list[_Speech] = []
        """Detected, but the conversation has not read the event yet."""
        self._read: _Speech | None = None
        """The last speech that the conversation has read of."""
        self._open: _Speech | None = None
        """The conversation's turn that has not ended."""

    # The provider detects speech.

    def on_speech_started(self) -> None:
        self._detected = _Speech()
        self._unread.append(self._detected)

    def on_speech_started_read(self) -> None:
        """The conversation reads the next event of that kind: a turn that it opens now is for that
        speech."""
        self._read = self._unread.pop(0)

    def on_speech_stopped(self) -> None:
        speech, self._detected = self._detected or _Speech(), None
        self._add_numbered(speech)
        response = _Response(speech, speech.reply, unwanted=speech.dropped)
        speech.reply = None
        self._add_response(response)

    # The conversation opens and ends turns.

    def on_turn_opened(self, turn: UUID) -> InputTranscript | None:
        """Return the turn's transcript, where that has come already."""
        detected = None if self._conversation_detects_turns else self._read
        self._open = detected or _Speech()
        self._open.turn = turn
        transcript, self._open.transcript = self._open.transcript, None
        return transcript

    def on_turn_ended(self, turn: UUID, reply: RealtimeReply) -> list[RealtimeEvent] | None:
        """``reply`` is requested; return its events that have come already, or None where the
        provider has not found the turn's end."""
        speech = self._open if self._open and self._open.turn == turn else _Speech(turn)
        self._open = None
        if self._conversation_detects_turns:
            self._numbered = [one for one in self._numbered if not one.doubtful]
            self._add_numbered(speech)
            self._add_response(_Response(speech, reply))
            return []
        for response in self._responses:
            if response.speech is speech:
                break
        else:
            speech.reply = reply
            return None
        for before in self._responses[: self._responses.index(response)]:
            if before.reply is None:
                self._discard(before)
        response.reply = reply
        early, response.early = response.early, []
        self._remove_finished()
        return early

    def on_text_turn(self, reply: RealtimeReply) -> None:
        """``reply`` is requested to typed text."""
        self._add_response(_Response(None, reply))

    def on_turn_dropped(self, turn: UUID) -> None:
        """There was no speech in the turn: what answers it is dropped."""
        if self._open and self._open.turn == turn:
            self._open.dropped, self._open = True, None
        for response in self._responses:
            if response.speech and response.speech.turn == turn:
                self._discard(response)
        self._remove_finished()

    def on_reply_cancelled(self, reply: RealtimeReply) -> None:
        """Drop what still comes of the reply. While its tools run, nothing does."""
        for response in self._responses:
            if response.reply is reply:
                self._discard(response)
        self._remove_finished()

    def on_tool_results_sent(self, reply: RealtimeReply) -> None:
        """The reply goes on with another response, after those that are expected now."""
        for response in self._responses:
            if response.reply is reply:
                self._responses.remove(response)
                response.waits = False
                self._responses.append(response)
                return

    def on_connection_lost(self) -> UUID | None:
        """Forget what was expected of it. Returns the turn that is lost with it: the open one where
        the provider detects turns; one that the conversation detects is sent again."""
        self._responses.clear()
        self._numbered.clear()
        self._first_number = 0
        self._detected = None
        if self._conversation_detects_turns or self._open is None:
            return None
        turn, self._open = self._open.turn, None
        return turn

    # Matching.

    def match_reply(self, event: RealtimeEvent) -> RealtimeReply | None:
        """The reply that the event belongs to; None where the event is kept or dropped."""
        coming = [one for one in self._responses if not one.over]
        if not coming:
            return None
        response = next((one for one in coming if not one.waits), coming[0])
        if isinstance(event, ResponseDone):
            response.waits = bool(event.calls) and not (event.cut_off or event.error)
            response.over = response.unwanted or not response.waits
            refused = bool(event.error) and not (response.begun or event.usage)
            if response.speech and refused:
                response.speech.doubtful = self._conversation_detects_turns
        response.begun = True
        if response.reply is None and not response.unwanted:
            response.early.append(event)
            if len(response.early) > MOST_EARLY_EVENTS:
                self._discard(response)
        self._remove_finished()
        return None if response.unwanted else response.reply

    def match_transcript(self, transcript: InputTranscript) -> UUID | None:
        """The turn that the transcript belongs to; None where it is kept or dropped."""
        numbered, index = self._numbered, transcript.turn - self._first_number
        if index < 0:
            return None
        while index < len(numbered) - 1 and numbered[index].doubtful:
            del numbered[index]
        is_numbered = index < len(numbered)
        speech = numbered[index] if is_numbered else self._detected or self._open
        if speech is None:
            return None
        speech.doubtful = False
        if speech.turn is None:
            speech.transcript = transcript
        return speech.turn

    def _add_numbered(self, speech: _Speech) -> None:
        self._numbered.append(speech)
        if len(self._numbered) > MOST_NUMBERED:
            del self._numbered[0]
            self._first_number += 1

    def _add_response(self, response: _Response) -> None:
        """Expect one more. An unrequested one that has not begun by now never will."""
        unrequested = [one for one in self._responses if one.reply is None and not one.unwanted]
        for one in unrequested:
            if not one.begun:
                self._responses.remove(one)
        for one in unrequested[:-MOST_UNREQUESTED]:
            self._discard(one)
        not_begun = [one for one in self._responses if one.unwanted and not one.begun]
        for one in not_begun[:-MOST_UNWANTED]:
            self._responses.remove(one)
        self._responses.append(response)
        self._remove_finished()

    def _discard(self, response: _Response) -> None:
        response.unwanted = True
        response.over = response.over or response.waits
        response.early.clear()

    def _remove_finished(self) -> None:
        self._responses = [
            one
            for one in self._responses
            if not (one.over and (one.unwanted or one.reply is not None))
        ]
