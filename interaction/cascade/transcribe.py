"""The STT stage: works while the person is still speaking."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.bus import redis_keys
from interaction.bus.audio_streams import Kind, StreamSilent, follow_entries
from interaction.bus.stage_messages import dump_context, load, load_context
from interaction.cascade.provider_fallback import Attempt, FallbackChain
from interaction.cascade.stage import StageGaveUp, StageRun
from interaction.cascade.synthesis_pacing import run_unless_set
from interaction.core.events import FinalTranscript, PartialTranscript
from interaction.core.redaction import Redactor
from interaction.core.spoken_words import spoken_words
from interaction.core.types import Message, ResponseOptions
from interaction.credentials.language_support import language_name
from interaction.credentials.provider_selection import provider_label, serves_language
from interaction.providers.stage_protocols import FLUSH, Flush, SpeechToText, Transcript
from interaction.turn_records.note_fields import Note

DEADLINE = 1200.0
"""Seconds for the whole utterance: a quarter of an hour may be uploaded, at the pace of speech."""
FINAL_WITHIN = 20.0
"""Seconds from a mark, or the last transcript of any kind, to the mark's final transcript."""
REPEAT_PARTIAL_EVERY = 10.0
"""Seconds after which a partial transcript is reported again, so that a recording with minutes of
silence is not taken for one whose transcription has come to a standstill."""
SILENCE = 10.0
"""Seconds without a new entry after which a stream counts as closed: its web process is gone."""


async def transcribe(run: StageRun) -> None:
    """Every provider that is tried gets the turn's stream from its start."""
    choices = run.request.spec.stt
    if not any(serves_language("stt", one.name, one.language) for one in choices):
        # What it would write down is nonsense.
        message = _("%(provider)s does not understand %(language)s. Choose another recogniser.") % {
            "provider": provider_label("stt", choices[0].name),
            "language": language_name(choices[0].language),
        }
        raise StageGaveUp("language_not_heard", message, retryable=False)
    await FallbackChain(run, "stt").run(lambda stt, attempt: _Transcription(run, attempt).run(stt))


class _Transcription:
    """One turn's transcription by one provider. Marks are answered in their order."""

    def __init__(self, run: StageRun, attempt: Attempt) -> None:
        self._run = run
        self._attempt = attempt
        self._redactor = Redactor() if run.request.spec.redact else None
        self._marks: deque[dict[str, Any]] = deque()
        """Flushes, and the end, that have no final transcript yet."""
        self._text = ""
        """The last final transcript."""
        self._reported = ""
        """The last partial transcript that was reported."""
        self._reported_at = 0.0
        self._ended = False
        """The turn is over."""
        self._held: dict[str, Any] | None = None
        """A flush that is not replied to before the turn is over."""
        self._silent: StreamSilent | None = None
        """No more audio came, and no end."""
        self._done = asyncio.Event()
        """Set when the last transcript that was asked for is there."""
        self._limit = asyncio.timeout(None)
        self._now = asyncio.get_running_loop().time

    async def run(self, stt: SpeechToText) -> None:
        async with self._limit:
            await run_unless_set(self._done, self._read_transcripts(stt))
        if self._silent:
            raise self._silent
        if not self._text:
            message = _("No speech was understood. Please say it again.")
            raise StageGaveUp("no_speech", message)

    async def _read_transcripts(self, stt: SpeechToText) -> None:
        async with contextlib.aclosing(stt.transcribe(self._audio())) as transcripts:  # type: ignore[type-var]
            async for transcript in transcripts:
                await self._on_transcript(transcript)

    async def _audio(self) -> AsyncIterator[bytes | Flush]:
        """The turn's audio as a provider wants it; it ends where the turn did."""
        run = self._run
        key = redis_keys.turn_audio(run.request.turn_id)
        try:
            async for entry in follow_entries(run.redis, key, SILENCE):
                if entry.kind is Kind.AUDIO:
                    yield entry.body
                    continue
                mark = entry.mark()
                self._ended = entry.kind is Kind.END
                if self._ended and mark["flushed"]:
                    if self._held:
                        await self._answer_mark(self._held)
                    self._check_done()
                    await self._done.wait()
                self._marks.append(mark)
                self._attempt.call.ask()
                self._expect_final()
                if self._ended:
                    return
                yield FLUSH
        except StreamSilent as silent:
            self._silent = silent
            self._expect_final()

    async def _on_transcript(self, transcript: Transcript) -> None:
        words = spoken_words(transcript.text)
        if words:
            await self._attempt.output_started()
        if self._marks:
            self._expect_final()
        if transcript.final and (self._marks or self._silent):
            self._attempt.call.on_result()
            await self._on_final(words)
        else:
            await self._on_partial(words)

    async def _on_final(self, text: str) -> None:
        self._text = self._redactor.final(text) if self._redactor else text
        if not self._marks:
            self._run.note(Note.transcript(self._text))
        elif not self._ended and self._redactor and self._redactor.may_grow(text):
            # A long number may be on its way: its beginning is not shown before the turn is over.
            self._held = self._marks.popleft()
        else:
            await self._answer_mark(self._marks.popleft())
        self._check_done()

    async def _on_partial(self, text: str) -> None:
        if self._redactor:
            text = self._redactor.partial(text)
        # After the turn's end nothing waits for partials, and reporting one takes time.
        is_new = text != self._reported and not self._ended
        if is_new or self._now() - self._reported_at > REPEAT_PARTIAL_EVERY:
            self._reported, self._reported_at = text, self._now()
            await self._run.emit(PartialTranscript(self._run.request.turn_id, text))

    async def _answer_mark(self, mark: dict[str, Any]) -> None:
        """Report what was understood up to a mark, and request the reply to it."""
        run, text = self._run, self._text
        if not text:
            return
        if mark["reply"] is None:
            await run.emit(FinalTranscript(run.request.turn_id, text))
            run.note(Note.transcript(text))
            return
        reply = UUID(mark["reply"])
        await run.emit(FinalTranscript(run.request.turn_id, text, reply))
        context = tuple(load_context(mark["context"]))
        if mark["goes_on"] and context and context[-1].role == "user":
            context = (*context[:-1], context[-1].followed_by(text))
        else:
            context = (*context, Message("user", text))
        options = load(ResponseOptions, mark["options"])
        request = run.request.next_stage("llm", reply, committed=self._ended, options=options)
        await run.enqueue_stage(request, context=dump_context(context))
        run.note(Note.transcript(text))

    def _expect_final(self) -> None:
        attempt = self._attempt
        within = FINAL_WITHIN if attempt.has_output else attempt.first_output_within
        self._limit.reschedule(self._now() + within)
        attempt.expect_output()

    def _check_done(self) -> None:
        """Is everything answered that was asked for?"""
        if self._marks:
            return
        if self._ended or self._silent:
            self._done.set()
        else:
            self._limit.reschedule(None)
            self._attempt.suspend_deadline()
