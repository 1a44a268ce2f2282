"""One live session, whatever the wire: from its row to its row's end.

``open_session`` is the only owner of a session's life: it has the row made and ends it with the
reason, also where it is cancelled or breaks. The live session within chooses the engine, and
another one where a mode fails, and drives the conversation; an edge feeds it audio and commands and
sends its news.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
from interaction.providers.parley import OURSELVES
from interaction.safe_logging import leaves, log_crash
from interaction.sessions.create import PreparedSession, end_row, prepare_in_thread
from interaction.sessions.driver import ConversationDriver
from interaction.sessions.totals import Summary

logger = logging.getLogger(__name__)

NOT_THE_PROVIDERS_FAULT = ("no_speech", "audio_dropped")


def engine_for(spec: SessionSpec) -> Engine:
    engine: Engine = import_string(settings.PARLEY_ENGINES[spec.mode])(spec)
    return engine


@dataclass(frozen=True, slots=True)
class SessionEnding:
    reason: str
    """As in ``Session.end_reason``."""
    summary: Summary | None
    """None where a bug ended the session."""


@asynccontextmanager
async def open_session(
    make: Callable[[], PreparedSession],
    on_news: Callable[[News], None],
    context: Callable[[], tuple[Message, ...]] | None = None,
    cancelled: str = "server_stopped",
) -> AsyncIterator[LiveSession]:
    """A session that ``make`` prepares, in the database thread; its row is ended on the way out.

    Await ``LiveSession.run`` within it. ``context``: as in ``TurnMachine``. ``cancelled``: why it
    ends where its task is cancelled before it runs. Raises what ``make`` raises, such as
    ``SessionRefused``.
    """
    prepared = await prepare_in_thread(make, cancelled)
    reason, live = "internal_error", None
    try:
        live = LiveSession(prepared, on_news, context)
        yield live
    except asyncio.CancelledError:
        reason = cancelled
        raise
    finally:
        ending = live.ending if live else None
        await end_row(prepared, ending.reason if ending else reason)


class LiveSession:
    """Takes audio and commands without ever blocking or raising: what breaks ends the session."""

    def __init__(
        self,
        prepared: PreparedSession,
        on_news: Callable[[News], None],
        context: Callable[[], tuple[Message, ...]] | None = None,
    ) -> None:
        """``on_news`` must not block; it may submit commands. ``context``: as in
        ``TurnMachine``."""
        self.spec = prepared.spec
        self.config = prepared.config
        self.settings = prepared.settings
        self.warnings = prepared.warnings
        self.ending: SessionEnding | None = None
        self._on_client_news = on_news
        self._driver = ConversationDriver(
            _for_mode(self.config, self.spec.mode), engine_for(self.spec), self._on_news, context
        )
        self._fallback = ModeFallback(self.spec)
        self._resampler = Resampler(self.settings.input_sample_rate, INPUT_SAMPLE_RATE)
        self._hung_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def feed_audio(self, pcm: bytes) -> None:
        """The person's audio: mono s16le at the session's input rate."""
        self._attempt(lambda: self._driver.feed_audio(self._resampler.feed(pcm)))

    def set_input_rate(self, rate: int) -> None:
        """From here on, the person's audio comes at ``rate`` Hz."""
        self._resampler = Resampler(rate, INPUT_SAMPLE_RATE)

    async def wait_until_consumed(self) -> None:
        """Wait until all audio so far has reached the engine: for recordings, which come faster
        than anybody speaks."""
        await self._driver.wait_until_consumed()

    def submit(self, command: Command) -> None:
        """Carry out a command; from within ``on_news``, after all news of the step in hand."""
        if isinstance(command, SendText) and self.spec.redact:
            command = SendText(Redactor().final(command.text))
        self._attempt(lambda: self._driver.submit(command))

    def after_effects(self, act: Callable[[], None]) -> None:
        """Call ``act`` once all news of the step in hand has come; at once where none is."""
        self._driver.after_effects(act)

    def reconfigure(self, config: ConversationConfig) -> None:
        """Change turn detection, barge-in and which turns are replied to."""
        before, self.config = self.config, config
        self._attempt(lambda: self._driver.reconfigure(_for_mode(config, self.spec.mode)))
        if self.spec.mode == "realtime" and _fixed_at_opening(config) != _fixed_at_opening(before):
            self._replace_engine("realtime", lambda: None)

    def accept_fallback(self) -> None:
        """Go on in the mode that was offered, if one was."""
        if self._fallback.offered:
            self._switch_mode(automatic=False)

    def hang_up(self, reason: str) -> None:
        """End the session; ``run`` returns once everything has been handed over."""
        if not self._hung_up.done():
            self._hung_up.set_result(reason)

    async def run(self) -> SessionEnding:
        """Go on until somebody hangs up, or something breaks: then a ``Failure`` is the last
        news, and a bug is logged."""
        self.ending = await self._run()
        return self.ending

    async def _run(self) -> SessionEnding:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._driver.run())
                reason = await self._hung_up
                return SessionEnding(reason, await self._driver.stop(reason))
        except* EngineUnavailable as unavailable:
            message = str(next(leaves(unavailable)))
            self._on_news(Failure("engine_unavailable", message, retryable=True))
            ending = SessionEnding("engine_unavailable", None)
        except* Exception as bugs:
            log_session_crash(bugs, self.spec.session_id)
            self._on_news(internal_error())
            ending = SessionEnding("internal_error", None)
        return ending

    def _on_news(self, news: News) -> None:
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
            self._on_client_news(news)
        if offer := self._fallback.offer_after(news):
            if self.spec.auto_fallback:
                self._switch_mode(automatic=True)
            else:
                self._on_client_news(offer)

    def _switch_mode(self, *, automatic: bool) -> None:
        mode = self._fallback.other
        self._replace_engine(
            mode, lambda: self._on_client_news(ModeChanged(mode, automatic=automatic))
        )

    def _replace_engine(self, mode: Mode, on_replaced: Callable[[], None]) -> None:
        """Have another engine go on, with the conversation so far and the present settings."""

        def make(messages: tuple[Message, ...]) -> Engine:
            turns, barge_in = self.config.turn_detection, self.config.barge_in != "off"
            self.spec = replace(
                self.spec, turns=turns, barge_in=barge_in, mode=mode, history=messages
            )
            self._fallback = ModeFallback(self.spec)
            self._driver.reconfigure(_for_mode(self.config, mode))
            engine = engine_for(self.spec)
            on_replaced()
            return engine

        self._attempt(lambda: self._driver.switch_engine(make))

    def _attempt(self, act: Callable[[], None]) -> None:
        if self._hung_up.done():
            return
        try:
            act()
        except Exception as bug:
            if self._hung_up.done():  # by what broke: the session ends anyway
                log_session_crash(bug, self.spec.session_id)
            else:
                self._hung_up.set_exception(bug)


