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

from history import jobs, tasks
from history.export.formats import FORMATS
from history.models import Job
from history.models.job import STALE
from interaction.models import DiscardedFile, Session

Recorded = Callable[..., Session]
JOBS = "/api/v1/interaction/jobs"


def export(owner: User, *sessions: Session, format: str = "zip") -> Job:
    ids = [session.pk for session in sessions]
    return Job.of(owner, Job.Kind.EXPORT, ids, format=format)


class TestExport:
    @pytest.mark.parametrize("format", FORMATS)
    def test_a_selection_becomes_a_file(
        self, at_home: Client, owner: User, recorded: Recorded, format: str
    ) -> None:
        export(owner, recorded(), recorded(), format=format)
        tasks.run_jobs()
        [job] = at_home.get(JOBS).json()
        assert (job["state"], job["done"], job["affected"]) == ("done", 2, 2)
        answer = at_home.get(job["file_url"])
        content = b"".join(answer)  # type: ignore[call-overload]
        assert len(content) == job["size"] == int(answer["Content-Length"])
        if format == "zip":
            assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
        elif format == "json":
            assert len(json.loads(content)) == 2

    def test_the_page_asks_for_it_and_offers_it(self, at_home: Client, recorded: Recorded) -> None:
        form = {"do": "export", "format": "csv", "session": [str(recorded().pk)]}
        page = at_home.post("/history/selection/", form, follow=True).content.decode()
        assert "Waiting" in page
        assert 'hx-trigger="every 2s"' in page
        tasks.run_jobs()
        part = at_home.get("/history/jobs/").content.decode()
        assert f"/api/v1/interaction/jobs/{Job.objects.get().pk}/file" in part
        assert "hx-trigger" not in part

    def test_its_transcripts_are_in_the_language_of_who_asked(
        self, at_home: Client, recorded: Recorded
    ) -> None:
        form = {"do": "export", "format": "txt", "session": [str(recorded().pk)]}
        at_home.post("/history/selection/", form, headers={"accept-language": "zh-TW"})
        tasks.run_jobs()
        with Job.objects.get().file.open() as file:
            assert "You:" not in file.read().decode()

    def test_sessions_that_are_gone_are_passed_over(self, owner: User, recorded: Recorded) -> None:
        kept, gone = recorded(), recorded()
        job = export(owner, kept, gone)
        gone.delete()
        jobs.run(job)
        job.refresh_from_db()
        assert (job.state, job.total, job.affected) == ("done", 2, 1)

    def test_the_file_goes_with_the_job(
        self,
        at_home: Client,
        owner: User,
        recorded: Recorded,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        jobs.run(export(owner, recorded()))
        job = Job.objects.get()
        name = job.file.name
        assert default_storage.exists(name)
        Job.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with django_capture_on_commit_callbacks(execute=True):
            tasks.tidy()
        assert not default_storage.exists(name)
        assert at_home.get(f"{JOBS}/{job.pk}/file").status_code == 404

    def test_a_bug_fails_the_job_alone(
        self, owner: User, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken, whole = export(owner, recorded()), export(owner, recorded(), format="txt")

        def breaks(sessions: Any) -> Any:
            raise ZeroDivisionError

        form = FORMATS["zip"]
        monkeypatch.setitem(FORMATS, "zip", type(form)(form.label, form.content_type, breaks))
        jobs.run_waiting()
        states = {job.pk: job.state for job in Job.objects.all()}
        assert states == {broken.pk: "failed", whole.pk: "done"}


class TestTakingOver:
    def test_a_job_is_done_by_one_alone(self, owner: User, recorded: Recorded) -> None:
        job = export(owner, recorded())
        assert Job.objects.get().claim()
        assert not job.claim()

    def test_one_that_is_silent_is_taken_over_and_the_old_one_stops(
        self, owner: User, recorded: Recorded
    ) -> None:
        export(owner, recorded())
        lost = Job.objects.get()
        assert lost.claim()
        jobs.run_waiting()
        assert Job.objects.get().state == "running"
        Job.objects.update(beat_at=timezone.now() - 2 * STALE)
        jobs.run_waiting()
        assert Job.objects.get().state == "done"
        assert not lost.beat(done=1)
        assert not lost.finish("failed")
        assert Job.objects.get().state == "done"

    def test_cancelled_in_the_middle_it_stops_and_leaves_no_file(
        self,
        at_home: Client,
        owner: User,
        recorded: Recorded,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        job = export(owner, recorded(), recorded())
        save, saved = default_storage.save, []

        def cancelled_meanwhile(*args: Any) -> str:
            saved.append(save(*args))
            at_home.delete(f"{JOBS}/{job.pk}")
            return saved[0]

        monkeypatch.setattr(jobs.default_storage, "save", cancelled_meanwhile)
        with django_capture_on_commit_callbacks(execute=True):
            jobs.run(job)
        assert not Job.objects.exists()
        assert not default_storage.exists(saved[0])
        assert not DiscardedFile.objects.exists()

    def test_a_deletion_goes_on_where_it_was(self, owner: User, recorded: Recorded) -> None:
        sessions = [recorded(turns=0) for _ in range(3)]
        job = Job.of(owner, Job.Kind.DELETE, [one.pk for one in sessions], done=1, affected=1)
        jobs.run(job)
        job.refresh_from_db()
        assert Session.objects.get() == sessions[0]
        assert (job.state, job.done, job.affected) == ("done", 3, 3)

    def test_only_so_many_go_on_at_a_time(self, owner: User, recorded: Recorded) -> None:
        for _ in range(jobs.MOST_AT_ONCE):
            export(owner, recorded()).claim()
        waiting = export(owner, recorded())
        jobs.run_waiting()
        waiting.refresh_from_db()
        assert waiting.state == "waiting"

    def test_a_deletion_that_nobody_confirmed_is_forgotten(
        self, at_home: Client, owner: User, recorded: Recorded
    ) -> None:
        job = Job.draft(owner, [recorded().pk])
        assert at_home.get(JOBS).json() == []
        assert at_home.get(f"{JOBS}/{job.pk}").status_code == 404
        jobs.run_waiting()
        Job.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        tasks.tidy()
        assert not Job.objects.exists()
        assert Session.objects.exists()
