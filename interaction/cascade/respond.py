"""The LLM stage: streams the reply and has each sentence spoken as soon as it is written."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from interaction.bus.stage_messages import StageRequest, dump
from interaction.cascade.commit_gate import wait_for_commit
from interaction.cascade.provider_fallback import Attempt, FallbackChain
from interaction.cascade.speakable import speakable
from interaction.cascade.stage import StageGaveUp, StageRun
from interaction.cascade.synthesis_pacing import Timeline, unless_set
from interaction.core.events import (
    ClientToolCalled,
    ReplySentence,
    ReplyText,
    ToolInvoked,
    UsageReported,
)
from interaction.core.sentence_splitter import SentenceSplitter
from interaction.core.types import Message, ResponseOptions, ToolCall, ToolSpec
from interaction.providers.endpoints import ENDPOINT_PREFIX
from interaction.providers.registry import entry
from interaction.providers.stage_protocols import (
    LanguageModel,
    LanguageModelOutput,
    LengthLimitReached,
    Usage,
)
from interaction.tools.base import Tool, ToolContext
from interaction.tools.registry import load_tools, tool_spec
from interaction.tools.tool_calls import ToolCalls

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
        messages, options = list(context), self._run.ticket.options
        tools = self._tools(options)
        tool_calls = self._tool_calls(tools)
        specs = (*map(tool_spec, tools.values()), *options.tools)
        chain, counts = FallbackChain(self._run, "llm"), list[Usage]()
        theirs: list[ToolCall] = []
        for number in range(MOST_ROUNDS + 2):
            asked = _Round(self, messages, specs, _wishes(options, number))
            await chain.through(asked.put)
            await self._finish_sentence()
            counts += asked.counts
            ours, theirs = _by_who_runs_them(asked.calls, options)
            results = await tool_calls.run(ours, refuse=number >= MOST_ROUNDS)
            if theirs or not ours:
                break
            messages += [Message("assistant", asked.text, tuple(ours)), *results]
        await self._ask_client(theirs)
        self._spoken.put_nowait(None)
        if not (self._text.strip() or tool_calls.end_session_requested or theirs):
            message = _("The language model gave no answer.")
            raise StageGaveUp("empty_reply", message)
        await self._count(counts)
        spoken = self._sentences if options.spoken else 0
        await self._run.tell(ReplyText(self._id, self._text, spoken, asked.cut))
        facts = {f"text:{self._id}": self._text, f"sentences:{self._id}": self._sentences}
        self._run.note(**facts)

    def _tools(self, options: ResponseOptions) -> dict[str, Tool]:
        """The session's tools; where the client has one of the same name, that one is meant."""
        of_client = {tool.name for tool in options.tools}
        return load_tools(name for name in self._run.ticket.spec.tools if name not in of_client)

    def _tool_calls(self, tools: dict[str, Tool]) -> ToolCalls:
        run, ticket = self._run, self._run.ticket

        def note(index: int, invoked: ToolInvoked) -> None:
            run.note(**{f"tool:{index}": dump(invoked)})

        gate = None if ticket.committed else partial(wait_for_commit, run.redis, self._id)
        context = ToolContext(ticket.spec.session_id, ticket.turn_id, ticket.spec.owner_id)
        return ToolCalls(tools, context, self._id, emit=run.tell, note=note, wait_for_commit=gate)

    async def _ask_client(self, calls: list[ToolCall]) -> None:
        """Pass on the calls of tools that the client runs: the reply ends with them."""
        if calls and not self._run.ticket.committed:
            await wait_for_commit(self._run.redis, self._id)
        for call in calls:
            await self._run.tell(ClientToolCalled(self._run.ticket.turn_id, self._id, call))

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
                await unless_set(self._run.abandoned, timeline.ended(played))
            ticket = in_voice(self._run.ticket.onward("tts", self._id, number))
            await self._run.hand_over(ticket, text=text)
            number += 1

    async def _finish_sentence(self) -> None:
        for piece in self._splitter.finish():
            await self._add(piece)

    async def _add(self, piece: str) -> None:
        """A sentence is written. What cannot be spoken is text only."""
        aloud = self._run.ticket.options.spoken
        spoken = speakable(piece) if aloud else piece
        if not spoken:
            return
        number, self._sentences = self._sentences, self._sentences + 1
        # Where there is nothing but text, its white space counts: joined, the pieces are the text.
        await self._run.tell(ReplySentence(self._id, number, piece.strip() if aloud else piece))
        if aloud:
            self._spoken.put_nowait(spoken)
        if number == 0:
            await self._run.measure("llm_ttfs", self._began_at)
        self._run.note(**{f"sentence:{self._id}:{number}": piece.strip()})

    async def _count(self, counts: list[Usage]) -> None:
        """Pass on what the provider counted: what went in at first, and all that came out."""
        if counts:
            turn, written = self._run.ticket.turn_id, sum(one.completion_tokens for one in counts)
            await self._run.tell(UsageReported(turn, self._id, counts[0].prompt_tokens, written))


