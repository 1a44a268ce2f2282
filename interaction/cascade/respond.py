"""The LLM stage: streams the reply and has each sentence synthesised as soon as it is written."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from django.utils.translation import gettext as _

from interaction.bus.stage_messages import StageRequest
from interaction.cascade.commit_gate import wait_for_commit
from interaction.cascade.provider_fallback import Attempt, FallbackChain
from interaction.cascade.speakable import SpeechFilter
from interaction.cascade.stage import StageGaveUp, StageRun
from interaction.cascade.synthesis_pacing import PlaybackTimeline, run_unless_set
from interaction.core.events import (
    ClientToolCalled,
    ReplyAtWork,
    ReplySentence,
    ReplyText,
    ToolInvoked,
    UsageReported,
)
from interaction.core.sentence_splitter import SentenceSplitter
from interaction.core.types import (
    CutReason,
    Message,
    ProviderSelection,
    ResponseOptions,
    ToolCall,
    ToolSpec,
)
from interaction.providers.endpoints import ENDPOINT_PREFIX
from interaction.providers.registry import entry
from interaction.providers.stage_protocols import (
    AnswerCut,
    LanguageModel,
    LanguageModelOutput,
    Usage,
    Working,
)
from interaction.tools.base import Tool, context_for
from interaction.tools.registry import load_tools, tool_spec
from interaction.tools.tool_calls import ToolCalls
from interaction.turn_records.note_fields import Note

DEADLINE = 900.0
"""Seconds for the whole run, which lasts until the last sentence may be synthesised."""
TOKEN_WITHIN = 10.0
"""Seconds from one piece of the model's answer to the next."""
WORK_REPORTED_EVERY = 10.0
"""Seconds."""
AHEAD = 2
"""Sentences that may be synthesised beyond the one that plays."""
MOST_ROUNDS = 5
"""Rounds of tool calls that a model may ask for in one reply."""


async def respond(run: StageRun, context: tuple[Message, ...]) -> None:
    writer = _ReplyWriter(run)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(writer.enqueue_sentences())
            await writer.write(context)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


