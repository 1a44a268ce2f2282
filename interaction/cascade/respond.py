"""The LLM stage: streams the reply and has each sentence spoken as soon as it is written."""

from __future__ import annotations

import asyncio
import contextlib
import time

from django.utils.translation import gettext as _

from interaction.cascade.pace import Timeline, unless
from interaction.cascade.providers import provider
from interaction.cascade.sentences import SentenceSplitter
from interaction.cascade.speakable import speakable
from interaction.cascade.stage import GivenUp, StageRun
from interaction.core.signals import Message, ReplySentence, ReplyText
from interaction.providers.base import LanguageModel

DEADLINE = 900.0
"""For the whole run, which lasts until the last sentence's turn to be synthesised has come."""
FIRST_TOKEN_WITHIN = 20.0
TOKEN_WITHIN = 15.0
AHEAD = 2
"""Sentences that may be synthesised beyond the one that plays."""


async def respond(run: StageRun, context: tuple[Message, ...]) -> None:
    choice = run.ticket.spec.llm
    run.provider = choice.name
    reply = _Reply(run)
    try:
        async with (
            provider("llm", choice, run.ticket.spec.owner_id) as llm,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(reply.speak())
            await reply.write(llm, context)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


class _Reply:
    def __init__(self, run: StageRun) -> None:
        assert run.ticket.reply_id is not None
        self._run = run
        self._id = run.ticket.reply_id
        self._began_at = time.monotonic()
        self._sentences = 0
        self._spoken: asyncio.Queue[str | None] = asyncio.Queue()

    async def write(self, llm: LanguageModel, context: tuple[Message, ...]) -> None:
        text, splitter = "", SentenceSplitter()
        loop = asyncio.get_running_loop()
        async with (
            asyncio.timeout(FIRST_TOKEN_WITHIN) as limit,
            contextlib.aclosing(llm.complete(context)) as tokens,  # type: ignore[type-var]
        ):
            async for token in tokens:
                limit.reschedule(loop.time() + TOKEN_WITHIN)
                if not text:
                    await self._run.measure("llm_ttft", self._began_at)
                text += token
                for piece in splitter.feed(token):
                    await self._add(piece)
        for piece in splitter.finish():
            await self._add(piece)
        self._spoken.put_nowait(None)
        if not text.strip():
            message = _("The language model gave no answer.")
            raise GivenUp("empty_reply", message)
        await self._run.tell(ReplyText(self._id, text, self._sentences))
        facts = {f"text:{self._id}": text, f"sentences:{self._id}": self._sentences}
        self._run.note(**facts)

    async def speak(self) -> None:
        """Have the sentences synthesised, never more than ``AHEAD`` beyond the one that plays."""
        timeline = Timeline(self._run.redis, self._id)
        number = 0
        while (text := await self._spoken.get()) is not None:
            if (played := number - AHEAD - 1) >= 0:
                await unless(self._run.abandoned, timeline.ended(played))
            ticket = self._run.ticket.onward("tts", self._id, number)
            await self._run.hand_over(ticket, text=text)
            number += 1

    async def _add(self, piece: str) -> None:
        """A sentence is written. What cannot be spoken is text only."""
        spoken = speakable(piece)
        if not spoken:
            return
        number, self._sentences = self._sentences, self._sentences + 1
        await self._run.tell(ReplySentence(self._id, number, piece.strip()))
        self._spoken.put_nowait(spoken)
        if number == 0:
            await self._run.measure("llm_ttfs", self._began_at)
        self._run.note(**{f"sentence:{self._id}:{number}": piece.strip()})
