"""Conversations as files: JSON, transcripts, timings, and the ZIP that holds all of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from markdown_it import MarkdownIt

from history.export import timings, transcripts
from history.export.document import SessionExport, load
from history.export.formats import FORMATS
from history.models import TurnAnnotation
from interaction.core.metrics import METRIC_NAMES
from interaction.models import Session, Task, ToolInvocation, Turn, TurnLatency
from interaction.tests.edges.client import validator

Recorded = Callable[..., Session]
SESSIONS = "/api/v1/interaction/sessions"


def exported(session: Session, format: Any) -> bytes:
    [row] = load([session.pk])
    return b"".join(FORMATS[format].of_one(row))


def all_exported(sessions: list[Session], format: Any) -> bytes:
    return b"".join(FORMATS[format].many(load([session.pk for session in sessions])))


def test_the_document_keeps_to_its_schema_and_has_everything(recorded: Recorded) -> None:
    session = recorded()
    document = json.loads(exported(session, "json"))
    validator("session_export").validate(document)
    assert document["session"]["id"] == str(session.pk)
    turn = document["turns"][1]
    assert turn["user_audio"] == "audio/0002-user.wav"
    assert turn["latency"]["e2e"] == 900
    assert turn["latency"]["llm_ttft"] is None
    assert turn["tasks"][0]["invocations"][0]["tool"] == "current_time"


NOT_EXPORTED = {
    Session: {"owner"},  # who imports it has it
    Turn: {"session", "created_at"},  # it is in its session's document; ``archived_at``
    TurnAnnotation: {"turn", "changed_at"},
    TurnLatency: {"turn"},
    Task: {"turn"},
    ToolInvocation: {"task", "sequence"},  # as they are nested, and their order
}


@pytest.mark.parametrize("model", NOT_EXPORTED)
def test_no_column_is_forgotten(model: Any) -> None:
    schema = SessionExport.model_json_schema()
    named = {
        Session: schema["$defs"]["ExportedSession"],
        Turn: schema["$defs"]["ExportedTurn"],
        TurnAnnotation: schema["$defs"]["ExportedTurn"],
        TurnLatency: schema["$defs"]["Latency"],
        Task: schema["$defs"]["ExportedTask"],
        ToolInvocation: schema["$defs"]["ExportedInvocation"],
    }[model]["properties"]
    columns = {field.name for field in model._meta.concrete_fields} - NOT_EXPORTED[model]
    if model is TurnLatency:
        assert len(columns) == len(METRIC_NAMES)
        assert set(named) == set(METRIC_NAMES)
    else:
        assert columns <= set(named)


def test_a_turn_of_which_nothing_is_known_has_nulls(talked: Callable[..., Session]) -> None:
    session = talked()
    TurnLatency.objects.all().delete()
    [turn] = json.loads(exported(session, "json"))["turns"]
    assert turn["latency"] is None
    assert turn["heard_ms"] is None
    assert turn["user_audio"] is None


def test_many_sessions_are_one_json_array(recorded: Recorded) -> None:
    sessions = [recorded(), recorded()]
    documents = json.loads(all_exported(sessions, "json"))
    assert [one["session"]["id"] for one in documents] == [str(one.pk) for one in sessions]
    assert json.loads(all_exported([], "json")) == []


class TestTranscripts:
    def test_it_says_who_said_what_and_what_nobody_heard(self, recorded: Recorded) -> None:
        [row] = load([recorded(turns=1).pk])
        text = transcripts.plain(row)
        assert "You: +what is *the* weather" in text
        assert "Agent: It is sunny. [會下雨。]" in text
        assert "Interrupted after 0.9 s" in text
        assert 'current_time {} → {"time": "10:30"}' in text or "→" in text
        assert "It took too long." in text

    @pytest.mark.parametrize(
        "words",
        [
            *("*bold*", "_soft_", "**x**", "~~gone~~", "`code`", "``` \ncode\n```", "# no title"),
            *("a\n# no title", "a\n## b", "- no list", "a\n- b", "+ a", "a\n+ b", "1. one"),
            *("a\n2) b", "> no quote", "a\n> b", "a\n===", "a\n---", "a\n***", "[a](http://b.c)"),
            *("![a](b)", "<b>no tag</b>", "<script>alert(1)</script>", "<!-- a -->", "&lt;b&gt;"),
            *("http://a.b/_c_", "<a@b.c>", "&amp;", "a\\", "\\*a\\*", "a | b\n--|--\n1 | 2"),
            *(
                "    four spaces",
                "a\n    b",
                "ein *Stern",
                "一顆*星*",
                "[x]: http://y",
                "a\n[x]: y",
            ),
            *("\ttab", "a  \nb", "= a", "1986. A"),
        ],
    )
    def test_in_markdown_words_are_words(self, words: str) -> None:
        html = (
            MarkdownIt("commonmark")
            .enable(["table", "strikethrough"])
            .render(f"**You:** {transcripts.escaped(words)}")
        )
        shown = html.removeprefix("<p><strong>You:</strong> ").removesuffix("</p>\n")
        plain = shown.replace("<br />\n", "\n")
        assert "<" not in plain
        for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
            plain = plain.replace(entity, character)
        assert [line.strip() for line in plain.split("\n")] == [
            line.strip() for line in words.split("\n")
        ]


class TestTimings:
    def rows(self, *sessions: Session) -> list[dict[str, str]]:
        text = all_exported(list(sessions), "csv").decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def test_a_row_a_turn_with_what_is_unknown_left_empty(self, recorded: Recorded) -> None:
        rows = self.rows(recorded(), recorded(turns=1))
        assert [row["sequence"] for row in rows] == ["1", "2", "1"]
        assert rows[0]["e2e_ms"] == "900.0"
        assert rows[0]["llm_ttft_ms"] == ""
        assert rows[0]["total_ms"] == "950.0"
        assert rows[0]["llm"] == "echo"
        assert rows[0]["realtime"] == ""
        assert rows[0]["error_code"] == "provider_timeout"
        assert rows[0]["title"] == "'=Weather"

    @pytest.mark.parametrize(
        "text",
        [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            '=HYPERLINK("x")',
            "-",
            "=",
        ],
    )
    def test_no_cell_is_a_formula(self, text: str) -> None:
        assert timings.harmless(text) == f"'{text}"
        assert timings.harmless(f"a{text}") == f"a{text}"
        assert timings.harmless("") == ""


class TestZip:
    def test_it_holds_everything_of_every_session(self, recorded: Recorded) -> None:
        session, other = recorded(), recorded(turns=1)
        with ZipFile(io.BytesIO(all_exported([session, other], "zip"))) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
            assert names[-1] == "manifest.json"
            manifest = json.loads(archive.read("manifest.json"))
            validator("export_manifest").validate(manifest)
            folder = f"sessions/{session.pk}"
            assert json.loads(archive.read(f"{folder}/session.json"))["turns"][0]["sequence"] == 1
            kept = session.turns.get(sequence=2).user_audio
            with kept.open("rb") as file:
                assert archive.read(f"{folder}/audio/0002-user.wav") == file.read()
            assert f"sessions/{other.pk}/transcript.md" in names

    def test_it_is_the_same_every_time(
        self, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = recorded()
        now = datetime(2026, 11, 25, tzinfo=UTC)
        monkeypatch.setattr("history.export.zip_file.timezone.now", lambda: now)
        assert exported(session, "zip") == exported(session, "zip")

    def test_a_recording_whose_file_is_gone_is_left_out(self, recorded: Recorded) -> None:
        session = recorded(turns=1)
        default_storage.delete(str(session.turns.get().user_audio))
        with ZipFile(io.BytesIO(exported(session, "zip"))) as archive:
            document = json.loads(archive.read(f"sessions/{session.pk}/session.json"))
        assert document["turns"][0]["user_audio"] is None
        assert document["turns"][0]["agent_audio"] == "audio/0001-agent.wav"


class TestRest:
    @pytest.mark.parametrize("format", FORMATS)
    def test_a_session_is_a_file(self, at_home: Client, recorded: Recorded, format: Any) -> None:
        session = recorded()
        response = at_home.get(f"{SESSIONS}/{session.pk}/export", {"format": format})
        assert response.status_code == 200
        assert response["Content-Type"] == FORMATS[format].content_type
        assert f'.{format}"' in response["Content-Disposition"]
        content = b"".join(response)
        if format == "zip":
            assert ZipFile(io.BytesIO(content)).testzip() is None
        else:
            assert content == exported(session, format)

    def test_another_format_is_refused(self, at_home: Client, recorded: Recorded) -> None:
        address = f"{SESSIONS}/{recorded().pk}/export"
        assert at_home.get(address, {"format": "exe"}).status_code == 422
