"""What is older, or takes more room, than is to be kept is let go of; what is lost is noticed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from history import orphans, retention, tasks
from history.models import Batch, Retention
from history.retention import Due, due, prune
from interaction.models import Session, Turn

Recorded = Callable[..., Session]
BYTES_A_TURN = 20 * 32 + 10 * 48


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``limits(days, megabytes)``: the installation's."""

    def limit(days: int = 0, megabytes: int = 0) -> None:
        update = {"parley_keep_days": days, "parley_keep_mb": megabytes}
        env = django_settings.ENV.model_copy(update=update)
        monkeypatch.setattr(django_settings, "ENV", env)

    return limit


@pytest.fixture
def small_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte is what a turn of the tests takes."""
    monkeypatch.setattr(retention, "MB", BYTES_A_TURN)


def aged(session: Session, days: float) -> Session:
    Session.objects.filter(pk=session.pk).update(created_at=timezone.now() - timedelta(days=days))
    return session


def going(user: User | None = None) -> dict[Any, str]:
    return {one.session_id: one.because for one in due(user)}


class TestDue:
    def test_without_limits_nothing_is(self, recorded: Recorded) -> None:
        aged(recorded(), 10_000)
        assert due() == []

    def test_what_is_older_than_the_server_keeps(
        self, recorded: Recorded, limits: Callable[..., None], owner: User
    ) -> None:
        limits(days=30)
        old = aged(recorded(), 30.1)
        aged(recorded(), 29.9)
        assert due() == [Due(old.pk, "age")]
        assert going(owner) == {old.pk: "age"}

    def test_what_is_older_than_its_owner_keeps(
        self, recorded: Recorded, owner: User, stranger: User
    ) -> None:
        Retention.objects.create(user=owner, days=7)
        mine, theirs = aged(recorded(), 8), aged(recorded(by=stranger), 8)
        assert going() == {mine.pk: "age"}
        assert going(stranger) == {}
        assert theirs.pk not in going()

    def test_the_stricter_of_two_limits_holds(
        self, recorded: Recorded, owner: User, limits: Callable[..., None]
    ) -> None:
        limits(days=10)
        Retention.objects.create(user=owner, days=20)
        old = aged(recorded(), 11)
        assert set(going()) == {old.pk}
        Retention.objects.update(days=5)
        aged(recorded(), 4)
        assert len(going()) == 1
        aged(recorded(), 6)
        assert len(going()) == 2

    def test_beyond_the_room_the_oldest_go(
        self, recorded: Recorded, limits: Callable[..., None], small_megabytes: None
    ) -> None:
        limits(megabytes=5)
        newest = aged(recorded(turns=2), 1)
        middle = aged(recorded(turns=3), 2)
        oldest = aged(recorded(turns=1), 3)
        assert going() == {oldest.pk: "size"}
        limits(megabytes=4)
        assert set(going()) == {middle.pk, oldest.pk}
        limits(megabytes=6)
        assert going() == {}
        assert newest.pk not in going()

    def test_what_goes_for_its_age_takes_no_room(
        self, recorded: Recorded, owner: User, small_megabytes: None
    ) -> None:
        Retention.objects.create(user=owner, days=10, megabytes=2)
        aged(recorded(turns=2), 1)
        old = aged(recorded(turns=2), 11)
        assert going() == {old.pk: "age"}

    def test_what_has_no_recording_takes_no_room(
        self, recorded: Recorded, owner: User, small_megabytes: None
    ) -> None:
        Retention.objects.create(user=owner, megabytes=1)
        aged(recorded(turns=1), 1)
        silent = aged(recorded(turns=2), 2)
        silent.revoke_recording()
        assert going() == {}

    def test_what_is_in_progress_is_spared(
        self, recorded: Recorded, limits: Callable[..., None], small_megabytes: None
    ) -> None:
        limits(days=1, megabytes=1)
        aged(recorded(turns=5, status="active"), 2)
        assert due() == []

    def test_what_is_starred_is_spared_and_takes_no_room(
        self, recorded: Recorded, limits: Callable[..., None], small_megabytes: None
    ) -> None:
        limits(days=1, megabytes=2)
        recorded(turns=2)
        aged(recorded(turns=5, starred=True), 2)
        assert due() == []

    def test_it_takes_the_same_queries_however_much_is_due(
        self, recorded: Recorded, limits: Callable[..., None], django_assert_num_queries: Any
    ) -> None:
        limits(days=1, megabytes=1)
        for _ in range(4):
            aged(recorded(), 2)
        with django_assert_num_queries(3):  # people's limits, age, size
            assert len(due()) == 4


class TestPrune:
    def test_what_is_due_goes_with_its_files(
        self, recorded: Recorded, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        Retention.objects.create(user=owner, days=1)
        old, new = aged(recorded(), 2), recorded()
        with django_capture_on_commit_callbacks(execute=True):
            tasks.prune()
        assert not Path(default_storage.path(f"audio/{old.pk}")).exists()
        assert Path(default_storage.path(f"audio/{new.pk}")).exists()
        assert prune() == 0

    def test_the_command_says_what_would_go(
        self, recorded: Recorded, owner: User, capsys: Any
    ) -> None:
        Retention.objects.create(user=owner, days=1)
        aged(recorded(turns=3), 2)
        call_command("prune_history", "--dry-run")
        said = capsys.readouterr().out
        assert "Conversations: 1 (1 for their age, 0 for their size); 3 turns" in said
        assert "Nothing was deleted." in said
        assert Session.objects.exists()
        call_command("prune_history")
        assert "Deleted: 1." in capsys.readouterr().out
        assert not Session.objects.exists()


class TestOwnLimits:
    def test_a_person_sets_them_on_the_page(self, at_home: Client, owner: User) -> None:
        answer = at_home.post("/history/data/", {"days": "30", "megabytes": ""}, follow=True)
        assert "The limits are kept." in answer.content.decode()
        assert (Retention.of(owner).days, Retention.of(owner).megabytes) == (30, None)
        at_home.post("/history/data/", {"days": "", "megabytes": "500"})
        assert (Retention.of(owner).days, Retention.of(owner).megabytes) == (None, 500)

    @pytest.mark.parametrize("days", ["0", "-1", "x", "99999", "1.5", str(2**40)])
    def test_a_limit_that_makes_no_sense_is_refused(
        self, at_home: Client, owner: User, days: str
    ) -> None:
        answer = at_home.post("/history/data/", {"days": days, "megabytes": ""})
        assert answer.status_code == 400
        assert "errorlist" in answer.content.decode()
        assert not Retention.objects.exists()

    def test_and_over_rest(self, at_home: Client, owner: User) -> None:
        address = "/api/v1/interaction/retention"
        assert at_home.get(address).json() == {"days": None, "megabytes": None}
        wanted = {"days": 7, "megabytes": None}
        assert at_home.put(address, wanted, content_type="application/json").json() == wanted
        assert at_home.get(address).json() == wanted
        bad = {"days": 0, "megabytes": None}
        assert at_home.put(address, bad, content_type="application/json").status_code == 422

    def test_the_page_says_what_is_due(
        self, at_home: Client, recorded: Recorded, limits: Callable[..., None]
    ) -> None:
        limits(days=1, megabytes=7)
        aged(recorded(), 2)
        page = at_home.get("/history/data/").content.decode()
        assert "1 conversation is due now." in page
        assert "older than 1 day." in page
        assert "Beyond 7 MB" in page

    def test_the_admin_sets_them_for_a_person(self, at_home: Client, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
        page = at_home.get(f"/admin/auth/user/{owner.pk}/change/").content.decode()
        assert 'name="retention-0-days"' in page
        assert at_home.get("/admin/auth/user/add/").status_code == 200


@pytest.fixture
def empty_storage(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def long_ago(path: Path | str) -> None:
    before = time.time() - 2 * 3600
    os.utime(path, (before, before))


@pytest.fixture
def settled(empty_storage: Path, recorded: Recorded) -> Recorded:
    """``recorded``, and nothing of it is young."""

    def settle(**fields: Any) -> Session:
        session = recorded(**fields)
        for path in (empty_storage / "audio" / str(session.pk)).iterdir():
            long_ago(path)
        Turn.objects.filter(session=session).update(created_at=timezone.now() - timedelta(hours=2))
        return session

    return settle


class TestOrphans:
    def stray(self, name: str, *, old: bool = True) -> str:
        saved = default_storage.save(name, ContentFile(b"x"))
        if old:
            long_ago(default_storage.path(saved))
        return saved

    def test_where_all_is_well_nothing_is_found(self, settled: Recorded) -> None:
        settled()
        assert orphans.find() == orphans.Orphans()

    @pytest.mark.parametrize(
        "folder", ["{session}", "b7c1c5f0-0000-4000-8000-000000000000", "no-uuid"]
    )
    def test_a_file_without_a_row_goes(self, settled: Recorded, folder: str) -> None:
        session = settled()
        name = self.stray(f"audio/{folder.format(session=session.pk)}/stray.wav")
        assert orphans.find().files == [name]
        tasks.remove_orphans()
        assert not default_storage.exists(name)
        assert orphans.find() == orphans.Orphans()
        assert all(default_storage.exists(str(turn.user_audio)) for turn in session.turns.all())

    def test_a_young_file_stays(self, settled: Recorded) -> None:
        self.stray(f"audio/{settled().pk}/young.wav", old=False)
        assert orphans.find().files == []

    def test_files_of_a_session_that_has_gone_on_for_hours_stay(self, settled: Recorded) -> None:
        settled(status="active")
        assert orphans.find() == orphans.Orphans()

    def test_files_of_turns_that_were_just_archived_stay(self, settled: Recorded) -> None:
        session = settled()
        Turn.objects.filter(session=session).update(created_at=timezone.now())
        assert orphans.find() == orphans.Orphans()

    def test_what_got_a_row_meanwhile_stays(self, settled: Recorded) -> None:
        session = settled()
        name = self.stray(f"audio/{session.pk}/late.wav")
        found = orphans.find()
        Turn.objects.filter(session=session, sequence=1).update(user_audio=name)
        orphans.remove(found)
        assert default_storage.exists(name)

    @pytest.mark.parametrize("whole_folder", [False, True])
    def test_a_recording_whose_file_is_gone_is_no_link_any_more(
        self, settled: Recorded, at_home: Client, whole_folder: bool
    ) -> None:
        session, other = settled(turns=1), settled(turns=1)
        turn = session.turns.get()
        default_storage.delete(str(turn.user_audio))
        if whole_folder:
            default_storage.delete(str(turn.agent_audio))
            default_storage.delete(f"audio/{session.pk}")
        lost = {(turn.pk, "user"), *([(turn.pk, "agent")] if whole_folder else [])}
        assert set(orphans.find().turns) == lost
        tasks.remove_orphans()
        turn.refresh_from_db()
        assert not turn.user_audio
        assert bool(turn.agent_audio) is not whole_folder
        assert other.turns.get().user_audio
        page = at_home.get(f"/history/{session.pk}/").content.decode()
        assert "A recording of this turn is lost: its file is gone." in page
        assert "is lost" not in at_home.get(f"/history/{other.pk}/").content.decode()

    def test_a_recording_that_came_back_keeps_its_link(self, settled: Recorded) -> None:
        turn = settled(turns=1).turns.get()
        with turn.user_audio.open("rb") as file:
            content = file.read()
        default_storage.delete(str(turn.user_audio))
        found = orphans.find()
        default_storage.save(str(turn.user_audio), ContentFile(content))
        orphans.remove(found)
        turn.refresh_from_db()
        assert turn.user_audio

    def test_a_storage_that_is_away_loses_nothing(
        self, settled: Recorded, empty_storage: Path
    ) -> None:
        session = settled()
        (empty_storage / "audio").rename(empty_storage / "elsewhere")
        tasks.remove_orphans()
        assert session.turns.exclude(user_audio="").count() == 2

    def test_an_exports_file_without_its_batch_goes(self, settled: Recorded, owner: User) -> None:
        kept, stray = self.stray("exports/kept.zip"), self.stray("exports/stray.zip")
        Batch.objects.create(owner=owner, kind="export", file=kept)
        assert orphans.find().files == [stray]

    def test_it_takes_the_same_queries_however_much_there_is(
        self, settled: Recorded, django_assert_num_queries: Any
    ) -> None:
        for _ in range(5):
            settled()
        with django_assert_num_queries(2):  # rows of the folders, sessions without one
            orphans.find()
