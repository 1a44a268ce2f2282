"""A kept session as one document: what every export has, and what an import reads.

The JSON Schema is generated from ``SessionExport``. Whoever changes it in a way that an older
reader would not understand raises ``VERSION``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import Prefetch
from pydantic import Field, JsonValue

from history.deletion import chunks
from history.models import TurnAnnotation
from history.models.annotation import LONGEST_NOTE
from history.models.marks import LONGEST_TAG, MOST_TAGS
from interaction.api.schemas import ErrorDetail
from interaction.core.types import CutReason, Mode
from interaction.edges.parley import codec
from interaction.edges.parley.messages import Latency
from interaction.models import Session, Turn
from interaction.sessions.settings import Text, WireModel

FORMAT = "parley.session"
VERSION = 1
LOADED_AT_ONCE = 20
"""Sessions that are in memory at a time, with their turns."""
SIDES: tuple[Literal["user", "agent"], ...] = ("user", "agent")

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""As much as a database's positive integer holds."""


TagName = Annotated[Text, Field(min_length=1, max_length=LONGEST_TAG)]


class ExportedSession(WireModel):
    """The session's own settings, times and marks."""

    id: UUID
    """It stays the same wherever the session is imported."""
    title: Annotated[Text, Field(max_length=200)]
    """Its name in the history; empty: it goes by its time."""
    mode: Mode
    """For which it was made; single turns may have been served by the other one."""
    status: Literal["created", "active", "ended"]
    """`created`: not started; `active`: in progress when it was exported; `ended`: over."""
    settings: dict[Text, JsonValue]
    """The effective ``start_session`` fields, as they are kept."""
    system_prompt: Text
    """What the language model was told first."""
    starred: bool
    """Whether its owner marked it with a star."""
    tags: Annotated[list[TagName], Field(max_length=MOST_TAGS)]
    """Words by which its owner finds it."""
    recording: bool
    """Whether its audio is kept, where there is any."""
    recording_agreed_at: datetime | None
    """When its recording was asked for, ISO 8601 in UTC; null where nobody did."""
    recording_revoked_at: datetime | None
    """When that was taken back, ISO 8601 in UTC; null where it was not."""
    end_reason: Annotated[Text, Field(max_length=32)]
    """Why it was over; empty until then."""
    created_at: datetime
    """When it was made, ISO 8601 in UTC."""
    started_at: datetime | None
    """When its conversation began, ISO 8601 in UTC; null until then."""
    ended_at: datetime | None
    """When its conversation was over, ISO 8601 in UTC; null until then."""


class ExportedInvocation(WireModel):
    """A tool that the language model asked for."""

    id: UUID
    """It stays the same wherever the session is imported."""
    tool: Text
    """Its name, as the model gave it: there may be no such one."""
    arguments: Text
    """JSON text as the model gave it."""
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    """What came of it."""
    result: Text
    """JSON text, or what went wrong."""
    ms: float
    """How many milliseconds it took."""


class ExportedTask(WireModel):
    """The tools that one request of the person's led to, in their order."""

    id: UUID
    """It stays the same wherever the session is imported."""
    invocations: list[ExportedInvocation]
    """Each call, in the order in which they were made."""


class ExportedFallback(WireModel):
    """The first choice failed before its first output; another provider served the stage."""

    stage: Text
    """Which part of the turn it was."""
    failed: Text
    """Name of the first choice."""
    code: Text
    """Why it gave up, for programs."""
    provider: Text
    """Name of who served instead."""