class ModeFallback:
    """Whether the other mode may take the session over, and when that is to be offered."""

    def __init__(self, spec: SessionSpec) -> None:
        self.other: Mode = "realtime" if spec.mode == "cascade" else "cascade"
        self.offered = False
        # Parley's own realtime provider is a cascade, too: it has nothing to offer to one.
        self._possible = spec.mode == "realtime" or (
            spec.realtime is not None and spec.realtime.name != OURSELVES
        )

    def offer_after(self, news: News) -> FallbackOffered | None:
        """The offer to make after this failure; one for each mode that the session is in."""
        match news:
            case EngineLost(provider, code, message):
                pass
            case Failure(
                code, message, stage="stt" | "llm" | "tts" | "realtime", provider=str(provider)
            ) if code not in NOT_THE_PROVIDERS_FAULT:
                pass
            case _:
                return None
        if self.offered or not self._possible:
            return None
        self.offered = True
        return FallbackOffered(self.other, provider, code, message)


def _for_mode(config: ConversationConfig, mode: Mode) -> ConversationConfig:
    """A cascade detects turns itself: no provider does it for it. A realtime provider has one input
    buffer, where what is said over a reply follows what was said before: it cannot be considered
    apart."""
    if mode == "realtime":
        considered = config.barge_in == "considered"
        return replace(config, barge_in="immediate") if considered else config
    return replace(config, turn_detection=config.turn_detection.without_engine())


def _fixed_at_opening(config: ConversationConfig) -> object:
    """Settings that a provider which detects turns gets only when its connection is opened."""
    detection = config.turn_detection
    return (detection, config.barge_in == "off") if detection.engine_detects_turns else None


def internal_error() -> Failure:
    return Failure(
        "internal_error",
        _("Something broke on the server. The session has ended; please start another."),
        retryable=True,
    )


def log_session_crash(bug: BaseException, session_id: UUID | None) -> None:
    """Log a bug that ended a session, or kept one from starting, without its text."""
    log_crash(logger, bug, {"session": session_id, "code": "internal_error"}, "session broke")
