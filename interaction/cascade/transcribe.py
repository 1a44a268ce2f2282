"""The STT stage: works while the person is still speaking."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus.audio_streams import Kind, StreamSilent, follow_entries, turn_key
from interaction.bus.stage_messages import dump_context, load, load_context
from interaction.cascade.provider_fallback import Attempt, FallbackChain
from interaction.cascade.stage import StageGaveUp, StageRun
from interaction.cascade.synthesis_pacing import unless_set
from interaction.core.events import FinalTranscript, PartialTranscript
from interaction.core.redaction import Redactor
from interaction.core.types import Message, ResponseOptions
from interaction.providers.stage_protocols import FLUSH, Flush, SpeechToText, Transcript

DEADLINE = 1200.0
"""For the whole utterance: a quarter of an hour may be uploaded, at the pace of speech."""
FINAL_WITHIN = 20.0
"""From a mark, or the last sign that it is worked on, to its final transcript."""
TOLD_EVERY = 10.0
"""Seconds after which a partial transcript is told again: a recording whose minutes of silence are
at work has not come to a standstill."""
SILENCE = 10.0
"""A stream without a new entry for this long counts as closed: its web process is gone."""


async def transcribe(run: StageRun) -> None:
    """Every recogniser that is tried hears the turn's stream from its start."""
    await FallbackChain(run, "stt").through(
        lambda stt, attempt: _Hearing(run, attempt).through(stt)
    )


class _Hearing:
    """One utterance on its way through a recogniser. Marks are answered in their order."""

    def __init__(self, run: StageRun, attempt: Attempt) -> None:
        self._run = run
        self._attempt = attempt
        self._redactor = Redactor() if run.ticket.spec.redact else None
        self._marks: deque[dict[str, Any]] = deque()
        self._text = ""
        self._told = ""
        self._told_at = 0.0
        self._ended = False
        self._held: dict[str, Any] | None = None
        """A flush that is not replied to before the turn is over."""
        self._silent: StreamSilent | None = None
        self._enough = asyncio.Event()
        """Set when the last transcript that anybody asked for is there."""
        self._limit = asyncio.timeout(None)
        self._now = asyncio.get_running_loop().time

    async def through(self, stt: SpeechToText) -> None:
        async with self._limit:
            await unless_set(self._enough, self._listen(stt))
        if self._silent:
            raise self._silent
        if not self._text:
            message = _("No speech was understood. Please say it again.")
            raise StageGaveUp("no_speech", message)

    async def _listen(self, stt: SpeechToText) -> None:
        async with contextlib.aclosing(stt.transcribe(self._audio())) as transcripts:  # type: ignore[type-var]
            async for transcript in transcripts:
                await self._take(transcript)

    async def _audio(self) -> AsyncIterator[bytes | Flush]:
        """The turn's audio as a recogniser wants it; it ends where the turn did."""
        run = self._run
        try:
            async for entry in follow_entries(run.redis, turn_key(run.ticket.turn_id), SILENCE):
                if entry.kind is Kind.AUDIO:
                    yield entry.body
                    continue
                mark = entry.mark()
                self._ended = entry.kind is Kind.END
                if self._ended and mark["flushed"]:
                    if self._held:
                        await self._answer(self._held)
                    self._settle()
                    await self._enough.wait()
                self._marks.append(mark)
                self._expect_final()
                if self._ended:
                    return
                yield FLUSH
        except StreamSilent as silent:
            self._silent = silent
            self._expect_final()

    async def _take(self, transcript: Transcript) -> None:
        if transcript.text:
            await self._attempt.output()
        if self._marks:
            self._expect_final()
        if transcript.final and (self._marks or self._silent):
            await self._take_final(transcript.text.strip())
        else:
            await self._take_partial(transcript.text)

    async def _take_final(self, text: str) -> None:
        self._text = self._redactor.final(text) if self._redactor else text
        if not self._marks:
            self._run.note(transcript=self._text)
        elif not self._ended and self._redactor and self._redactor.may_grow(text):
            # A long number may be on its way: nobody sees its beginning before the turn is over.
            self._held = self._marks.popleft()
        else:
            await self._answer(self._marks.popleft())
        self._settle()

    async def _take_partial(self, text: str) -> None:
        if self._redactor:
            text = self._redactor.partial(text)
        # After the turn's end nobody waits for partials, and telling one takes its time.
        news = text != self._told and not self._ended
        if news or self._now() - self._told_at > TOLD_EVERY:
            self._told, self._told_at = text, self._now()
            await self._run.tell(PartialTranscript(self._run.ticket.turn_id, text))

    async def _answer(self, mark: dict[str, Any]) -> None:
        """Say what was understood up to a mark, and have it replied to."""
        run, text = self._run, self._text
        if not text:
            return
        if mark["reply"] is None:
            await run.tell(FinalTranscript(run.ticket.turn_id, text))
            run.note(transcript=text)
            return
        reply = UUID(mark["reply"])
        await run.tell(FinalTranscript(run.ticket.turn_id, text, reply))
        context = (*load_context(mark["context"]), Message("user", text))
        options = load(ResponseOptions, mark["options"])
        ticket = run.ticket.onward("llm", reply, committed=self._ended, options=options)
        await run.hand_over(ticket, context=dump_context(context))
        run.note(transcript=text)

    def _expect_final(self) -> None:
        within = FINAL_WITHIN if self._attempt.begun else self._attempt.first
        self._limit.reschedule(self._now() + within)
        self._attempt.expect()

    def _settle(self) -> None:
        """Look whether everything that was asked for is answered."""
        if self._marks:
            return
        if self._ended or self._silent:
            self._enough.set()
        else:
            self._limit.reschedule(None)
            self._attempt.relax()