class ExportedTurn(WireModel):
    """What was said and answered at one go, and how long each step took."""

    id: UUID
    """It stays the same wherever the session is imported."""
    sequence: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """Its number in the session, from 1."""
    mode: Mode
    """Of the engine that served it."""
    kind: Literal["speech", "text"]
    """`speech`: spoken; `text`: typed."""
    transcript: Text
    """What the person said or typed, as it was understood."""
    reply: Text
    """What the agent answered, heard or not."""
    cut: CutReason | None
    """Why ``reply`` is less than the model's whole answer; null: it is all of it, or not known."""
    heard_text: Text
    """The part of it that the person heard."""
    heard_ms: Count | None
    """Milliseconds of the answer that sounded; null where unknown."""
    interrupted: bool
    """Whether the person cut the answer off."""
    end_reason: Annotated[Text, Field(max_length=16)]
    """How it ended."""
    error: ErrorDetail | None
    """What went wrong; null: nothing."""
    fallbacks: list[ExportedFallback]
    """Where others stepped in for the first choice."""
    underruns: Count
    """Gaps in playback."""
    opened_ms: Count | None
    """On the session's clock, as the five below: milliseconds from its start."""
    user_audio_started_ms: Count | None
    """Where the person's recording begins; null where unknown."""
    speech_started_ms: Count | None
    """Where the person began to speak; null where unknown."""
    speech_ended_ms: Count | None
    """Where the person fell silent; null where unknown."""
    reply_started_ms: Count | None
    """Where the answer became audible; null where unknown."""
    reply_ended_ms: Count | None
    """Where the answer ceased to be audible; null where unknown."""
    user_audio: Annotated[Text, Field(max_length=64)] | None
    """Name of the recording in the session's folder of a ZIP; null where none is kept."""
    agent_audio: Annotated[Text, Field(max_length=64)] | None
    """The same of the other side."""
    user_audio_ms: Count | None
    """The recording's length: known also where it is not kept any more."""
    agent_audio_ms: Count | None
    """The same of the other side."""
    sentence_starts: list[tuple[Count, Count]]
    """Where each sentence begins: character of ``reply``, milliseconds of the agent's recording."""
    note: Annotated[Text, Field(max_length=LONGEST_NOTE)]
    """The owner's; empty: none."""
    rating: Literal["up", "down"] | None
    """The owner's thumb; null: none."""
    started_at: datetime
    """When it began, ISO 8601 in UTC."""
    archived_at: datetime
    """When it was first kept, ISO 8601 in UTC."""
    latency: Latency | None
    """Milliseconds a metric; null as a whole where nothing was measured."""
    tasks: list[ExportedTask]
    """What tools were run for it."""


class SessionExport(WireModel):
    """One conversation with all that was kept of it, its audio apart."""

    format: Literal["parley.session"] = "parley.session"
    """By which a reader knows what this is."""
    version: Literal[1] = 1
    """Raised where an older reader would not understand it."""
    session: ExportedSession
    """All but its turns."""
    turns: list[ExportedTurn]
    """In their order."""

    @classmethod
    def of(cls, row: Session) -> SessionExport:
        """``row``: as ``load`` gives it."""
        marks = {"starred": hasattr(row, "star"), "tags": [tag.name for tag in row.tags.all()]}
        columns = {
            name: getattr(row, name) for name in ExportedSession.model_fields if name not in marks
        }
        return cls(
            session=ExportedSession.model_validate(columns | marks),
            turns=[_turn(turn) for turn in row.turns.all()],
        )

    def text(self) -> str:
        """As JSON, for people to read, too."""
        return self.model_dump_json(indent=2) + "\n"


def audio_name(turn: Turn, side: str) -> str:
    """``audio/0001-user.wav``: the recording's name in the session's folder of a ZIP."""
    return f"audio/{turn.sequence:04}-{side}.wav"


def load(session_ids: Sequence[UUID]) -> Iterator[Session]:
    """These sessions in their order, each with its turns, latencies and tools in memory; ids of
    sessions that are gone are passed over."""
    turns = Turn.objects.select_related("latency", "annotation")
    turns = turns.prefetch_related("tasks__invocations")
    for chunk in chunks(session_ids, LOADED_AT_ONCE):
        rows = Session.objects.select_related("star").prefetch_related(
            "tags", Prefetch("turns", turns.order_by("sequence"))
        )
        found = rows.in_bulk([*chunk])
        yield from (found[one] for one in chunk if one in found)


def _turn(row: Turn) -> ExportedTurn:
    latency = getattr(row, "latency", None)
    annotation = TurnAnnotation.of(row)
    of_its_own: dict[str, Any] = {
        "cut": row.cut or None,
        "archived_at": row.created_at,
        "note": annotation.note,
        "rating": annotation.rating or None,
        "user_audio": audio_name(row, "user") if row.user_audio else None,
        "agent_audio": audio_name(row, "agent") if row.agent_audio else None,
        "latency": codec.latency(latency.by_metric()) if latency else None,
        "tasks": [
            {"id": task.pk, "invocations": _columns(ExportedInvocation, task.invocations.all())}
            for task in sorted(row.tasks.all(), key=lambda task: str(task.pk))
        ],
    }
    columns = {
        name: getattr(row, name) for name in ExportedTurn.model_fields if name not in of_its_own
    }
    return ExportedTurn.model_validate(columns | of_its_own)


def _columns(model: type[WireModel], rows: Any) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in model.model_fields} for row in rows]
