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
from interaction.core.types import BargeIn, CutReason
from interaction.credentials.store import credentials_of
from interaction.edges.parley.messages import Latency
from interaction.sessions import create
from interaction.sessions.language_warning import LanguageWarning
from interaction.sessions.settings import Providers, TurnDetectionChoice, WireModel

Stage = Literal["stt", "llm", "tts", "archive", "realtime"]


class ErrorDetail(WireModel):
    """What went wrong, for programs and for people."""

    code: str
    """For programs: one of the listed codes."""
    message: str
    """For people, in the language that `Accept-Language` asks for: what went wrong, and what to do
    about it."""
    stage: Stage | None = None
    """Where it failed; null where no stage is to blame."""
    provider: str | None = None
    """Name of the provider that failed; null where none did."""
    retryable: bool = False
    """Whether the same again may succeed."""


class ErrorBody(WireModel):
    """The body of every answer that is no success."""

    error: ErrorDetail
    """The one thing that went wrong first."""


class Settings(WireModel):
    """The effective settings of a session, defaults filled in."""

    providers: Providers
    """Who serves, by stage."""
    turn_detection: TurnDetectionChoice
    """How turns of the person's are found."""
    barge_in_enabled: bool
    """Whether speech during a reply interrupts it."""
    barge_in: BargeIn
    """What speech during a reply does: `considered`, `immediate` or `off`."""
    input_sample_rate: int
    """Sample rate of the audio that the client sends, in Hz."""
    output_sample_rate: int
    """Sample rate of the audio that the client is sent, in Hz."""
    time_zone: str
    """Where the person is, an IANA name; empty: where the server is."""

    @classmethod
    def of(cls, row: models.Session) -> Settings:
        return cls(**create.settings_of(row).model_dump(include=set(cls.model_fields)))


class Session(WireModel):
    """A conversation: its settings, its state, and how many turns it has."""

    id: UUID
    """By which it is started, read and deleted."""
    title: str
    """Its name in the history; empty: it goes by its time."""
    mode: Literal["cascade", "realtime"]
    """The mode it was made for; single turns may have been served by the other one."""
    status: Literal["created", "active", "ended"]
    """`created`: not started yet; `active`: in progress; `ended`: over."""
    settings: Settings
    """The effective settings, defaults filled in."""
    system_prompt: str
    """The prompt really used: the template's text, then what was added."""
    recording: bool
    """Whether audio of either side is kept."""
    recording_agreed_at: datetime | None
    """When its recording was asked for, which is the consent, ISO 8601 in UTC; null where nobody
    did."""
    recording_revoked_at: datetime | None
    """When that was taken back, and its audio deleted, ISO 8601 in UTC; null where it was not."""
    end_reason: str
    """Why it ended: `ended`, `ended_by_agent`, `client_left`, `client_too_slow`, `session_expired`,
    `server_stopped`, `process_lost`, `engine_unavailable` or `internal_error`; empty until then."""
    created_at: datetime
    """When it was made, ISO 8601 in UTC."""
    started_at: datetime | None
    """When its conversation began, ISO 8601 in UTC; null until then."""
    ended_at: datetime | None
    """When its conversation was over, ISO 8601 in UTC; null until then."""
    # What becomes of it; a new one has nothing yet.
    turn_count: int = 0
    """Turns that have been kept so far."""
    interrupted_count: int = 0
    """Those of them whose reply the person cut off."""
    failed_count: int = 0
    """Turns in which something went wrong."""
    opening: str = ""
    """The beginning of the first thing that the person said or typed."""
    p50_ms: float | None = None
    """The median of the turns' totals, the time to the first sound; null where no turn has one."""
    p95_ms: float | None = None
    """Their 95th percentile; null where no turn has one."""
    starred: bool = False
    """Whether its owner marked it with a star."""
    tags: list[str] = Field(default_factory=list)
    """Words by which its owner finds it."""

    @classmethod
    def of(cls, row: models.Session, **became: Any) -> Session:
        """``became``: the fields that are not the row's."""
        columns = {name: value for name, value in vars(row).items() if name in cls.model_fields}
        return cls.model_validate(columns | {"settings": Settings.of(row)} | became)


class CreatedSession(Session):
    """A session that was made just now, and what its providers cannot do."""

    warnings: list[LanguageWarning]
    """What its providers cannot do in its language; mostly empty."""

    @classmethod
    def of(cls, row: models.Session, **became: Any) -> CreatedSession:
        have = credentials_of(row.owner_id)
        warnings = create.warnings_of(create.settings_of(row), have)
        return cls(
            **Session.of(row, **became).model_dump(),
            warnings=[LanguageWarning.of(one) for one in warnings],
        )


class TimelineEvent(WireModel):
    """Something that happened while a recording was answered."""

    at_ms: float
    """When, in milliseconds since the upload had been received."""
    event: str
    """A message type of the socket protocol, or `first_audio` or `last_audio`."""


class Timeline(WireModel):
    """What happened while a recording was answered, and the turn's figures."""

    events: list[TimelineEvent]
    """In the order in which they happened."""
    latency: Latency
    """The turn's figures. The recording is fed as fast as can be, so its end of speech is when that
    part of it was heard."""


class Answer(WireModel):
    """What one uploaded recording was answered."""

    session_id: UUID
    """The session that was made for it, by which the history has it."""
    turn_id: UUID
    """The only turn that the session has."""
    transcript: str
    """What was understood of the recording."""
    reply: str
    """What was answered, as text."""
    cut: CutReason | None
    """Why the reply is less than the model's whole answer: `length` or `content_filter`; null: it
    is all of it."""
    audio: str
    """The spoken reply: base64 of a WAV file, mono, 16 bit, 24 kHz."""
    timeline: Timeline
    """What happened when."""


RESOURCES: dict[str, type[BaseModel]] = {
    "session": Session,
    "created_session": CreatedSession,
    "answer": Answer,
    "api_error": ErrorBody,
}