class _ReplyWriter:
    """Writes one reply, and requests the synthesis of its sentences."""

    def __init__(self, run: StageRun) -> None:
        assert run.request.reply_id is not None
        self._run = run
        self._id = run.request.reply_id
        self._started_at = time.monotonic()
        self._work_reported_at = self._started_at
        self._text = ""
        self._splitter = SentenceSplitter(run.request.spec.language)
        self._speech = SpeechFilter()
        self._sentences = 0
        """Sentences so far."""
        self._to_synthesize: asyncio.Queue[str | None] = asyncio.Queue()
        """Speakable texts, one a sentence; None after the last one."""

    async def write(self, context: tuple[Message, ...]) -> None:
        """Have the model write the reply, with as many rounds of tool calls as it asks for."""
        messages, options = list(context), self._run.request.options
        tools = self._tools(options)
        tool_calls = self._tool_calls(tools)
        specs = (*map(tool_spec, tools.values()), *options.tools)
        chain, counts = FallbackChain(self._run, "llm"), list[Usage]()
        clients: list[ToolCall] = []
        for index in range(MOST_ROUNDS + 2):
            completion = _Completion(self, messages, specs, _model_options(options, index))
            await chain.run(completion.run)
            await self._finish_sentence()
            counts += completion.counts
            calls = with_ids_of_their_own(completion.calls, messages)
            ours, clients = _by_who_runs_them(calls, options)
            refuse = index >= MOST_ROUNDS
            results = await tool_calls.run(ours, refuse=refuse, sentences=self._sentences)
            if clients or not ours:
                break
            messages += [Message("assistant", completion.text, tuple(ours)), *results]
        await self._call_client_tools(clients)
        self._to_synthesize.put_nowait(None)
        if not (self._text.strip() or tool_calls.end_session_requested or clients):
            raise _no_answer(completion.cut)
        await self._report_usage(counts)
        spoken = self._sentences if options.spoken else 0
        await self._run.emit(ReplyText(self._id, self._text, spoken, completion.cut))
        self._run.note(Note.reply_text(self._id, self._text), Note.cut(self._id, completion.cut))

    def _tools(self, options: ResponseOptions) -> dict[str, Tool]:
        """The session's tools; where the client has one of the same name, that one is meant."""
        of_client = {tool.name for tool in options.tools}
        return load_tools(name for name in self._run.request.spec.tools if name not in of_client)

    def _tool_calls(self, tools: dict[str, Tool]) -> ToolCalls:
        run, request = self._run, self._run.request

        def note(index: int, invoked: ToolInvoked) -> None:
            run.note(Note.tool(index, invoked))

        gate = None if request.committed else partial(wait_for_commit, run.redis, self._id)
        context = context_for(request.spec, request.turn_id)
        return ToolCalls(
            tools,
            context,
            self._id,
            emit=run.emit,
            note=note,
            wait_for_commit=gate,
            redact=request.spec.redact,
        )

    def time_zone_for(self, choice: ProviderSelection) -> dict[str, str]:
        """The keyword argument for a model that tells the time itself."""
        zone = self._run.request.spec.time_zone
        tells_time = zone and entry("llm", choice.name).capabilities.tells_time
        return {"time_zone": zone} if tells_time else {}

    async def _call_client_tools(self, calls: list[ToolCall]) -> None:
        """Pass on the calls of tools that the client runs: the reply ends with them."""
        if calls and not self._run.request.committed:
            await wait_for_commit(self._run.redis, self._id)
        for call in calls:
            await self._run.emit(ClientToolCalled(self._run.request.turn_id, self._id, call))

    async def on_work(self) -> None:
        """The model is at work without a word: the web side is told now and then."""
        if time.monotonic() - self._work_reported_at >= WORK_REPORTED_EVERY:
            self._work_reported_at = time.monotonic()
            await self._run.emit(ReplyAtWork(self._id))

    async def on_token(self, token: str, *, is_first: bool) -> None:
        """The next piece of text. ``is_first``: of this round; tools may have run before it."""
        if not self._text:
            await self._run.emit_metric("llm_ttft", self._started_at)
        elif is_first and not (self._text[-1].isspace() or token[0].isspace()):
            token = f" {token}"
        self._text += token
        for piece in self._splitter.feed(token):
            await self._add_sentence(piece)

    async def enqueue_sentences(self) -> None:
        """Have the sentences synthesised, never more than ``AHEAD`` beyond the one that plays."""
        timeline = PlaybackTimeline(self._run.redis, self._id)
        sentence = 0
        while (text := await self._to_synthesize.get()) is not None:
            if (played := sentence - AHEAD - 1) >= 0:
                await run_unless_set(self._run.abandoned, timeline.wait_for_end(played))
            request = with_voice(self._run.request.next_stage("tts", self._id, sentence))
            await self._run.enqueue_stage(request, text=text)
            sentence += 1

    async def _finish_sentence(self) -> None:
        for piece in self._splitter.finish():
            await self._add_sentence(piece)

    async def _add_sentence(self, piece: str) -> None:
        """A sentence is written. One that has nothing to say aloud is text alone."""
        aloud = self._run.request.options.spoken
        to_say = self._speech.say(piece) if aloud else piece
        if not to_say:
            return
        index, self._sentences = self._sentences, self._sentences + 1
        # Where there is nothing but text, its white space counts: joined, the pieces are the text.
        await self._run.emit(ReplySentence(self._id, index, piece.strip() if aloud else piece))
        if aloud:
            self._to_synthesize.put_nowait(to_say)
        if index == 0:
            await self._run.emit_metric("llm_ttfs", self._started_at)
        self._run.note(Note.sentence(self._id, index, piece.strip()))

    async def _report_usage(self, counts: list[Usage]) -> None:
        """The provider's counts: prompt tokens of the first request, completion tokens of all."""
        if counts:
            turn, written = self._run.request.turn_id, sum(one.completion_tokens for one in counts)
            await self._run.emit(UsageReported(turn, self._id, counts[0].prompt_tokens, written))


