"""One socket of a Gemini Live session: how it is set up, read, and what its end means.

A session may go on over several, one after another (``realtime.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from google.genai import errors as sdk_errors
from google.genai import types
from google.genai.live import AsyncSession
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    WebSocketException,
)

from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError, ProviderRefused, ProviderUnavailable
from interaction.providers.gemini.client import GeminiErrorMapping
from interaction.providers.realtime_protocol import RealtimeSessionConfig

logger = logging.getLogger(__name__)

OPENS_WITHIN = 10.0
CLOSES_WITHIN = 1.0
"""Seconds."""
REFUSES = (1003, 1007, 1008, 1009)
"""Codes of a closed socket that mean: the same request will be refused again."""
ODD_ONES = (ValueError, TypeError, AttributeError, KeyError)
"""What the SDK raises of a message that is none: it reads its parts without a check."""
MOST_ODD = 8
"""Messages in a row that may make no sense: of more, nothing is to be expected."""

Send = Callable[[AsyncSession], Awaitable[None]]


class LiveErrorMapping(GeminiErrorMapping):
    def translate(self, error: Exception, *, answer_started: bool) -> ProviderError | None:
        match error:
            case sdk_errors.APIError() if error.code and error.code >= 1000:
                return self._closed(error.code, str(error.details))
            case ConnectionClosed():
                return self._closed(error.rcvd.code if error.rcvd else 1006, "")
            case InvalidStatus():
                return self.http_status(error.response.status_code)
            case InvalidHandshake():
                return self.connection_lost(answer_started=False)
        if translated := super().translate(error, answer_started=answer_started):
            return translated
        wrong = isinstance(error, (WebSocketException, *ODD_ONES))
        return self.unintelligible() if wrong else None

    def cannot_resume(self) -> ProviderError:
        """Another session, without the handle, may do."""
        return self.error(ProviderUnavailable, "cannot resume the conversation")

    def _closed(self, code: int, reason: str) -> ProviderError:
        """``reason`` is a sentence for people; a wrong key has no code of its own."""
        reason = reason.lower()
        if "api key" in reason or "quota" in reason or "billing" in reason:
            return self.unauthorized(f"({code})")
        if code in REFUSES:
            return self.refused(f"refused the request ({code})")
        return self.error(ProviderUnavailable, f"hung up ({code})")


class LiveSocket:
    """Read as long as it is open: messages, and the error with which it ended, go to ``inbox``,
    each with the socket that it came from."""

    def __init__(
        self,
        session: AsyncSession,
        stack: AsyncExitStack,
        errors: LiveErrorMapping,
        inbox: asyncio.Queue[tuple[LiveSocket | None, object]],
    ) -> None:
        self._session = session
        self._stack = stack
        self._errors = errors
        self._inbox = inbox
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        client: Any,
        model: str,
        config: types.LiveConnectConfig,
        errors: LiveErrorMapping,
        inbox: asyncio.Queue[tuple[LiveSocket | None, object]],
    ) -> LiveSocket:
        """Raises ``ProviderError``."""
        stack = AsyncExitStack()
        try:
            with errors(answer_started=False):
                async with asyncio.timeout(OPENS_WITHIN):
                    connecting = client.aio.live.connect(model=model, config=config)
                    session = await stack.enter_async_context(connecting)
        except ProviderRefused:
            # It may be the handle that is refused.
            if config.session_resumption and config.session_resumption.handle:
                raise errors.cannot_resume() from None
            raise
        return cls(session, stack, errors, inbox)

    async def send(self, send: Send) -> None:
        """That the connection is broken is in the inbox, and not raised here."""
        with contextlib.suppress(ConnectionClosed):
            await send(self._session)

    async def aclose(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        try:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSES_WITHIN):
                    await self._stack.aclose()
        finally:
            # What is still being sent over a network that stalls would wait on.
            self._session._ws.transport.abort()

    async def _read(self) -> None:
        try:
            with self._errors(answer_started=True):
                await self._read_messages()
        except ProviderError as error:
            self._inbox.put_nowait((self, error))
        except Exception as error:
            # Whatever it is: nobody may wait for messages that no one reads.
            logger.error("reading ended with a %s", type(error).__name__)
            self._inbox.put_nowait((self, self._errors.unintelligible()))

    async def _read_messages(self) -> None:
        """Read until the socket ends, whose error it raises. What makes no sense is passed over."""
        odd = 0
        while True:
            try:
                # It ends with each turn.
                async for message in self._session.receive():
                    odd = 0
                    self._inbox.put_nowait((self, message))
            except Exception as error:
                odd += 1
                if odd > MOST_ODD or not _is_of_an_odd_message(error):
                    raise


def _is_of_an_odd_message(error: Exception) -> bool:
    """Whether the message alone is at fault, and the next one may do."""
    if isinstance(error, sdk_errors.APIError):
        # A kind of message that the SDK does not know.
        return error.code is None and "error" not in (error.details or {})
    return isinstance(error, ODD_ONES)


def connect_config(
    config: ProviderConfig, wanted: RealtimeSessionConfig, resuming: str | None
) -> types.LiveConnectConfig:
    """``resuming``: the handle of a session that goes on."""
    voice = types.PrebuiltVoiceConfig(voice_name=config.voice)
    speech = types.SpeechConfig(voice_config=types.VoiceConfig(prebuilt_voice_config=voice))
    seeded = types.HistoryConfig(initial_history_in_client_content=True)
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        system_instruction=wanted.instructions or None,
        tools=_tools(wanted),
        speech_config=speech if config.voice else None,
        realtime_input_config=_realtime_input(wanted),
        # Without an end: what is too long ago is left out.
        context_window_compression=types.ContextWindowCompressionConfig(
            sliding_window=types.SlidingWindow()
        ),
        session_resumption=types.SessionResumptionConfig(handle=resuming),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        history_config=seeded if wanted.history and not resuming else None,
    )


def _tools(wanted: RealtimeSessionConfig) -> list[Any] | None:
    declared = [
        types.FunctionDeclaration(
            name=tool.name,
            description=tool.description,
            parameters_json_schema=json.loads(tool.parameters),
            # It waits for the result, as every other provider does.
            behavior=types.Behavior.BLOCKING,
        )
        for tool in wanted.tools
    ]
    return [types.Tool(function_declarations=declared)] if declared else None


def _realtime_input(wanted: RealtimeSessionConfig) -> types.RealtimeInputConfig:
    if isinstance(wanted.turn_detection, EngineTurnDetection):
        detection = types.AutomaticActivityDetection(
            prefix_padding_ms=wanted.turn_detection.prefix_ms,
            silence_duration_ms=wanted.turn_detection.silence_ms,
        )
    else:
        detection = types.AutomaticActivityDetection(disabled=True)
    handling = types.ActivityHandling
    # Turns that are found here start only where the person may interrupt.
    may_interrupt = wanted.barge_in or detection.disabled
    return types.RealtimeInputConfig(
        automatic_activity_detection=detection,
        activity_handling=(
            handling.START_OF_ACTIVITY_INTERRUPTS if may_interrupt else handling.NO_INTERRUPTION
        ),
        turn_coverage=types.TurnCoverage.TURN_INCLUDES_ONLY_ACTIVITY,
    )
