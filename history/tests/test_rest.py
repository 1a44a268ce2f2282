"""Sessions, turns and recordings over REST: an owner, and a stranger for whom nothing is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.test import Client as Browser
from django.utils import timezone

from interaction.models import ApiToken, Session, Task, ToolInvocation, Turn, TurnLatency
from interaction.sessions import create
from interaction.sessions.settings import SessionSettings
from interaction.tests.edges.client import validator

SESSIONS = "/api/v1/interaction/sessions"


@pytest.fixture
def program(owner: Any) -> Browser:
    return Browser(headers={"authorization": f"Bearer {ApiToken.make(owner)}"})


@pytest.fixture
def other(stranger: Any) -> Browser:
    return Browser(headers={"authorization": f"Bearer {ApiToken.make(stranger)}"})


@pytest.fixture
def session(owner: Any) -> Session:
    return create.create_session(owner, SessionSettings(title="Weather"), active=False)


@pytest.fixture
def turn(session: Session) -> Turn:
    turn = Turn.objects.create(
        session=session,
        sequence=1,
        transcript="what is the weather like",
        reply="It is sunny. It will rain.",
        heard_text="It is sunny.",
        heard_ms=900,
        interrupted=True,
        end_reason="interrupted",
        started_at=timezone.now(),
    )
    TurnLatency.objects.create(turn=turn, e2e=640.5, yield_ms=80)
    turn.user_audio.save("user.wav", ContentFile(bytes(range(100))))
    return turn


class TestList:
    @pytest.fixture(autouse=True)
    def sessions(self, owner: Any, stranger: Any, turn: Turn) -> None:
        for number in range(3):
            create.create_session(owner, SessionSettings(title=f"No. {number}"), active=number == 0)
        create.create_session(stranger, SessionSettings(title="Not yours"), active=False)
        week_ago = timezone.now() - timedelta(days=7)
        Session.objects.filter(title="No. 2").update(created_at=week_ago)

    def titles(self, program: Browser, **wanted: Any) -> list[str]:
        asked: dict[str, Any] = {"silent": "too"} | wanted
        given = {name: value for name, value in asked.items() if value is not None}
        response = program.get(SESSIONS, given)
        assert response.status_code == 200, response.content
        for item in response.json()["items"]:
            validator("session").validate(item)
        return [item["title"] for item in response.json()["items"]]

    def test_it_holds_ones_own_the_newest_first(self, program: Browser) -> None:
        assert self.titles(program) == ["No. 1", "No. 0", "Weather", "No. 2"]

    def test_it_comes_in_pages(self, program: Browser) -> None:
        assert self.titles(program, page=2, page_size=3) == ["No. 2"]
        assert program.get(SESSIONS, {"page_size": "3", "silent": "too"}).json()["count"] == 4
        assert self.titles(program, page=9) == []

    def test_it_can_be_narrowed(self, program: Browser) -> None:
        yesterday = (timezone.now() - timedelta(days=1)).isoformat()
        assert self.titles(program, status="active") == ["No. 0"]
        assert self.titles(program, mode="realtime") == []
        assert self.titles(program, until=yesterday) == ["No. 2"]
        assert "No. 2" not in self.titles(program, since=yesterday)
        assert self.titles(program, text="no. 1") == ["No. 1"]
        assert self.titles(program, text="RAIN") == ["Weather"]

    def test_what_is_silent_is_left_out_unless_it_is_asked_for(self, program: Browser) -> None:
        assert self.titles(program, silent=None) == ["Weather"]
        assert self.titles(program, silent="only") == ["No. 1", "No. 0", "No. 2"]
        assert self.titles(program, silent=None, status="active") == ["No. 0"]
        assert "No. 1" in self.titles(program, silent=None, status="created")

    def test_it_comes_in_other_orders(self, program: Browser) -> None:
        assert self.titles(program, sort="oldest") == ["No. 2", "Weather", "No. 0", "No. 1"]
        assert self.titles(program, sort="turns")[0] == "Weather"
        assert program.get(SESSIONS, {"sort": "colour"}).status_code == 422

    def test_counts_are_of_all_turns(self, program: Browser) -> None:
        [item] = program.get(SESSIONS, {"text": "rain"}).json()["items"]
        assert (item["turn_count"], item["interrupted_count"]) == (1, 1)

    def test_a_filter_that_makes_no_sense_is_refused(self, program: Browser) -> None:
        assert program.get(SESSIONS, {"status": "asleep"}).status_code == 422
        assert program.get(SESSIONS, {"page": 0}).status_code == 422

    def test_many_sessions_cost_no_more_queries(
        self, program: Browser, django_assert_num_queries: Any
    ) -> None:
        self.titles(program)  # notes that the token was used
        with django_assert_num_queries(5):  # token, ids, sessions, tags, count
            self.titles(program)


class TestTurns:
    def test_a_turn_tells_what_was_said_heard_and_waited_for(
        self, program: Browser, turn: Turn
    ) -> None:
        [got] = program.get(f"{SESSIONS}/{turn.session_id}/turns").json()
        validator("turn").validate(got)
        for name in ("utterance", "agent_message", "task"):
            validator(name).validate(got[name])
        assert got["utterance"]["text"] == "what is the weather like"
        assert got["agent_message"]["heard_text"] == "It is sunny."
        assert got["latency"]["e2e"] == 640.5
        assert got["latency"]["yield"] == 80
        assert got["latency"]["ear"] is None
        assert got["task"]["status"] == "interrupted"
        assert [stage["stage"] for stage in got["task"]["stages"]] == ["stt", "llm", "tts"]
        assert got["agent_message"]["audio_url"] is None
        assert program.get(got["utterance"]["audio_url"]).content == bytes(range(100))

    def test_a_failed_turn_says_what_failed(self, program: Browser, turn: Turn) -> None:
        error = {
            "stage": "llm",
            "provider": "demo",
            "code": "provider_timeout",
            "message": "It took too long.",
            "retryable": True,
        }
        Turn.objects.filter(pk=turn.pk).update(error=error, kind="text")
        [got] = program.get(f"{SESSIONS}/{turn.session_id}/turns").json()
        validator("turn").validate(got)
        assert got["task"]["status"] == "failed"
        assert got["task"]["error"] == error
        assert [stage["stage"] for stage in got["task"]["stages"]] == ["llm", "tts"]

    def test_a_turn_tells_who_stepped_in_and_which_tools_were_run(
        self, program: Browser, turn: Turn
    ) -> None:
        facts = {"failed": "openai", "code": "provider_unavailable", "provider": "echo"}
        Turn.objects.filter(pk=turn.pk).update(fallbacks=[{"stage": "llm", **facts}])
        invocation = {
            "tool": "current_time",
            "arguments": "{}",
            "status": "succeeded",
            "result": '{"time": "10:30"}',
            "ms": 1.5,
        }
        task = Task.objects.create(pk=turn.pk, turn=turn)
        row = ToolInvocation.objects.create(task=task, sequence=0, **invocation)
        [got] = program.get(f"{SESSIONS}/{turn.session_id}/turns").json()
        validator("turn").validate(got)
        assert got["task"]["fallbacks"] == [{"stage": "llm", **facts}]
        assert got["task"]["invocations"] == [{"id": str(row.pk), **invocation}]
        assert got["task"]["stages"][1]["provider"] == "echo"

    def test_a_turn_without_figures_has_nulls(self, program: Browser, turn: Turn) -> None:
        TurnLatency.objects.all().delete()
        [got] = program.get(f"{SESSIONS}/{turn.session_id}/turns").json()
        assert set(got["latency"].values()) == {None}


class TestAudio:
    @pytest.mark.parametrize(
        ("wanted", "status", "part", "content_range"),
        [
            (None, 200, slice(None), None),
            ("bytes=0-9", 206, slice(0, 10), "bytes 0-9/100"),
            ("bytes=90-", 206, slice(90, 100), "bytes 90-99/100"),
            ("bytes=90-200", 206, slice(90, 100), "bytes 90-99/100"),
            ("bytes=-10", 206, slice(90, 100), "bytes 90-99/100"),
            ("bytes=-200", 206, slice(0, 100), "bytes 0-99/100"),
            ("bytes=100-", 416, slice(0, 0), "bytes */100"),
            ("bytes=-0", 416, slice(0, 0), "bytes */100"),
            ("bytes=0-1,5-6", 200, slice(None), None),
            ("bytes=9-1", 200, slice(None), None),
            ("bytes=-", 200, slice(None), None),
            ("seconds=0-1", 200, slice(None), None),
        ],
    )
    def test_ranges(
        self,
        program: Browser,
        turn: Turn,
        wanted: str | None,
        status: int,
        part: slice,
        content_range: str | None,
    ) -> None:
        headers = {"range": wanted} if wanted else {}
        url = f"{SESSIONS}/{turn.session_id}/turns/{turn.pk}/audio?side=user"
        response = program.get(url, headers=headers)
        assert response.status_code == status
        if status == 416:
            validator("api_error").validate(response.json())
        else:
            assert response.content == bytes(range(100))[part]
        assert response.get("Content-Range") == content_range
        if status != 416:
            assert response["Accept-Ranges"] == "bytes"
            assert response["Content-Type"] == "audio/wav"

    def test_a_side_that_was_not_recorded_is_not_there(self, program: Browser, turn: Turn) -> None:
        url = f"{SESSIONS}/{turn.session_id}/turns/{turn.pk}/audio"
        assert program.get(url, {"side": "agent"}).status_code == 404
        assert program.get(url, {"side": "both"}).status_code == 422
        assert program.get(url).status_code == 422


class TestDelete:
    def test_everything_goes_with_the_session(
        self, program: Browser, turn: Turn, django_capture_on_commit_callbacks: Any
    ) -> None:
        storage, name = turn.user_audio.storage, str(turn.user_audio)
        assert storage.exists(name)
        with django_capture_on_commit_callbacks(execute=True):
            assert program.delete(f"{SESSIONS}/{turn.session_id}").status_code == 204
        assert not Turn.objects.exists()
        assert not storage.exists(name)
        assert program.get(f"{SESSIONS}/{turn.session_id}").status_code == 404

    def test_a_session_in_progress_is_not_deleted(self, program: Browser, session: Session) -> None:
        Session.start(session.pk)
        response = program.delete(f"{SESSIONS}/{session.pk}")
        assert response.status_code == 409
        assert response.json()["error"]["code"] == "session_active"


def test_for_a_stranger_nothing_is_there(other: Browser, turn: Turn) -> None:
    one = f"{SESSIONS}/{turn.session_id}"
    for path in (one, f"{one}/turns", f"{one}/turns/{turn.pk}/audio?side=user"):
        response = other.get(path)
        assert response.status_code == 404
        validator("api_error").validate(response.json())
    assert other.delete(one).status_code == 404
    assert other.get(SESSIONS).json() == {"items": [], "count": 0}
    assert Session.objects.count() == 1


def test_a_turn_is_found_in_its_own_session_alone(program: Browser, owner: Any, turn: Turn) -> None:
    elsewhere = create.create_session(owner, SessionSettings(), active=False)
    url = f"{SESSIONS}/{elsewhere.pk}/turns/{turn.pk}/audio?side=user"
    assert program.get(url).status_code == 404
    assert program.get(f"{SESSIONS}/{uuid4()}/turns").status_code == 404