class _Completion:
    """One request to a language model, and what it answered: text, tool calls, or both."""

    def __init__(
        self,
        writer: _ReplyWriter,
        messages: list[Message],
        tools: tuple[ToolSpec, ...],
        model_options: dict[str, Any],
    ) -> None:
        self.text = ""
        self.calls: list[ToolCall] = []
        self.cut: CutReason | None = None
        """Why the answer is not whole."""
        self.counts: list[Usage] = []
        """The provider's count of tokens, if it counts them."""
        self._writer = writer
        self._messages = messages
        self._tools = tools
        self._model_options = model_options

    async def run(self, llm: LanguageModel, attempt: Attempt) -> None:
        loop = asyncio.get_running_loop()
        attempt.expect_output()
        attempt.call.ask()
        options = self._model_options | self._writer.time_zone_for(attempt.choice)
        answer = llm.complete(self._messages, self._tools, **options)
        async with (
            asyncio.timeout(attempt.first_output_within) as limit,
            contextlib.aclosing(answer) as pieces,  # type: ignore[type-var]
        ):
            async for piece in pieces:
                if isinstance(piece, Working):
                    attempt.at_work()
                    await self._writer.on_work()
                elif isinstance(piece, str | ToolCall):
                    attempt.call.on_result()
                    await attempt.output_started()
                await self._on_piece(piece)
                within = TOKEN_WITHIN if attempt.has_output else attempt.first_output_within
                limit.reschedule(loop.time() + within)

    async def _on_piece(self, piece: LanguageModelOutput) -> None:
        match piece:
            case Usage():
                self.counts = [piece]
            case AnswerCut(reason):
                self.cut = reason
            case ToolCall():
                self.calls.append(piece)
            case str():
                await self._writer.on_token(piece, is_first=not self.text)
                self.text += piece


def with_ids_of_their_own(calls: list[ToolCall], before: list[Message]) -> list[ToolCall]:
    """The calls, with new ids where the conversation has had theirs: some servers count from 0 in
    every answer, and others refuse what they take for the same call."""
    taken, renamed = {call.id for message in before for call in message.tool_calls}, []
    for call in calls:
        unique = replace(call, id=uuid4().hex[:9]) if not call.id or call.id in taken else call
        taken.add(unique.id)
        renamed.append(unique)
    return renamed


def _no_answer(cut: CutReason | None) -> StageGaveUp:
    if cut == "content_filter":
        message = _("The language model's content filter held its answer back. Ask in other words.")
        return StageGaveUp("content_filtered", message)
    if cut == "length":
        message = _("The language model reached its length limit before it wrote a word.")
        return StageGaveUp("empty_reply", message)
    return StageGaveUp("empty_reply", _("The language model gave no answer."))


def _by_who_runs_them(
    calls: list[ToolCall], options: ResponseOptions
) -> tuple[list[ToolCall], list[ToolCall]]:
    """The calls of tools that run here, and those of tools that the client runs."""
    of_client = {tool.name for tool in options.tools}
    ours = [call for call in calls if call.name not in of_client]
    return ours, [call for call in calls if call.name in of_client]


def _model_options(options: ResponseOptions, index: int) -> dict[str, Any]:
    """Keyword arguments for ``LanguageModel.complete`` in round ``index``: only what is asked for,
    so that a provider need not know the others. A tool that must be called is called in the first
    round."""
    wanted: dict[str, Any] = {}
    if options.tool_choice != "auto" and (index == 0 or options.tool_choice == "none"):
        wanted["tool_choice"] = options.tool_choice
    if options.max_tokens:
        wanted["max_tokens"] = options.max_tokens
    return wanted


def with_voice(request: StageRequest) -> StageRequest:
    """The request for a synthesis, with the voice that the reply asks for in every provider that
    has it; the others keep theirs. The reply's other options are not for them."""
    voice = request.options.voice
    request = replace(request, options=ResponseOptions())
    if not voice:
        return request
    choices = tuple(
        replace(choice, voice=voice) if _has_voice(choice.name, voice) else choice
        for choice in request.spec.tts
    )
    return replace(request, spec=replace(request.spec, tts=choices))


def _has_voice(provider: str, voice: str) -> bool:
    return (
        provider.startswith(ENDPOINT_PREFIX) or voice in entry("tts", provider).capabilities.voices
    )