class _Round:
    """One request to a language model, and what it answered: text, tool calls, or both."""

    def __init__(
        self,
        reply: _Reply,
        messages: list[Message],
        tools: tuple[ToolSpec, ...],
        wishes: dict[str, Any],
    ) -> None:
        self.text = ""
        self.calls: list[ToolCall] = []
        self.cut = False
        self.counts: list[Usage] = []
        """What the provider says that this cost, if it counts."""
        self._reply = reply
        self._messages = messages
        self._tools = tools
        self._wishes = wishes

    async def put(self, llm: LanguageModel, attempt: Attempt) -> None:
        loop = asyncio.get_running_loop()
        attempt.expect()
        answer = llm.complete(self._messages, self._tools, **self._wishes)
        async with (
            asyncio.timeout(attempt.first) as limit,
            contextlib.aclosing(answer) as pieces,  # type: ignore[type-var]
        ):
            async for piece in pieces:
                if isinstance(piece, str | ToolCall):
                    await attempt.output()
                await self._take(piece)
                limit.reschedule(loop.time() + TOKEN_WITHIN)

    async def _take(self, piece: LanguageModelOutput) -> None:
        match piece:
            case Usage():
                self.counts = [piece]
            case LengthLimitReached():
                self.cut = True
            case ToolCall():
                self.calls.append(piece)
            case str():
                await self._reply.take(piece, opening=not self.text)
                self.text += piece


def _by_who_runs_them(
    calls: list[ToolCall], options: ResponseOptions
) -> tuple[list[ToolCall], list[ToolCall]]:
    """The calls of tools that run here, and those of the client's."""
    theirs = {tool.name for tool in options.tools}
    ours = [call for call in calls if call.name not in theirs]
    return ours, [call for call in calls if call.name in theirs]


def _wishes(options: ResponseOptions, number: int) -> dict[str, Any]:
    """Only what is asked for, so that a provider need not know of it. A tool that must be called
    has been, after the first round."""
    wishes: dict[str, Any] = {}
    if options.tool_choice != "auto" and (number == 0 or options.tool_choice == "none"):
        wishes["tool_choice"] = options.tool_choice
    if options.max_tokens:
        wishes["max_tokens"] = options.max_tokens
    return wishes


def in_voice(ticket: StageRequest) -> StageRequest:
    """With the voice that was asked for, where a provider has it; else it keeps its own. The
    rest of the manner is not for those who speak."""
    voice = ticket.options.voice
    ticket = replace(ticket, options=ResponseOptions())
    if not voice:
        return ticket
    choices = tuple(
        replace(choice, voice=voice) if _has_voice(choice.name, voice) else choice
        for choice in ticket.spec.tts
    )
    return replace(ticket, spec=replace(ticket.spec, tts=choices))


def _has_voice(provider: str, voice: str) -> bool:
    return (
        provider.startswith(ENDPOINT_PREFIX) or voice in entry("tts", provider).capabilities.voices
    )
