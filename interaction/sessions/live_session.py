"""One session on a socket, from its start to its summary; the same for every wire protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from interaction.audio.resample import Resampler
from interaction.core.commands import Command, SendText
from interaction.core.config import ConversationConfig
from interaction.core.engine import Engine, EngineUnavailable, SessionSpec
from interaction.core.events import EngineLost
from interaction.core.news import Failure, FallbackOffered, ModeChanged, News, SessionFinished
from interaction.core.redaction import Redactor
from interaction.core.types import INPUT_SAMPLE_RATE, Message, Mode
from interaction.providers.table import OURSELVES
from interaction.sessions.driver import ConversationDriver, Summary

logger = logging.getLogger(__name__)

THE_PERSONS = ("no_speech", "audio_dropped")
"""Failures that are no provider's fault."""


def engine_for(spec: SessionSpec) -> Engine:
    engine: Engine = import_string(settings.PARLEY_ENGINES[spec.mode])(spec)
    return engine


@dataclass(frozen=True, slots=True)
class SessionEnding:
    reason: str
    summary: Summary | None
    """None where a bug ended the session."""


class LiveSession:
    """Takes audio and commands without ever blocking or raising: what breaks ends the session."""

    def __init__(
        self,
        spec: SessionSpec,
        config: ConversationConfig,
        rate: int,
        tell: Callable[[News], None],
        context: Callable[[], tuple[Message, ...]] | None = None,
    ) -> None:
        """``context``: as in ``core.conversation.Conversation``."""
        self.spec = spec
        self.config = config
        self._tell_client = tell
        self._dialogue = ConversationDriver(
            _for_mode(config, spec.mode), engine_for(spec), self._tell, context
        )
        self._stepping_in = ModeFallback(spec)
        self._resampler = Resampler(rate, INPUT_SAMPLE_RATE)
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def hear(self, pcm: bytes) -> None:
        """The user's audio: mono s16le at the session's input rate."""
        self._attempt(lambda: self._dialogue.hear(self._resampler.feed(pcm)))

    def hear_at(self, rate: int) -> None:
        """From here on, the user's audio comes at ``rate`` Hz."""
        self._resampler = Resampler(rate, INPUT_SAMPLE_RATE)

    async def heard(self) -> None:
        """Wait until all audio so far has been passed on: for recordings, fed as fast as can be."""
        await self._dialogue.heard()

    def command(self, command: Command) -> None:
        if isinstance(command, SendText) and self.spec.redact:
            command = SendText(Redactor().final(command.text))
        self._attempt(lambda: self._dialogue.command(command))

    def reconfigure(self, config: ConversationConfig) -> None:
        """Change how the conversation is led: turn detection, barge-in, what is answered how."""
        was, self.config = self.config, config
        self._attempt(lambda: self._dialogue.reconfigure(_for_mode(config, self.spec.mode)))
        if self.spec.mode == "realtime" and _terms(config) != _terms(was):
            self._take_over("realtime")

    def accept_fallback(self) -> None:
        """Go on in the mode that was offered, if one was."""
        if self._stepping_in.offered:
            self._switch(automatic=False)

    def _switch(self, *, automatic: bool) -> None:
        mode = self._stepping_in.other
        self._take_over(mode)
        if self.spec.mode != mode:
            return
        self.reconfigure(self.config)
        self._tell_client(ModeChanged(self.spec.mode, automatic))

    def _take_over(self, mode: Mode) -> None:
        """Have another engine go on, with all that was said and as the conversation is led now."""

        def made(said: tuple[Message, ...]) -> Engine:
            turns, barge_in = self.config.turn_detection, self.config.barge_in
            led = replace(self.spec, turns=turns, barge_in=barge_in)
            self.spec = replace(led, mode=mode, history=said)
            self._stepping_in = ModeFallback(self.spec)
            return engine_for(self.spec)

        self._attempt(lambda: self._dialogue.switch(made))

    def hang_up(self, reason: str) -> None:
        """End the session; ``run`` returns once everything has been handed over."""
        if not self._over.done():
            self._over.set_result(reason)

    async def run(self) -> SessionEnding:
        """Go on until somebody hangs up, or something breaks; that is told and logged."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._dialogue.run())
                reason = await self._over
                return SessionEnding(reason, await self._dialogue.end(reason))
        except* EngineUnavailable as unavailable:
            message = str(_leaves(unavailable)[0])
            self._tell(Failure("engine_unavailable", message, retryable=True))
            ending = SessionEnding("engine_unavailable", None)
        except* Exception as bugs:
            log_bug(bugs, self.spec.session_id)
            self._tell(internal_error())
            ending = SessionEnding("internal_error", None)
        return ending

    def _tell(self, news: News) -> None:
        if isinstance(news, SessionFinished):
            self.hang_up(news.reason)
            return
        if isinstance(news, Failure):
            logger.warning(
                "stage failed" if news.stage else "session failed",
                extra={
                    "session": self.spec.session_id,
                    "turn": news.turn_id,
                    "stage": news.stage,
                    "provider": news.provider,
                    "code": news.code,
                },
            )
        if not isinstance(news, EngineLost):
            self._tell_client(news)
        if offer := self._stepping_in.after(news):
            if self.spec.auto_fallback:  # not from within the engine's own news
                asyncio.get_running_loop().call_soon(lambda: self._switch(automatic=True))
            else:
                self._tell_client(offer)

    def _attempt(self, act: Callable[[], None]) -> None:
        if self._over.done():
            return
        try:
            act()
        except Exception as bug:
            self._over.set_exception(bug)


class ModeFallback:
    """Whether the other mode may take the session over, and when that is to be offered."""

    def __init__(self, spec: SessionSpec) -> None:
        self.other: Mode = "realtime" if spec.mode == "cascade" else "cascade"
        self.offered = False
        # Parley's own realtime provider is a cascade, too: it has nothing to offer to one.
        self._possible = spec.mode == "realtime" or (
            spec.realtime is not None and spec.realtime.name != OURSELVES
        )

    def after(self, news: News) -> FallbackOffered | None:
        """The offer to make after this, once a mode."""
        match news:
            case EngineLost(provider, code, message):
                pass
            case Failure(
                code, message, stage="stt" | "llm" | "tts" | "realtime", provider=str(provider)
            ) if code not in THE_PERSONS:
                pass
            case _:
                return None
        if self.offered or not self._possible:
            return None
        self.offered = True
        return FallbackOffered(self.other, provider, code, message)


def _for_mode(config: ConversationConfig, mode: Mode) -> ConversationConfig:
    """A cascade finds no turns: the core does."""
    if mode == "realtime":
        return config
    return replace(config, turn_detection=config.turn_detection.without_engine())


def _terms(config: ConversationConfig) -> object:
    """What a provider that finds the turns was told when its line opened."""
    detection = config.turn_detection
    return (detection, config.barge_in) if detection.engine_detects_turns else None


def internal_error() -> Failure:
    return Failure(
        "internal_error",
        _("Something broke on the server. The session has ended; please start another."),
        retryable=True,
    )


def log_bug(bug: BaseException, session_id: UUID | None) -> None:
    """Where it broke, without the exception's own words: they may quote what somebody said."""
    for leaf in _leaves(bug):
        nameless = RuntimeError(type(leaf).__name__)
        logger.error(
            "session broke",
            exc_info=(RuntimeError, nameless, leaf.__traceback__),
            extra={"session": session_id, "code": "internal_error"},
        )


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
