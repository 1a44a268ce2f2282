"""The fields of a turn's notes: how each is written, and what they say when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

from interaction.bus.stage_messages import dump, load
from interaction.core.events import ProviderSwitched, StageFailed, ToolInvoked
from interaction.core.records import TurnRecord
from interaction.core.types import CutReason, Mode


class FallbackNote(TypedDict):
    """Another provider than the first choice served a stage."""

    stage: str
    failed: str
    """Name of the first choice."""
    code: str
    """Code of its error."""
    provider: str
    """Name of the one that served."""


class ErrorNote(TypedDict):
    """A stage gave the turn up."""

    stage: str
    provider: str
    code: str
    message: str
    """For the person."""
    retryable: bool


class HeardNote(TypedDict):
    """What was heard of the reply, by the client's latest report."""

    ms: int
    text: str


class Note(NamedTuple):
    """One field: its name, and a value that JSON can hold. It replaces one of the same name."""

    name: str
    value: Any

    @classmethod
    def record(cls, record: TurnRecord) -> Note:
        """What the web side knows of the closed turn."""
        return cls("record", dump(record))

    @classmethod
    def reply(cls, reply: UUID) -> Note:
        """The reply that the turn gets."""
        return cls("reply", str(reply))

    @classmethod
    def contends(cls, contends: bool) -> Note:
        """Whether the turn has not got the floor yet."""
        return cls("contends", contends)

    @classmethod
    def transcript(cls, text: str) -> Note:
        return cls("transcript", text)

    @classmethod
    def sentence(cls, reply: UUID, index: int, text: str) -> Note:
        """A sentence of a reply; its audio, if any, is in ``redis_keys.sentence_audio``."""
        return cls(f"sentence:{reply}:{index}", text)

    @classmethod
    def reply_text(cls, reply: UUID, text: str) -> Note:
        """The whole text of a reply."""
        return cls(f"text:{reply}", text)

    @classmethod
    def cut(cls, reply: UUID, cut: CutReason | None) -> Note:
        """Why the text of a reply is less than the model's whole answer."""
        return cls(f"cut:{reply}", cut)

    @classmethod
    def heard(cls, ms: int, text: str) -> Note:
        """How much of the reply has been heard so far, while it is still being played."""
        return cls("heard", {"ms": ms, "text": text})

    @classmethod
    def metric(cls, name: str, ms: float) -> Note:
        """``name``: as in ``core.metrics.METRICS``."""
        return cls(f"ms:{name}", ms)

    @classmethod
    def fallback(cls, switched: ProviderSwitched) -> Note:
        return cls(f"fallback:{switched.stage}", fallback_of(switched))

    @classmethod
    def tool(cls, index: int, invoked: ToolInvoked) -> Note:
        """The tool that was run as the turn's ``index``-th."""
        return cls(f"tool:{index}", dump(invoked))

    @classmethod
    def error(cls, failure: StageFailed) -> Note:
        note: ErrorNote = {
            "stage": failure.stage,
            "provider": failure.provider,
            "code": failure.code,
            "message": failure.message,
            "retryable": failure.retryable,
        }
        return cls("error", note)


def fallback_of(switched: ProviderSwitched) -> FallbackNote:
    return {
        "stage": switched.stage,
        "failed": switched.failed,
        "code": switched.code,
        "provider": switched.provider,
    }


@dataclass(frozen=True, slots=True)
class TurnOpening:
    """What is known of a turn when it opens: without it nothing can be archived."""

    session: UUID
    sequence: int
    """Number of the turn in its session, from 1."""
    kind: Literal["speech", "text"]
    mode: Mode
    started_at: float
    """Unix time."""
    recording: bool
    """Whether its audio is archived."""

    def notes(self) -> list[Note]:
        return [
            Note("session", str(self.session)),
            Note("sequence", self.sequence),
            Note("kind", self.kind),
            Note("mode", self.mode),
            Note("started_at", self.started_at),
            Note("recording", self.recording),
        ]

    @property
    def started(self) -> datetime:
        return datetime.fromtimestamp(self.started_at, UTC)


