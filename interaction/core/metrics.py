"""The latency metrics of a turn, declared once.

The wire messages, REST, the database's columns, the pages and the table in ``docs/protocol.md`` are
made from or held to ``METRICS``. A new metric is an entry here, a migration and the code that
measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Segment = Literal["end_of_turn", "stt", "llm", "tts", "playout"]
"""A stage's part of the time between the person's end of speech and the first audible sample."""


def gettext_noop(message: str) -> str:
    """Mark ``message`` for ``makemessages``; whoever shows it translates it (no Django here)."""
    return message


@dataclass(frozen=True, slots=True)
class Metric:
    """A duration in milliseconds, measured by one process's monotonic clock; null where unknown."""

    name: str
    """On the wire, in the engines' events and in the workers' notes."""
    stage: Segment | Literal[""]
    """The stage whose colour it has on a page; empty where it spans several."""
    title: str
    """Its name for people (the admin site's column), English, to be translated."""
    label: str
    """What lies between its two ends, for pages, English, to be translated."""
    column: str
    """Of ``TurnLatency``: a name that Python and SQL allow."""
    starts_at: str
    ends_at: str
    """The two events in the words of ``docs/protocol.md``."""
    measured_by: Literal["web process", "worker", "client"]


METRICS = (
    Metric(
        name="end_of_turn_delay",
        stage="end_of_turn",
        title=gettext_noop("end-of-turn delay"),
        label=gettext_noop("End of speech → turn committed"),
        column="end_of_turn_delay",
        starts_at="end of speech, as the VAD finds it",
        ends_at="the turn is committed",
        measured_by="web process",
    ),
    Metric(
        name="transcription_delay",
        stage="stt",
        title=gettext_noop("transcription delay"),
        label=gettext_noop("End of speech → final transcript"),
        column="transcription_delay",
        starts_at="end of speech",
        ends_at="final transcript",
        measured_by="web process",
    ),
    Metric(
        name="llm_ttft",
        stage="llm",
        title=gettext_noop("LLM, first token"),
        label=gettext_noop("Request → first token"),
        column="llm_ttft",
        starts_at="request to the language model",
        ends_at="first token",
        measured_by="worker",
    ),
    Metric(
        name="llm_ttfs",
        stage="llm",
        title=gettext_noop("LLM, first sentence"),
        label=gettext_noop("Request → first sentence"),
        column="llm_ttfs",
        starts_at="request to the language model",
        ends_at="first sentence",
        measured_by="worker",
    ),
    Metric(
        name="tts_ttfb",
        stage="tts",
        title=gettext_noop("TTS, first byte"),
        label=gettext_noop("Request → first audio"),
        column="tts_ttfb",
        starts_at="request for speech",
        ends_at="first byte of audio",
        measured_by="worker",
    ),
    Metric(
        name="e2e",
        stage="",
        title=gettext_noop("end to end"),
        label=gettext_noop("End of speech → audio leaves the server"),
        column="e2e",
        starts_at="end of speech",
        ends_at="first byte of audio leaves the web process",
        measured_by="web process",
    ),
    Metric(
        name="ear",
        stage="playout",
        title=gettext_noop("at the ear"),
        label=gettext_noop("End of speech → first sound at your ear"),
        column="ear",
        starts_at="end of speech, as the client finds it",
        ends_at="first audible sample rendered",
        measured_by="client",
    ),
    Metric(
        name="yield",
        stage="",
        title=gettext_noop("yield"),
        label=gettext_noop("You cut in → silence"),
        column="yield_ms",
        starts_at="the person's onset during a reply",
        ends_at="silence at the client",
        measured_by="client",
    ),
)
"""In the order in which pages list them."""

METRIC_NAMES = tuple(metric.name for metric in METRICS)
