"""The consumer of Parley's own protocol: sessions on a socket, one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from interaction.core.config import ConversationConfig
from interaction.core.news import Failure, News
from interaction.edges.base import SessionConsumer
from interaction.edges.parley import codec, messages
from interaction.sessions import create
from interaction.sessions.language_warning import LanguageWarning
from interaction.sessions.live_session import LiveSession, SessionEnding
from interaction.sessions.outbox import Pack


class ParleyConsumer(SessionConsumer):
    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._ignores_audio = False
        """Audio without a session is no error: one was sent already, or a session just ended."""
        await super().__call__(scope, receive, send)

    def on_connect(self) -> None:
        self.outbox.send_message(messages.ConnectionReady())

    def on_frame(self, text: str | None, data: bytes | None) -> None:
        try:
            message = codec.decode(text=text, data=data)
        except codec.InvalidMessage as invalid:
            self._send_error(invalid.code, invalid.message)
        else:
            self._on_message(message)

    def on_early_message(self, message: messages.ClientMessage | bytes) -> None:
        self._on_message(message)

    def on_session_started(self, live: LiveSession) -> None:
        settings = live.settings.model_dump(exclude={"title"})
        self.outbox.send_message(
            messages.SessionStarted(
                session_id=live.spec.session_id,
                warnings=[LanguageWarning.of(one) for one in live.warnings],
                **settings,
            )
        )

    def on_session_refused(self, refusal: create.SessionRefused) -> None:
        self._ignores_audio = True
        self._send_error(refusal.code, refusal.message)

    def on_session_ended(self, session_id: UUID | None, ending: SessionEnding) -> None:
        self._ignores_audio = True  # some is still on its way
        if session_id:
            summary = codec.summary(ending.summary) if ending.summary else None
            self.outbox.send_message(
                messages.SessionEnded(session_id=session_id, reason=ending.reason, summary=summary)
            )

    def on_news(self, news: News) -> None:
        if message := codec.encode(news):
            self.outbox.send_message(message)

    def send_failure(self, failure: Failure) -> None:
        self.on_news(failure)

    def output_format(self, live: LiveSession) -> tuple[int, Pack]:
        return live.settings.output_sample_rate, codec.pack

    def _on_message(self, message: messages.ClientMessage | bytes) -> None:
        match message:
            case messages.Ping(nonce=nonce):
                self.outbox.send_message(messages.Pong(nonce=nonce))
            case messages.StartSession() if self.session_task:
                self._send_error(
                    "already_started",
                    _("A session is in progress on this socket. Send end_session first."),
                )
            case messages.StartSession():
                self._start(message)
            case _ if self.live:
                self._on_session_message(self.live, message)
            case _ if self.session_task:
                self.enqueue_early(message)
            case bytes() if self._ignores_audio:
                pass
            case _:
                self._ignores_audio |= isinstance(message, bytes)
                self._send_error("not_started", _("No session has started. Send start_session."))

    def _start(self, start: messages.StartSession) -> None:
        def make() -> create.PreparedSession:
            if start.session_id:
                return create.prepare_claimed(self.user, start.session_id)
            return create.prepare_new(self.user, start)

        self.start_session(make)

    def _on_session_message(
        self, live: LiveSession, message: messages.ClientMessage | bytes
    ) -> None:
        match message:
            case bytes():
                live.feed_audio(message)
            case messages.EndSession():
                live.hang_up("ended")
            case messages.AcceptFallback():
                live.accept_fallback()
            case messages.UpdateSession():
                live.reconfigure(_updated(live, message))
            case _:
                if isinstance(message, messages.Playback):
                    self.outbox.on_playback(message.reply_id, message.played_ms)
                if command := codec.command(message):
                    live.submit(command)

    def _send_error(self, code: str, message: str) -> None:
        self.outbox.send_message(messages.Error(code=code, message=message, retryable=False))


def _updated(live: LiveSession, update: messages.UpdateSession) -> ConversationConfig:
    """The session's configuration with what the message changes."""
    config = live.config
    if update.barge_in is not None:
        config = replace(config, barge_in=update.barge_in)
    if update.barge_in_enabled is False:
        config = replace(config, barge_in="off")
    elif update.barge_in_enabled and config.barge_in == "off":
        began_with = live.settings.barge_in
        config = replace(config, barge_in="considered" if began_with == "off" else began_with)
    if update.turn_detection is not None:
        language = live.spec.stt[0].language if live.spec.stt else ""
        config = replace(config, turn_detection=update.turn_detection.to_core(language))
    return config
