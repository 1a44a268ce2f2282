"""Jobs: exports and deletions of many conversations, in the background."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from history import batches, tasks
from history.export.formats import FORMATS
from history.models import Batch
from history.models.batch import STALE
from interaction.models import DiscardedFile, Session

Recorded = Callable[..., Session]
BATCHES = "/api/v1/interaction/batches"


def export(owner: User, *sessions: Session, format: str = "zip") -> Batch:
    ids = [session.pk for session in sessions]
    return Batch.of(owner, Batch.Kind.EXPORT, ids, format=format)


class TestExport:
    @pytest.mark.parametrize("format", FORMATS)
    def test_a_selection_becomes_a_file(
        self, at_home: Client, owner: User, recorded: Recorded, format: str
    ) -> None:
        export(owner, recorded(), recorded(), format=format)
        tasks.run_batches()
        [batch] = at_home.get(BATCHES).json()
        assert (batch["state"], batch["done"], batch["affected"]) == ("done", 2, 2)
        answer = at_home.get(batch["file_url"])
        content = b"".join(answer)
        assert len(content) == batch["size"] == int(answer["Content-Length"])
        if format == "zip":
            assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
        elif format == "json":
            assert len(json.loads(content)) == 2

    def test_the_page_asks_for_it_and_offers_it(self, at_home: Client, recorded: Recorded) -> None:
        form = {"do": "export", "format": "csv", "session": [str(recorded().pk)]}
        page = at_home.post("/history/selection/", form, follow=True).content.decode()
        assert "Waiting" in page
        assert 'hx-trigger="every 2s"' in page
        tasks.run_batches()
        part = at_home.get("/history/batches/").content.decode()
        assert f"/api/v1/interaction/batches/{Batch.objects.get().pk}/file" in part
        assert "hx-trigger" not in part

    def test_its_transcripts_are_in_the_language_of_who_asked(
        self, at_home: Client, recorded: Recorded
    ) -> None:
        form = {"do": "export", "format": "txt", "session": [str(recorded().pk)]}
        at_home.post("/history/selection/", form, headers={"accept-language": "zh-TW"})
        tasks.run_batches()
        with Batch.objects.get().file.open() as file:
            assert "You:" not in file.read().decode()

    def test_sessions_that_are_gone_are_passed_over(self, owner: User, recorded: Recorded) -> None:
        kept, gone = recorded(), recorded()
        batch = export(owner, kept, gone)
        gone.delete()
        batches.run(batch)
        batch.refresh_from_db()
        assert (batch.state, batch.total, batch.affected) == ("done", 2, 1)

    def test_the_file_goes_with_the_batch(
        self,
        at_home: Client,
        owner: User,
        recorded: Recorded,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        batches.run(export(owner, recorded()))
        batch = Batch.objects.get()
        name = batch.file.name
        assert default_storage.exists(str(name))
        Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with django_capture_on_commit_callbacks(execute=True):
            tasks.tidy()
        assert not default_storage.exists(str(name))
        assert at_home.get(f"{BATCHES}/{batch.pk}/file").status_code == 404

    def test_a_bug_fails_the_batch_alone(
        self, owner: User, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken, whole = export(owner, recorded()), export(owner, recorded(), format="txt")

        def breaks(sessions: Any) -> Any:
            raise ZeroDivisionError

        form = FORMATS["zip"]
        monkeypatch.setitem(FORMATS, "zip", type(form)(form.label, form.content_type, breaks))
        batches.run_waiting()
        states = {batch.pk: batch.state for batch in Batch.objects.all()}
        assert states == {broken.pk: "failed", whole.pk: "done"}


class TestTakingOver:
    def test_a_batch_is_done_by_one_alone(self, owner: User, recorded: Recorded) -> None:
        batch = export(owner, recorded())
        assert Batch.objects.get().claim()
        assert not batch.claim()

    def test_one_that_is_silent_is_taken_over_and_the_old_one_stops(
        self, owner: User, recorded: Recorded
    ) -> None:
        export(owner, recorded())
        lost = Batch.objects.get()
        assert lost.claim()
        batches.run_waiting()
        assert Batch.objects.get().state == "running"
        Batch.objects.update(beat_at=timezone.now() - 2 * STALE)
        batches.run_waiting()
        assert Batch.objects.get().state == "done"
        assert not lost.beat(done=1)
        assert not lost.finish("failed")
        assert Batch.objects.get().state == "done"

    def test_cancelled_in_the_middle_it_stops_and_leaves_no_file(
        self,
        at_home: Client,
        owner: User,
        recorded: Recorded,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        batch = export(owner, recorded(), recorded())
        save = default_storage.save
        saved: list[str] = []

        def cancelled_meanwhile(*args: Any) -> str:
            saved.append(save(*args))
            at_home.delete(f"{BATCHES}/{batch.pk}")
            return saved[0]

        monkeypatch.setattr(default_storage, "save", cancelled_meanwhile)
        with django_capture_on_commit_callbacks(execute=True):
            batches.run(batch)
        assert not Batch.objects.exists()
        assert not default_storage.exists(saved[0])
        assert not DiscardedFile.objects.exists()

    def test_a_deletion_goes_on_where_it_was(self, owner: User, recorded: Recorded) -> None:
        sessions = [recorded(turns=0) for _ in range(3)]
        batch = Batch.of(owner, Batch.Kind.DELETE, [one.pk for one in sessions], done=1, affected=1)
        batches.run(batch)
        batch.refresh_from_db()
        assert Session.objects.get() == sessions[0]
        assert (batch.state, batch.done, batch.affected) == ("done", 3, 3)

    def test_only_so_many_go_on_at_a_time(self, owner: User, recorded: Recorded) -> None:
        for _ in range(batches.MOST_AT_ONCE):
            export(owner, recorded()).claim()
        waiting = export(owner, recorded())
        batches.run_waiting()
        waiting.refresh_from_db()
        assert waiting.state == "waiting"

    def test_a_deletion_that_nobody_confirmed_is_forgotten(
        self, at_home: Client, owner: User, recorded: Recorded
    ) -> None:
        batch = Batch.draft(owner, [recorded().pk])
        assert at_home.get(BATCHES).json() == []
        assert at_home.get(f"{BATCHES}/{batch.pk}").status_code == 404
        batches.run_waiting()
        Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        tasks.tidy()
        assert not Batch.objects.exists()
        assert Session.objects.exists()
