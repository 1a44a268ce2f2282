"""What REST answers with about turns that were kept: one model a resource.

JSON Schemas are generated from ``RESOURCES`` (``interaction/edges/json_schemas.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from django.urls import reverse
from pydantic import BaseModel, Field

from history.export.document import SessionExport
from history.export.manifest import ExportManifest
from history.listing import Row
from history.models import TurnAnnotation
from history.models.marks import LONGEST_TAG, MOST_TAGS
from history.served import served_by
from interaction import models
from interaction.api.schemas import ErrorDetail, Session
from interaction.core.types import CutReason, Mode
from interaction.edges.parley import codec
from interaction.edges.parley.messages import Latency
from interaction.sessions.settings import Text, WireModel


def kept_session(row: Row) -> Session:
    """A session with what the history knows of it."""
    names = ("turn_count", "interrupted_count", "failed_count", "opening", "p50_ms", "p95_ms")
    became = {name: getattr(row.summary, name) for name in names}
    return Session.of(row.session, **became, starred=row.starred, tags=row.tags)


TagName = Annotated[Text, Field(max_length=LONGEST_TAG, pattern=r"^[^,，、]*[^,，、\s][^,，、]*$")]


class SessionMarks(WireModel):
    """What can be changed of a kept session; what is left out stays as it is."""

    title: Annotated[Text, Field(max_length=200)] | None = None
    """Its name in the history; empty: it goes by its first words."""
    starred: bool | None = None
    """Whether it is marked with a star."""
    tags: Annotated[list[TagName], Field(max_length=MOST_TAGS)] | None = None
    """All of its tags, in place of those that it has."""


class SessionPage(WireModel):
    """A page of a list of sessions, the newest first unless another order was asked for."""

    items: list[Session]
    """The sessions on this page."""
    count: int
    """How many there are on all pages."""


class Utterance(WireModel):
    """What the person said in a turn, spoken or typed."""

    turn_id: UUID
    """The turn in which it was said."""
    session_id: UUID
    """The conversation in which it was said."""
    kind: Literal["speech", "text"]
    """`speech`: it was spoken; `text`: it was typed."""
    text: str
    """The words, as they were understood or typed; long numbers are masked."""
    audio_url: str | None
    """Address of the recording, a WAV file; null where none was kept."""
    audio_ms: int | None
    """Length of what was spoken, in milliseconds; null for what was typed."""
    started_at: datetime
    """When the person began, ISO 8601 in UTC."""


class AgentMessage(WireModel):
    """What the agent answered in a turn."""

    turn_id: UUID
    """The turn whose utterance it answers."""
    session_id: UUID
    """The conversation in which it was answered."""
    text: str
    """Everything that the language model wrote."""
    heard_text: str
    """The part of it that the person heard: less than `text` after an interruption."""
    cut: CutReason | None
    """Why `text` is less than the model's whole answer: `length` or `content_filter`; null: it is
    all of it, or not known."""
    heard_ms: int | None
    """How much of its audio was heard, in milliseconds; null where that is unknown."""
    interrupted: bool
    """Whether the person cut it off."""
    audio_url: str | None
    """Address of the recording, a WAV file; null where none was kept."""
    audio_ms: int | None
    """Length of its audio, heard or not, in milliseconds; null where there is none."""


class TaskStage(WireModel):
    """One step of a task, and how long the person waited for it."""

    stage: Literal["stt", "llm", "tts", "realtime"]
    """Which step of the cascade it was; `realtime`: one provider served the whole turn."""
    provider: str
    """Name of the provider that served it."""
    model: str
    """The provider's model that was asked for; empty: its default."""
    waited_ms: float | None
    """How long the person waited for it, in milliseconds; null where unknown. `stt`:
    transcription_delay; `llm`: llm_ttfs; `tts`: tts_ttfb; `realtime`: e2e."""


class Fallback(WireModel):
    """The first choice failed before its first output; another provider served the stage."""

    stage: Literal["stt", "llm", "tts"]
    """The stage in which somebody stepped in."""
    failed: str
    """Name of the provider that failed."""
    code: str
    """Why it failed: the code of an error."""
    provider: str
    """Name of the provider that served the turn instead."""


class Invocation(WireModel):
    """A tool that the language model asked for."""

    id: UUID
    """Id of this call of the tool."""
    tool: str
    """Name of the tool that was called."""
    arguments: str
    """What it was called with: JSON text, as the model wrote it."""
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    """`refused`: there is no such tool, or its arguments were not valid."""
    result: str
    """What it answered: JSON text, or a sentence on what went wrong."""
    ms: float
    """How long it ran, in milliseconds."""


class Task(WireModel):
    """The work that one request of the person's set off."""

    id: UUID
    """One turn sets off one task, so far: it has the turn's id."""
    session_id: UUID
    """The conversation that it was a part of."""
    turn_id: UUID
    """The turn that set it off."""
    status: Literal["done", "interrupted", "failed"]
    """`failed`: a stage gave up; `interrupted`: the person cut the reply off."""
    stages: list[TaskStage]
    """Its steps, in their order; a typed turn has no `stt`."""
    fallbacks: list[Fallback]
    """Providers that stepped in; mostly empty."""
    invocations: list[Invocation]
    """Tools that were called, in their order."""
    error: ErrorDetail | None
    """What went wrong; null where nothing did."""
    started_at: datetime
    """When the person began, ISO 8601 in UTC."""


