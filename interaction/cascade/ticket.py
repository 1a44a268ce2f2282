"""What travels between the web side and the stages: tickets one way, reports the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from interaction.cascade.liveness import Job
from interaction.core import signals
from interaction.core.signals import Manner, Message, Stage, StageEvent
from interaction.engine import SessionSpec

REPORT = "cascade.report"
"""The ``type`` of a stage's messages on the channel layer."""

Says = Literal["beat", "queued", "event", "finished"]

_EVENTS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        signals.PartialTranscript,
        signals.FinalTranscript,
        signals.ReplySentence,
        signals.ReplyText,
        signals.Measured,
        signals.ProviderSwitched,
        signals.ToolInvoked,
        signals.EndRequested,
        signals.ToolCalled,
        signals.Used,
        signals.StageFailed,
    )
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which work a stage is to do, for whom, and where its news goes."""

    spec: SessionSpec
    turn_id: UUID
    channel: str
    """The web process's channel; empty where nobody listens any more."""
    stage: Stage
    reply_id: UUID | None = None
    n: int = 0
    """The sentence that is to be synthesised; otherwise which of several runs."""
    manner: Manner = field(default_factory=Manner)
    """Of the reply."""
    committed: bool = True
    """False where the reply is prepared before the turn is sure to have ended."""

    @property
    def job(self) -> Job:
        return Job(self.stage, self.turn_id, self.reply_id or self.turn_id, self.n)

    def onward(self, stage: Stage, reply_id: UUID, n: int = 0, **more: Any) -> Ticket:
        """The ticket of the stage that comes after this one."""
        return replace(self, stage=stage, reply_id=reply_id, n=n, **more)

    def facts(self) -> dict[str, Any]:
        """For a log line."""
        return {
            "session": self.spec.session_id,
            "turn": self.turn_id,
            "reply": self.reply_id,
            "stage": self.stage,
            "sentence": self.n if self.stage == "tts" else None,
        }


class Report(NamedTuple):
    """One message of a running stage. ``number`` counts the ones that must not be lost."""

    session: UUID
    job: Job
    number: int
    says: Says
    event: StageEvent | None = None
    queued: Job | None = None


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    return _adapters.get(cls) or _adapters.setdefault(cls, TypeAdapter(cls))


def dump(value: Any) -> Any:
    """A dataclass of ours as JSON-able data."""
    return _adapter(type(value)).dump_python(value, mode="json")


def load_ticket(raw: dict[str, Any]) -> Ticket:
    ticket: Ticket = _adapter(Ticket).validate_python(raw)
    return ticket


def load(cls: type[Any], raw: Any) -> Any:
    return _adapter(cls).validate_python(raw)


_context: TypeAdapter[tuple[Message, ...]] = TypeAdapter(tuple[Message, ...])


def dump_context(context: tuple[Message, ...]) -> Any:
    return _context.dump_python(context, mode="json")


def load_context(raw: Any) -> tuple[Message, ...]:
    return _context.validate_python(raw)


def pack_report(report: Report) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": REPORT,
        "session": str(report.session),
        "job": _pack_job(report.job),
        "number": report.number,
        "says": report.says,
    }
    if report.event is not None:
        message["event"] = [type(report.event).__name__, dump(report.event)]
    if report.queued is not None:
        message["queued"] = _pack_job(report.queued)
    return message


def unpack_report(message: dict[str, Any]) -> Report:
    """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is no report."""
    event = queued = None
    if "event" in message:
        name, fields = message["event"]
        event = _adapter(_EVENTS[name]).validate_python(fields)
    if "queued" in message:
        queued = _unpack_job(message["queued"])
    job = _unpack_job(message["job"])
    return Report(
        UUID(message["session"]), job, int(message["number"]), message["says"], event, queued
    )


def _pack_job(job: Job) -> list[Any]:
    return [job.stage, str(job.turn), str(job.subject), job.n]


def _unpack_job(raw: list[Any]) -> Job:
    stage, turn, subject, n = raw
    return Job(stage, UUID(turn), UUID(subject), n)
