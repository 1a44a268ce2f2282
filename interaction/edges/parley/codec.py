"""The codec of Parley's own protocol: wire frames to messages and commands, news to wire frames."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Mapping
from typing import get_args

from django.utils.translation import gettext as _
from pydantic import ValidationError
from pydantic_core import from_json

from interaction.core.commands import Command, CommitTurn, InterruptReply, PlaybackReport, SendText
from interaction.core.events import ProviderSwitched, ToolInvoked
from interaction.core.metrics import METRIC_NAMES
from interaction.core.news import (
    Failure,
    FallbackOffered,
    FloorContested,
    FloorKept,
    ModeChanged,
    News,
    PlayAudio,
    ReplyEnded,
    ReplyHeard,
    ReplyInterrupted,
    ReplySentenceText,
    ReplyStarted,
    ReplyTextCompleted,
    SpeechEnded,
    SpeechStarted,
    StatusChanged,
    TranscriptUpdated,
)
from interaction.edges.parley import messages
from interaction.edges.parley.messages import AudioHeader, ClientMessage
from interaction.sessions.settings import WireModel
from interaction.sessions.totals import Summary
from interaction.sessions.validation_sentences import explain

MAX_AUDIO_BYTES = 1 << 20
"""Audio in one message: at 16 kHz that is half a minute."""
MAX_TEXT_CHARACTERS = 2 << 20
"""Room for ``MAX_AUDIO_BYTES`` as base64 in a JSON object."""

CLIENT_TYPES: frozenset[str] = frozenset(
    get_args(model.model_fields["type"].annotation)[0]
    for model in get_args(get_args(ClientMessage)[0])
)


class InvalidMessage(Exception):
    """A frame that cannot be read. ``message`` names what is wrong, and quotes nothing of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def decode(*, text: str | None = None, data: bytes | None = None) -> ClientMessage | bytes:
    """Read a frame: audio (mono s16le at the session's input rate) or a message.

    Raises ``InvalidMessage``.
    """
    if text is None:
        return _checked_audio(data or b"")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidMessage("message_too_large", _("The message is larger than 2 MiB."))
    try:
        fields = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidMessage("bad_json", _("The text frame holds no valid JSON.")) from error
    if not isinstance(fields, dict):
        raise InvalidMessage("bad_json", _("A text frame must hold one JSON object."))
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in CLIENT_TYPES:
        raise InvalidMessage(
            "unknown_type",
            _("The field `type` must be one of: %(types)s.")
            % {"types": ", ".join(sorted(CLIENT_TYPES))},
        )
    try:
        message = messages.client_messages.validate_python(fields)
    except ValidationError as error:
        raise InvalidMessage("invalid_message", explain(error, skip=1)) from error
    return _chunk_audio(message) if isinstance(message, messages.AudioChunk) else message


def _chunk_audio(chunk: messages.AudioChunk) -> bytes:
    if len(chunk.audio) > MAX_AUDIO_BYTES * 4 // 3 + 4:
        raise _too_large()
    try:
        return _checked_audio(base64.b64decode(chunk.audio, validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidMessage("bad_base64", _("audio: this is not valid base64.")) from error


def _checked_audio(pcm: bytes) -> bytes:
    if len(pcm) > MAX_AUDIO_BYTES:
        raise _too_large()
    if len(pcm) % 2:
        raise InvalidMessage(
            "odd_length_audio",
            _("Audio is 16-bit samples: a message must hold an even number of bytes."),
        )
    return pcm


def _too_large() -> InvalidMessage:
    return InvalidMessage(
        "audio_too_large",
        _("A message may hold at most 1 MiB of audio. Send it as it is recorded."),
    )


def command(message: ClientMessage) -> Command | None:
    """A message as a command to the conversation; None where the consumer carries it out."""
    match message:
        case messages.TextInput(text=text):
            return SendText(text)
        case messages.Commit():
            return CommitTurn()
        case messages.Interrupt(heard_ms=heard_ms):
            return InterruptReply(heard_ms)
        case messages.Playback():
            return PlaybackReport(**message.model_dump(exclude={"type"}))
    return None


SAME_FIELDS: dict[type[News], type[WireModel]] = {
    StatusChanged: messages.Status,
    SpeechStarted: messages.SpeechStarted,
    FloorContested: messages.FloorContested,
    FloorKept: messages.FloorKept,
    SpeechEnded: messages.SpeechEnded,
    ReplyStarted: messages.ResponseStarted,
    ReplySentenceText: messages.ResponseText,
    ReplyTextCompleted: messages.AgentResponse,
    ReplyInterrupted: messages.Interrupted,
    ReplyHeard: messages.ResponseHeard,
    ProviderSwitched: messages.ProviderFallback,
    ToolInvoked: messages.ToolInvocation,
    FallbackOffered: messages.FallbackOffered,
    ModeChanged: messages.ModeChanged,
    Failure: messages.Error,
}


def encode(news: News) -> WireModel | None:
    """The message that tells the client; None for what this protocol has no message for, and for
    audio, which ``pack`` makes a binary frame of."""
    match news:
        case TranscriptUpdated(turn_id, text, final):
            transcript = messages.TranscriptFinal if final else messages.TranscriptPartial
            return transcript(turn_id=turn_id, text=text)
        case ReplyEnded(turn_id, reply_id, figures):
            return messages.ResponseEnded(
                turn_id=turn_id, reply_id=reply_id, latency=latency(figures)
            )
    message = SAME_FIELDS.get(type(news))
    if message is None:
        return None
    fields = (field.name for field in dataclasses.fields(news))
    return message(**{name: getattr(news, name) for name in fields if name in message.model_fields})


def latency(figures: Mapping[str, float | None]) -> messages.Latency:
    return messages.Latency(**{metric: figures.get(metric) for metric in METRIC_NAMES})


def summary(totals: Summary) -> messages.SessionSummary:
    return messages.SessionSummary(**dataclasses.asdict(totals))


def pack(play: PlayAudio, sequence: int, pcm: bytes) -> bytes:
    """A binary frame: header, then ``pcm`` at the session's output rate."""
    return AudioHeader(play.reply_id, sequence, play.sentence, play.last).packed() + pcm
