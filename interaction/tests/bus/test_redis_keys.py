"""Redis keys and note names are declared once."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from interaction.bus import redis_keys
from interaction.core.events import ProviderSwitched, StageFailed, ToolInvoked
from interaction.core.records import TurnRecord
from interaction.turn_records.note_fields import Note, TurnNotesContent, TurnOpening
from voiceproject.environment import BASE_DIR

HOME = Path(redis_keys.__file__)
SOURCES = [
    path
    for package in ("interaction", "history", "voiceproject")
    for path in (BASE_DIR / package).rglob("*.py")
    if path not in (HOME, Path(__file__))
]
TURN, REPLY, OTHER = uuid4(), uuid4(), uuid4()


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a source file, parts of f-strings too, and its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_a_key_is_spelled_in_one_file_alone() -> None:
    assert SOURCES
    offences = [
        f"{path.relative_to(BASE_DIR)}:{line}"
        for path in SOURCES
        for line, text in texts(path)
        if "parley:" in text
    ]
    assert offences == []


def test_every_key_says_who_writes_it_and_how_long_it_lives() -> None:
    functions = [
        function
        for _, function in inspect.getmembers(redis_keys, inspect.isfunction)
        if function.__module__ == redis_keys.__name__
    ]
    undocumented = [function.__name__ for function in functions if not function.__doc__]
    assert undocumented == []


def content(*notes: Note) -> TurnNotesContent:
    return TurnNotesContent.parse(dict(notes))


def test_what_is_noted_is_what_is_read() -> None:
    opening = TurnOpening(OTHER, 3, "speech", "cascade", 1_700_000_000.5, recording=True)
    record = TurnRecord(
        *(TURN, 3, "speech", "Hi.", "Hello.", "Hel", 120, True, "interrupted"), reply_id=REPLY
    )
    tool = ToolInvoked(TURN, REPLY, uuid4(), TURN, "current_time", "{}", "succeeded", "{}", 1.5)
    failed = StageFailed(TURN, "llm", "openai", "no", "Again, please.", retryable=True)
    switched = ProviderSwitched(TURN, "tts", "openai", "no", "espeak")
    read = content(
        *opening.notes(),
        Note.record(record),
        Note.reply(OTHER),
        Note.transcript("Hi."),
        Note.sentence(REPLY, 1, "there."),
        Note.sentence(REPLY, 0, "Hello"),
        Note.sentence(OTHER, 0, "In vain."),
        Note.reply_text(OTHER, "In vain."),
        Note.metric("llm_ttft", 12.5),
        Note.fallback(switched),
        Note.tool(0, tool),
        Note.error(failed),
    )
    assert (read.opening, read.record, read.reply) == (opening, record, OTHER)
    assert read.reply_id == REPLY
    assert read.reply_text == "Hello there."
    assert read.sentence_counts() == {REPLY: 2, OTHER: 1}
    assert (read.transcript, read.metrics, read.tools) == ("Hi.", {"llm_ttft": 12.5}, {0: tool})
    failed_one = {"stage": "tts", "failed": "openai", "code": "no", "provider": "espeak"}
    assert read.fallbacks == {"tts": failed_one}
    assert read.error is not None
    assert read.error["code"] == "no"


def test_a_turn_without_a_record_has_the_reply_that_was_noted() -> None:
    read = content(Note.reply(REPLY), Note.reply_text(REPLY, "Hello."))
    assert (read.opening, read.reply_id, read.reply_text) == (None, REPLY, "Hello.")
    assert content().reply_text == ""


def test_notes_of_another_version_are_read() -> None:
    raw = {
        "session": str(OTHER),
        "sequence": 1,
        "kind": "text",
        "started_at": 1_700_000_000.0,
        f"sentence:{REPLY}:0": "Hello.",
        f"sentences:{REPLY}": 1,
        "of a later version": {"any": "thing"},
        "reply": "",
    }
    read = TurnNotesContent.parse(raw)
    assert read.opening == TurnOpening(OTHER, 1, "text", "cascade", 1_700_000_000.0, recording=True)
    assert read.sentence_counts() == {REPLY: 1}
    assert read.reply is None
