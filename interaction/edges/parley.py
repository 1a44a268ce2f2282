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

from interaction.core import effects, signals
from interaction.core.metrics import METRIC_NAMES
from interaction.dialogue import Summary
from interaction.edges import protocol
from interaction.edges.protocol import AudioHeader, ClientMessage

MAX_AUDIO_BYTES = 1 << 20
"""Audio in one message: at 16 kHz that is half a minute."""
MAX_TEXT_CHARACTERS = 2 << 20
"""Room for ``MAX_AUDIO_BYTES`` as base64 in a JSON object."""

CLIENT_TYPES: frozenset[str] = frozenset(
    get_args(model.model_fields["type"].annotation)[0]
    for model in get_args(get_args(ClientMessage)[0])
)


class Unreadable(Exception):
    """A frame that means nothing. ``message`` names what is wrong, never what was said."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def decode(*, text: str | None = None, data: bytes | None = None) -> ClientMessage | bytes:
    """Read a frame: audio (mono s16le at the session's input rate) or a message.

    Raises ``Unreadable``.
    """
    if text is None:
        return _checked_audio(data or b"")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Unreadable("message_too_large", _("The message is larger than 2 MiB."))
    try:
        fields = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Unreadable("bad_json", _("The text frame holds no valid JSON.")) from error
    if not isinstance(fields, dict):
        raise Unreadable("bad_json", _("A text frame must hold one JSON object."))
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in CLIENT_TYPES:
        raise Unreadable(
            "unknown_type",
            _("The field `type` must be one of: %(types)s.")
            % {"types": ", ".join(sorted(CLIENT_TYPES))},
        )
    try:
        message = protocol.client_messages.validate_python(fields)
    except ValidationError as error:
        raise Unreadable("invalid_message", explain(error)) from error
    return _chunk_audio(message) if isinstance(message, protocol.AudioChunk) else message


def explain(error: ValidationError, *, skip: int = 1) -> str:
    """Which fields are wrong, and how; without what stood in them.

    ``skip``: parts of each location that are no field (the discriminator of a message).
    """
    details = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"{'.'.join(str(part) for part in detail['loc'][skip:]) or '-'}: {detail['msg']}"
        for detail in details
    ]
    return "; ".join(lines[:5])


def _chunk_audio(chunk: protocol.AudioChunk) -> bytes:
    if len(chunk.audio) > MAX_AUDIO_BYTES * 4 // 3 + 4:
        raise _too_large()
    try:
        return _checked_audio(base64.b64decode(chunk.audio, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Unreadable("bad_base64", _("audio: this is not valid base64.")) from error


def _checked_audio(pcm: bytes) -> bytes:
    if len(pcm) > MAX_AUDIO_BYTES:
        raise _too_large()
    if len(pcm) % 2:
        raise Unreadable(
            "odd_length_audio",
            _("Audio is 16-bit samples: a message must hold an even number of bytes."),
        )
    return pcm


def _too_large() -> Unreadable:
    return Unreadable(
        "audio_too_large",
        _("A message may hold at most 1 MiB of audio. Send it as it is recorded."),
    )


def command(message: ClientMessage) -> signals.Command | None:
    """What a message asks of the conversation; None where it is the edge's own business."""
    match message:
        case protocol.TextInput(text=text):
            return signals.Say(text)
        case protocol.Commit():
            return signals.Commit()
        case protocol.Interrupt(heard_ms=heard_ms):
            return signals.Interrupt(heard_ms)
        case protocol.Playback():
            return signals.Playback(**message.model_dump(exclude={"type"}))
    return None


def turn_detection(choice: protocol.TurnDetectionChoice) -> signals.TurnDetection:
    return signals.TurnDetection(**choice.model_dump())


SAME_FIELDS: dict[type[effects.News], type[protocol.Message]] = {
    effects.StatusChanged: protocol.Status,
    effects.SpeechStarted: protocol.SpeechStarted,
    effects.SpeechEnded: protocol.SpeechEnded,
    effects.ReplyBegan: protocol.ResponseStarted,
    effects.ReplySpoken: protocol.ResponseText,
    effects.ReplyWritten: protocol.AgentResponse,
    effects.Interrupted: protocol.Interrupted,
    effects.FellBack: protocol.ProviderFallback,
    effects.ToolUsed: protocol.ToolInvocation,
    effects.FallbackOffered: protocol.FallbackOffered,
    effects.ModeChanged: protocol.ModeChanged,
    effects.Failed: protocol.Error,
}


def encode(news: effects.News) -> protocol.Message:
    """What the client is told. Audio is not told but sent: see ``pack``."""
    match news:
        case effects.TranscriptHeard(turn_id, text, final):
            told = protocol.TranscriptFinal if final else protocol.TranscriptPartial
            return told(turn_id=turn_id, text=text)
        case effects.ReplyEnded(turn_id, reply_id, figures):
            return protocol.ResponseEnded(
                turn_id=turn_id, reply_id=reply_id, latency=latency(figures)
            )
    message = SAME_FIELDS[type(news)]
    fields = (field.name for field in dataclasses.fields(news))
    return message(**{name: getattr(news, name) for name in fields if name in message.model_fields})


def latency(figures: Mapping[str, float | None]) -> protocol.Latency:
    return protocol.Latency(**{metric: figures.get(metric) for metric in METRIC_NAMES})


def summary(totals: Summary) -> protocol.SessionSummary:
    return protocol.SessionSummary(**dataclasses.asdict(totals))


def pack(play: effects.Play, sequence: int, pcm: bytes) -> bytes:
    """A binary frame: header, then ``pcm`` at the session's output rate."""
    return AudioHeader(play.reply_id, sequence, play.sentence, play.last).packed() + pcm
