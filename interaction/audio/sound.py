"""A recording as it is used here, and why one is not taken."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Sound:
    pcm: bytes
    """Mono s16le."""
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


class AudioRejected(Exception):
    """``code`` is for programs, ``message`` for people, ``status`` is the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def empty() -> AudioRejected:
    return AudioRejected("empty_audio", _("The file holds no audio. Record it again."), 400)


def foreign() -> AudioRejected:
    return AudioRejected(
        "unsupported_audio",
        _(
            "This is no audio file that can be read. Send WAV, MP3, M4A, AAC, Ogg, WebM, FLAC, "
            "AIFF, CAF, AU or AMR."
        ),
        415,
    )


def corrupt() -> AudioRejected:
    return AudioRejected(
        "corrupt_audio",
        _("The file cannot be decoded. Record it again, or save it as WAV with 16-bit PCM."),
        400,
    )


def too_long(max_seconds: float) -> AudioRejected:
    return AudioRejected(
        "too_long",
        _("The audio is longer than %(seconds)d seconds. Send it in parts.")
        % {"seconds": max_seconds},
        413,
    )