class Turn(WireModel):
    """One exchange: what the person said, what was answered, and how long each step took."""

    id: UUID
    """By which its recordings are fetched."""
    session_id: UUID
    """The conversation that it was a part of."""
    sequence: Annotated[int, Field(ge=1)]
    """Its number in the session, from 1."""
    mode: Mode
    """The mode of the engine that served it: a session may change from one to the other."""
    end_reason: str
    """How it ended: `played`, `heard`, `interrupted`, `superseded`, `stopped`, `mode_changed`,
    `timeout`, `failed`, `client_left`, `session_ended` or `abandoned`."""
    utterance: Utterance
    """What the person said."""
    agent_message: AgentMessage
    """What was answered."""
    task: Task
    """The work that led to the answer."""
    latency: Latency
    """How long each step took."""
    underruns: int
    """How often playback ran out of audio in the middle of the reply, as the client reports."""
    note: str
    """The owner's note on it; empty: none."""
    rating: Literal["up", "down"] | None
    """The owner's thumb; null: none."""

    @classmethod
    def of(cls, row: models.Turn) -> Turn:
        annotation = TurnAnnotation.of(row)
        return cls(
            id=row.pk,
            session_id=row.session_id,
            sequence=row.sequence,
            mode=cast("Mode", row.mode),
            end_reason=row.end_reason,
            utterance=_utterance(row),
            agent_message=_agent_message(row),
            task=_task(row),
            latency=_latency(row),
            underruns=row.underruns,
            note=annotation.note,
            rating=cast("Literal['up', 'down'] | None", annotation.rating or None),
        )


class Waveform(WireModel):
    """How loud both sides of a session are, along its time axis: the session's clock, from its
    start to the end of what was heard."""

    step_ms: int
    """Milliseconds that one value stands for: 20."""
    duration_ms: int
    """Milliseconds from the session's start to the end of what was heard."""
    user: str
    """Base64 of a byte for each step: the square root of the loudest sample's size, 255 at full
    scale; 0 where nothing sounds."""
    agent: str
    """Base64 of the agent's side: as much of each reply as was heard."""


def _utterance(row: models.Turn) -> Utterance:
    return Utterance(
        turn_id=row.pk,
        session_id=row.session_id,
        kind="text" if row.kind == models.Turn.Kind.TEXT else "speech",
        text=row.transcript,
        audio_url=audio_url(row, "user"),
        audio_ms=row.user_audio_ms,
        started_at=row.started_at,
    )


def _agent_message(row: models.Turn) -> AgentMessage:
    return AgentMessage(
        turn_id=row.pk,
        session_id=row.session_id,
        text=row.reply,
        heard_text=row.heard_text,
        cut=cast("CutReason | None", row.cut or None),
        heard_ms=row.heard_ms,
        interrupted=row.interrupted,
        audio_url=audio_url(row, "agent"),
        audio_ms=row.agent_audio_ms,
    )


def audio_url(row: models.Turn, side: str) -> str | None:
    """The address of the recording of ``"user"`` or ``"agent"``; None where there is none."""
    if not row.audio(side):
        return None
    return reverse("api:turn_audio", args=[row.session_id, row.pk]) + f"?side={side}"


def _latency(row: models.Turn) -> Latency:
    measured = getattr(row, "latency", None)
    return codec.latency(measured.by_metric() if measured else {})


WAITS = {
    "stt": "transcription_delay",
    "llm": "llm_ttfs",
    "tts": "tts_ttfb",
    "realtime": "e2e",
}
"""The metric that says how long the person waited for a stage."""


def _task(row: models.Turn) -> Task:
    waits = _latency(row)
    served = served_by(row.session.settings, row.mode, row.kind, row.fallbacks)
    return Task.model_validate(
        {
            "id": row.pk,
            "session_id": row.session_id,
            "turn_id": row.pk,
            "status": _status(row),
            "stages": [
                {
                    "stage": stage,
                    "provider": server.provider,
                    "model": server.model,
                    "waited_ms": getattr(waits, WAITS[stage]),
                }
                for stage, server in served.items()
            ],
            "fallbacks": row.fallbacks,
            "invocations": [
                {name: getattr(invocation, name) for name in Invocation.model_fields}
                for task in row.tasks.all()
                for invocation in task.invocations.all()
            ],
            "error": row.error,
            "started_at": row.started_at,
        }
    )


def _status(row: models.Turn) -> str:
    if row.error:
        return "failed"
    return "interrupted" if row.interrupted else "done"


RESOURCES: dict[str, type[BaseModel]] = {
    "turn": Turn,
    "utterance": Utterance,
    "agent_message": AgentMessage,
    "task": Task,
    "session_export": SessionExport,
    "export_manifest": ExportManifest,
    "waveform": Waveform,
}
