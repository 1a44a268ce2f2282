"""The LLM stage: streams the reply and has each sentence spoken as soon as it is written."""

from __future__ import annotations

import asyncio
import contextlib
import time

from django.utils.translation import gettext as _

from interaction.cascade.chain import Attempt, Chain
from interaction.cascade.pace import Timeline, unless
from interaction.cascade.sentences import SentenceSplitter
from interaction.cascade.speakable import speakable
from interaction.cascade.stage import GivenUp, StageRun
from interaction.cascade.tooling import Tooling
from interaction.core.signals import Message, ReplySentence, ReplyText, ToolCall, ToolSpec, Used
from interaction.providers.base import LanguageModel, Usage

DEADLINE = 900.0
"""For the whole run, which lasts until the last sentence's turn to be synthesised has come."""
TOKEN_WITHIN = 10.0
AHEAD = 2
"""Sentences that may be synthesised beyond the one that plays."""
MOST_ROUNDS = 5
"""Times that a model may have tools run for one request."""


async def respond(run: StageRun, context: tuple[Message, ...]) -> None:
    reply = _Reply(run)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reply.speak())
            await reply.write(context)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


class _Reply:
    def __init__(self, run: StageRun) -> None:
        assert run.ticket.reply_id is not None
        self._run = run
        self._id = run.ticket.reply_id
        self._began_at = time.monotonic()
        self._text = ""
        self._splitter = SentenceSplitter()
        self._sentences = 0
        self._spoken: asyncio.Queue[str | None] = asyncio.Queue()

    async def write(self, context: tuple[Message, ...]) -> None:
        """Have the reply written, with as many rounds of tools as the model asks for."""
        messages, tooling = list(context), Tooling(self._run)
        chain, counts = Chain(self._run, "llm"), list[Usage]()
        for number in range(MOST_ROUNDS + 2):
            asked = _Round(self, messages, tooling.specs)
            await chain.through(asked.put)
            await self._finish_sentence()
            counts += asked.counts
            if not asked.calls:
                break
            messages.append(Message("assistant", asked.text, tuple(asked.calls)))
            messages += await tooling.answer(asked.calls, refuse=number >= MOST_ROUNDS)
        self._spoken.put_nowait(None)
        if not self._text.strip() and not tooling.session_over:
            message = _("The language model gave no answer.")
            raise GivenUp("empty_reply", message)
        await self._count(counts)
        await self._run.tell(ReplyText(self._id, self._text, self._sentences))
        facts = {f"text:{self._id}": self._text, f"sentences:{self._id}": self._sentences}
        self._run.note(**facts)

    async def take(self, token: str, *, opening: bool) -> None:
        """The next piece of text. ``opening``: the first one after tools were run."""
        if not self._text:
            await self._run.measure("llm_ttft", self._began_at)
        elif opening and not (self._text[-1].isspace() or token[0].isspace()):
            token = f" {token}"
        self._text += token
        for piece in self._splitter.feed(token):
            await self._add(piece)

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

    async def _finish_sentence(self) -> None:
        for piece in self._splitter.finish():
            await self._add(piece)

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

    async def _count(self, counts: list[Usage]) -> None:
        """Pass on what the provider counted: what went in at first, and all that came out."""
        if counts:
            turn, written = self._run.ticket.turn_id, sum(one.completion_tokens for one in counts)
            await self._run.tell(Used(turn, self._id, counts[0].prompt_tokens, written))


class _Round:
    """One request to a language model, and what it answered: text, tool calls, or both."""

    def __init__(self, reply: _Reply, messages: list[Message], tools: tuple[ToolSpec, ...]) -> None:
        self.text = ""
        self.calls: list[ToolCall] = []
        self.counts: list[Usage] = []
        """What the provider says that this cost, if it counts."""
        self._reply = reply
        self._messages = messages
        self._tools = tools

    async def put(self, llm: LanguageModel, attempt: Attempt) -> None:
        loop = asyncio.get_running_loop()
        attempt.expect()
        answer = llm.complete(self._messages, self._tools)
        async with (
            asyncio.timeout(attempt.first) as limit,
            contextlib.aclosing(answer) as pieces,  # type: ignore[type-var]
        ):
            async for piece in pieces:
                if isinstance(piece, Usage):
                    self.counts = [piece]
                else:
                    await attempt.output()
                    await self._take(piece)
                limit.reschedule(loop.time() + TOKEN_WITHIN)

    async def _take(self, piece: str | ToolCall) -> None:
        if isinstance(piece, ToolCall):
            self.calls.append(piece)
            return
        await self._reply.take(piece, opening=not self.text)
        self.text += piece