@dataclass(frozen=True, slots=True)
class TurnNotesContent:
    """What a turn's notes say."""

    opening: TurnOpening | None = None
    """None where Redis does not know the turn (any more)."""
    record: TurnRecord | None = None
    """None where the web process died before it closed the turn."""
    contends: bool = False
    """Somebody spoke over a reply, and it was not known yet whether they wanted the floor."""
    reply: UUID | None = None
    transcript: str = ""
    reply_texts: Mapping[UUID, str] = field(default_factory=dict)
    cuts: Mapping[UUID, CutReason | None] = field(default_factory=dict)
    """By reply, once its text is complete."""
    sentences: Mapping[UUID, Mapping[int, str]] = field(default_factory=dict)
    """Sentences by index, by reply: of every reply that any stage worked on, one that was prepared
    in vain included."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by name."""
    fallbacks: Mapping[str, FallbackNote] = field(default_factory=dict)
    """Fallbacks by stage."""
    tools: Mapping[int, ToolInvoked] = field(default_factory=dict)
    """Tool calls by their place among those that the turn ran."""
    error: ErrorNote | None = None
    heard: HeardNote | None = None
    """None where no playback was reported."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> TurnNotesContent:
        """``raw``: name to value. Unknown names, of another version, are ignored."""
        sentences: dict[UUID, dict[int, str]] = {}
        for (reply, index), text in _named("sentence", 2, raw):
            sentences.setdefault(UUID(reply), {})[int(index)] = text
        return cls(
            opening=_opening(raw),
            record=load(TurnRecord, raw["record"]) if "record" in raw else None,
            contends=raw.get("contends", False),
            reply=UUID(raw["reply"]) if raw.get("reply") else None,
            transcript=raw.get("transcript", ""),
            reply_texts={UUID(reply): text for (reply,), text in _named("text", 1, raw)},
            cuts={UUID(reply): cut for (reply,), cut in _named("cut", 1, raw)},
            sentences=sentences,
            metrics={name: ms for (name,), ms in _named("ms", 1, raw)},
            fallbacks={stage: fallback for (stage,), fallback in _named("fallback", 1, raw)},
            tools={
                int(index): load(ToolInvoked, invoked)
                for (index,), invoked in _named("tool", 1, raw)
            },
            error=raw.get("error"),
            heard=raw.get("heard"),
        )

    @property
    def reply_id(self) -> UUID | None:
        """The reply that the turn got, as far as is known."""
        return (self.record and self.record.reply_id) or self.reply

    @property
    def reply_text(self) -> str:
        """The text of that reply: the whole of it, or as far as it was written."""
        reply = self.reply_id
        if reply is None:
            return ""
        if (text := self.reply_texts.get(reply)) is not None:
            return text
        sentences = self.sentences.get(reply, {})
        return " ".join(sentences[index] for index in sorted(sentences))

    @property
    def reply_cut(self) -> CutReason | None:
        """Why that text is less than the model's whole answer."""
        reply = self.reply_id
        return self.cuts.get(reply) if reply else None

    def sentence_counts(self) -> dict[UUID, int]:
        """How many sentences each reply has."""
        return {reply: max(texts) + 1 for reply, texts in self.sentences.items()}


def _named(first: str, words: int, raw: Mapping[str, Any]) -> Iterator[tuple[list[str], Any]]:
    """The notes whose name is ``first`` and so many more words, parted by colons: those words, and
    the value."""
    for name, value in raw.items():
        start, *rest = name.split(":")
        if start == first and len(rest) == words:
            yield rest, value


def _opening(raw: Mapping[str, Any]) -> TurnOpening | None:
    if "session" not in raw:
        return None
    return TurnOpening(
        UUID(raw["session"]),
        raw["sequence"],
        raw["kind"],
        raw.get("mode", "cascade"),
        raw["started_at"],
        raw.get("recording", True),
    )
