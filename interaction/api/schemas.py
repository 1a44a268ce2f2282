"""What REST answers with when something is made or goes wrong: one model a resource.

JSON Schemas are generated from ``RESOURCES``, here and in other apps
(``interaction/edges/json_schemas.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from interaction import models
from interaction.core.types import CutReason
from interaction.credentials.store import credentials_of
from interaction.edges.parley.messages import Latency
from interaction.sessions import create
from interaction.sessions.language_warning import LanguageWarning
from interaction.sessions.settings import Providers, TurnDetectionChoice, WireModel

Stage = Literal["stt", "llm", "tts", "archive", "realtime"]


class ErrorDetail(WireModel):
    code: str
    message: str
    """What went wrong, and what to do about it."""
    stage: Stage | None = None
    provider: str | None = None
    retryable: bool = False


class ErrorBody(WireModel):
    """The body of every answer that is no success."""

    error: ErrorDetail


class Settings(WireModel):
    """The effective settings of a session, defaults filled in."""

    providers: Providers
    turn_detection: TurnDetectionChoice
    barge_in_enabled: bool
    input_sample_rate: int
    output_sample_rate: int
    time_zone: str

    @classmethod
    def of(cls, row: models.Session) -> Settings:
        return cls(**create.settings_of(row).model_dump(include=set(cls.model_fields)))


class Session(WireModel):
    id: UUID
    title: str
    mode: Literal["cascade", "realtime"]
    status: Literal["created", "active", "ended"]
    settings: Settings
    system_prompt: str
    recording: bool
    end_reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    # What becomes of it; a new one has nothing yet.
    turn_count: int = 0
    interrupted_count: int = 0
    failed_count: int = 0
    opening: str = ""
    """The beginning of the first thing that the person said or typed."""
    p50_ms: float | None = None
    """Of the turns' totals: the time to the first sound. Null where no turn has one."""
    p95_ms: float | None = None
    starred: bool = False
    tags: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, row: models.Session, **became: Any) -> Session:
        """``became``: the fields that are not the row's."""
        columns = {name: value for name, value in vars(row).items() if name in cls.model_fields}
        return cls.model_validate(columns | {"settings": Settings.of(row)} | became)


class CreatedSession(Session):
    """A session that was made just now."""

    warnings: list[LanguageWarning]
    """What its providers cannot do in its language."""

    @classmethod
    def of(cls, row: models.Session, **became: Any) -> CreatedSession:
        have = credentials_of(row.owner_id)
        warnings = create.warnings_of(create.settings_of(row), have)
        return cls(
            **Session.of(row, **became).model_dump(),
            warnings=[LanguageWarning.of(one) for one in warnings],
        )


class TimelineEvent(WireModel):
    at_ms: float
    """Milliseconds since the upload had been received."""
    event: str
    """A message type of the socket protocol, or ``first_audio`` or ``last_audio``."""


class Timeline(WireModel):
    events: list[TimelineEvent]
    latency: Latency


class Answer(WireModel):
    """What one uploaded recording was answered."""

    session_id: UUID
    turn_id: UUID
    transcript: str
    reply: str
    cut: CutReason | None
    """Why the reply is less than the model's whole answer; null: it is all of it."""
    audio: str
    """Base64 of a WAV file, mono, 16 bit, 24 kHz."""
    timeline: Timeline


RESOURCES: dict[str, type[BaseModel]] = {
    "session": Session,
    "created_session": CreatedSession,
    "answer": Answer,
    "api_error": ErrorBody,
}
