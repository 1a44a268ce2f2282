"""Deleting: what goes is said beforehand, goes as a whole, and takes its files along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from history import batches
from history.deletion import CHUNK, Goes, erase, erase_in_chunks, what_goes
from history.models import Batch, ShareLink
from interaction.models import DiscardedFile, Session, Turn

Recorded = Callable[..., Session]
Committed = Any
REST = "/api/v1/interaction"


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """``with committed():`` what is done within it is done for good, and so are its files."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def admin(owner: User, at_home: Client) -> Client:
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    return at_home


def folder(session: Session) -> Path:
    return Path(default_storage.path(f"audio/{session.pk}"))


class TestWhatGoes:
    def test_it_counts_everything_that_goes(self, recorded: Recorded) -> None:
        session, other = recorded(turns=2), recorded(turns=1)
        active = recorded(turns=3, status="active")
        ShareLink.make(session)
        ShareLink.make(session)[0].revoke()
        goes = what_goes([session.pk, other.pk, active.pk])
        assert goes == Goes(
            sessions=2,
            turns=3,
            recorded_ms=3 * 30,
            recorded_bytes=3 * (20 * 32 + 10 * 48),
            share_links=1,
            in_progress=1,
        )

    def test_the_bytes_are_those_on_the_disk(self, recorded: Recorded) -> None:
        session = recorded(turns=3)
        header = 44
        on_disk = sum(path.stat().st_size - header for path in folder(session).iterdir())
        assert what_goes([session.pk]).recorded_bytes == on_disk

    def test_nothing_takes_nothing(self, db: None) -> None:
        assert what_goes([]) == Goes()

    def test_it_takes_the_same_queries_however_much_goes(
        self, recorded: Recorded, django_assert_num_queries: Any
    ) -> None:
        sessions = [recorded(turns=2).pk for _ in range(5)]
        with django_assert_num_queries(6):
            what_goes(sessions)


class TestErase:
    def test_the_files_and_the_folder_go(self, recorded: Recorded, committed: Committed) -> None:
        session = recorded()
        assert len(list(folder(session).iterdir())) == 4
        with committed():
            assert erase([session.pk]) == 1
        assert not folder(session).exists()
        assert not DiscardedFile.objects.exists()

    def test_it_may_be_repeated(self, recorded: Recorded) -> None:
        session = recorded()
        assert erase([session.pk]) == 1
        assert erase([session.pk]) == 0

    def test_what_is_in_progress_stays_whole(
        self, recorded: Recorded, committed: Committed
    ) -> None:
        active, ended = recorded(status="active"), recorded()
        with committed():
            assert erase([active.pk, ended.pk]) == 1
        assert active.turns.count() == 2
        assert len(list(folder(active).iterdir())) == 4

    def test_a_transaction_that_fails_takes_no_file(self, recorded: Recorded, db: None) -> None:
        from django.db import transaction

        session = recorded()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            erase([session.pk])
            raise ZeroDivisionError
        assert len(list(folder(session).iterdir())) == 4
        assert not DiscardedFile.objects.exists()

    def test_many_go_in_batches_and_say_how_far_they_are(self, recorded: Recorded) -> None:
        sessions = [recorded(turns=0).pk for _ in range(2 * CHUNK + 1)]
        told: list[tuple[int, int]] = []

        def tell(done: int, erased: int) -> bool:
            told.append((done, erased))
            return True

        assert erase_in_chunks(sessions, tell) == 2 * CHUNK + 1
        assert told == [(CHUNK, CHUNK), (2 * CHUNK, 2 * CHUNK), (2 * CHUNK + 1, 2 * CHUNK + 1)]

    def test_told_to_stop_it_leaves_the_rest(self, recorded: Recorded) -> None:
        sessions = [recorded(turns=0).pk for _ in range(CHUNK + 1)]
        assert erase_in_chunks(sessions, lambda done, erased: False) == CHUNK
        assert Session.objects.count() == 1


class TestDiscardedFiles:
    def test_what_the_storage_keeps_is_tried_again(
        self, recorded: Recorded, committed: Committed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = recorded(turns=1)
        with monkeypatch.context() as patch, committed():
            patch.setattr(default_storage, "delete", _refuse)
            erase([session.pk])
        assert list(DiscardedFile.objects.values_list("failures", flat=True)) == [1, 1]
        assert DiscardedFile.remove_files() == 2
        assert not folder(session).exists()

    def test_what_cannot_be_removed_keeps_nothing_else_waiting(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good = default_storage.save("audio/x/good.wav", ContentFile(b"x"))
        delete = default_storage.delete
        monkeypatch.setattr(
            default_storage,
            "delete",
            lambda name: _refuse(name) if "bad" in name else delete(name),
        )
        DiscardedFile.discard(["audio/x/bad.wav", good])
        assert DiscardedFile.remove_files(1) == 0
        assert DiscardedFile.remove_files(1) == 1
        assert not default_storage.exists(good)

    def test_a_file_that_is_gone_already_is_no_trouble(self, db: None) -> None:
        DiscardedFile.discard(["audio/x/never.wav", "", None])
        assert DiscardedFile.remove_files() == 1
        assert DiscardedFile.remove_files() == 0

    def test_a_folder_with_something_in_it_stays(self, db: None) -> None:
        kept = default_storage.save("audio/y/kept.wav", ContentFile(b"x"))
        gone = default_storage.save("audio/y/gone.wav", ContentFile(b"x"))
        DiscardedFile.discard([gone])
        DiscardedFile.remove_files()
        assert default_storage.exists(kept)
        default_storage.delete(kept)


def _refuse(name: str) -> None:
    raise PermissionError(name)


class TestPages:
    def test_one_conversation_says_what_goes_and_goes(
        self, at_home: Client, recorded: Recorded, committed: Committed
    ) -> None:
        session = recorded()
        page = at_home.get(f"/history/{session.pk}/delete/").content.decode()
        assert "Delete this conversation?" in page
        assert '<b class="figure">2</b> turns' in page
        with committed():
            answer = at_home.post(f"/history/{session.pk}/delete/", follow=True)
        assert "1 conversation is deleted." in answer.content.decode()
        assert not folder(session).exists()

    def test_one_in_progress_is_refused_with_words(
        self, at_home: Client, recorded: Recorded
    ) -> None:
        session = recorded(status="active")
        page = at_home.get(f"/history/{session.pk}/delete/").content.decode()
        assert "is in progress and stays: end it first." in page
        page = at_home.post(f"/history/{session.pk}/delete/", follow=True).content.decode()
        assert "end it first" in page
        assert Session.objects.exists()

    def select(self, browser: Client, address: str = "/history/selection/", **form: Any) -> str:
        return browser.post(address, form, follow=True).content.decode()

    def test_a_selection_is_shown_confirmed_and_deleted(
        self, at_home: Client, recorded: Recorded, committed: Committed
    ) -> None:
        one, two, three = recorded(), recorded(), recorded()
        page = self.select(at_home, do="delete", session=[str(one.pk), str(two.pk)])
        assert "Delete 2 conversations?" in page
        assert Session.objects.count() == 3
        batch = Batch.objects.get()
        with committed():
            page = self.select(at_home, f"/history/batches/{batch.pk}/confirm/")
        assert "2 conversations are deleted." in page
        assert [row.pk for row in Session.objects.all()] == [three.pk]

    def test_all_means_what_the_filter_found_when_it_was_shown(
        self, at_home: Client, recorded: Recorded
    ) -> None:
        recorded()
        spared = recorded(status="created")
        self.select(at_home, "/history/selection/?status=ended&page=3", do="delete", all="1")
        later = recorded()
        self.select(at_home, f"/history/batches/{Batch.objects.get().pk}/confirm/")
        assert {row.pk for row in Session.objects.all()} == {spared.pk, later.pk}

    @pytest.mark.parametrize("query", ["?status=asleep", "?colour=red", "?since=never"])
    def test_a_filter_that_makes_no_sense_chooses_nothing(
        self, at_home: Client, recorded: Recorded, query: str
    ) -> None:
        recorded()
        form = {"do": "delete", "all": "1"}
        assert at_home.post(f"/history/selection/{query}", form).status_code == 400
        assert not Batch.objects.exists()

    def test_the_query_may_stand_in_the_form(self, at_home: Client, recorded: Recorded) -> None:
        recorded()
        recorded(status="created")
        self.select(at_home, do="delete", all="1", query="status=ended")
        assert Batch.objects.get().total == 1

    @pytest.mark.parametrize("form", [{}, {"session": ["x", ""]}, {"session": [str(Batch().pk)]}])
    def test_nothing_chosen_is_said(self, at_home: Client, db: None, form: dict[str, Any]) -> None:
        assert "Choose at least one" in self.select(at_home, do="delete", **form)

    def test_a_selection_of_somebody_elses_is_empty(
        self, elsewhere: Client, recorded: Recorded
    ) -> None:
        session = recorded()
        assert "Choose at least one" in self.select(
            elsewhere, do="delete", session=[str(session.pk)]
        )

    def test_confirming_twice_deletes_once(self, at_home: Client, recorded: Recorded) -> None:
        self.select(at_home, do="delete", session=[str(recorded().pk)])
        address = f"/history/batches/{Batch.objects.get().pk}/confirm/"
        assert "1 conversation is deleted." in self.select(at_home, address)
        assert "1 conversation is deleted." in self.select(at_home, address)

    def test_many_are_deleted_in_the_background(self, at_home: Client, recorded: Recorded) -> None:
        sessions = [str(recorded(turns=0).pk) for _ in range(CHUNK + 1)]
        self.select(at_home, do="delete", session=sessions)
        batch = Batch.objects.get()
        page = self.select(at_home, f"/history/batches/{batch.pk}/confirm/")
        assert "are being deleted" in page
        assert Session.objects.count() == CHUNK + 1
        batches.run_waiting()
        assert not Session.objects.exists()
        page = at_home.get("/history/data/").content.decode()
        assert "Done" in page


class TestRest:
    def create(self, browser: Client, **body: Any) -> Any:
        return browser.post(f"{REST}/batches", body, content_type="application/json")

    def test_what_goes_is_asked_for_first(self, at_home: Client, recorded: Recorded) -> None:
        session = recorded()
        answer = self.create(at_home, kind="delete", sessions=[str(session.pk)], dry_run=True)
        assert answer.status_code == 200
        assert answer.json() == {
            "sessions": 1,
            "turns": 2,
            "recorded_minutes": 0.001,
            "megabytes": 0.00224,
            "share_links": 0,
            "in_progress": 0,
        }
        assert Session.objects.exists()

    def test_a_few_are_gone_at_once(self, at_home: Client, recorded: Recorded) -> None:
        recorded()
        active = recorded(status="active")
        answer = self.create(at_home, kind="delete", filter={})
        assert answer.status_code == 202
        batch = answer.json()
        assert (batch["state"], batch["total"], batch["affected"]) == ("done", 2, 1)
        assert Session.objects.get() == active
        assert at_home.get(f"{REST}/batches/{batch['id']}").json() == batch
        assert at_home.get(f"{REST}/batches").json() == [batch]
        assert at_home.delete(f"{REST}/batches/{batch['id']}").status_code == 204
        assert at_home.get(f"{REST}/batches").json() == []

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"kind": "delete"}, 422),
            ({"kind": "delete", "sessions": [], "filter": {}}, 422),
            ({"kind": "delete", "filter": {"status": "asleep"}}, 422),
            ({"kind": "delete", "filter": {"colour": "red"}}, 400),
            ({"kind": "burn", "filter": {}}, 422),
            ({"kind": "export", "format": "exe", "filter": {}}, 422),
            ({"kind": "delete", "sessions": ["x"]}, 422),
            ({"kind": "delete", "sessions": None, "filter": None}, 422),
            ({"kind": "delete", "filter": {}, "force": True}, 422),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, at_home: Client, recorded: Recorded, body: dict[str, Any], status: int
    ) -> None:
        recorded()
        assert self.create(at_home, **body).status_code == status
        assert Session.objects.exists()

    def test_too_many_are_refused(
        self, at_home: Client, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            recorded(turns=0)
        monkeypatch.setattr("history.selections.MOST", 2)
        everything = {"silent": "too"}
        assert self.create(at_home, kind="delete", filter=everything).status_code == 413


class TestAdmin:
    def test_a_session_says_what_goes_and_takes_its_files_along(
        self, admin: Client, recorded: Recorded, committed: Committed
    ) -> None:
        session = recorded()
        address = f"/admin/interaction/session/{session.pk}/delete/"
        page = admin.get(address).content.decode()
        assert "minutes of recordings" in page.lower()
        with committed():
            assert admin.post(address, {"post": "yes"}).status_code == 302
        assert not Session.objects.exists()
        assert not folder(session).exists()

    def test_one_in_progress_is_refused_with_words(
        self, admin: Client, recorded: Recorded, committed: Committed
    ) -> None:
        session = recorded(status="active")
        address = f"/admin/interaction/session/{session.pk}/delete/"
        assert "is in progress: end it first" in admin.get(address).content.decode()
        with committed():
            admin.post(address, {"post": "yes"})
        assert session.turns.count() == 2

    def test_the_action_deletes_those_that_are_not_in_progress(
        self, admin: Client, recorded: Recorded, committed: Committed
    ) -> None:
        going, active = recorded(), recorded(status="active")
        form = {"action": "delete_selected", "_selected_action": [going.pk], "post": "yes"}
        with committed():
            admin.post("/admin/interaction/session/", form)
        assert Session.objects.get() == active
        form["_selected_action"] = [active.pk]
        with committed():
            page = admin.post("/admin/interaction/session/", form).content.decode()
        assert "is in progress: end it first" in page
        assert Session.objects.get() == active
        assert not folder(going).exists()

    def test_a_turn_takes_its_files_along(
        self, admin: Client, recorded: Recorded, committed: Committed
    ) -> None:
        session = recorded(turns=2)
        turn = session.turns.get(sequence=1)
        with committed():
            admin.post(f"/admin/interaction/turn/{turn.pk}/delete/", {"post": "yes"})
        assert len(list(folder(session).iterdir())) == 2
        assert session.summary.turn_count == 1

    def test_a_person_takes_their_conversations_and_files_along(
        self, admin: Client, recorded: Recorded, stranger: User, committed: Committed
    ) -> None:
        theirs, mine = recorded(by=stranger), recorded()
        address = f"/admin/auth/user/{stranger.pk}/delete/"
        assert "minutes of recordings" in admin.get(address).content.decode().lower()
        with committed():
            assert admin.post(address, {"post": "yes"}).status_code == 302
        assert not User.objects.filter(pk=stranger.pk).exists()
        assert not folder(theirs).exists()
        assert folder(mine).exists()

    def test_a_person_who_is_talking_is_not_deleted(
        self, admin: Client, recorded: Recorded, stranger: User, committed: Committed
    ) -> None:
        recorded(by=stranger, status="active")
        address = f"/admin/auth/user/{stranger.pk}/delete/"
        assert "is in progress: end it first" in admin.get(address).content.decode()
        with committed():
            admin.post(address, {"post": "yes"})
        assert User.objects.filter(pk=stranger.pk).exists()

    def test_a_person_with_a_long_history_is_deleted_in_the_background(
        self, admin: Client, recorded: Recorded, stranger: User, committed: Committed
    ) -> None:
        for _ in range(CHUNK + 1):
            recorded(by=stranger, turns=0)
        with committed():
            admin.post(f"/admin/auth/user/{stranger.pk}/delete/", {"post": "yes"})
        stranger.refresh_from_db()
        assert not stranger.is_active
        batches.run_waiting()
        assert not User.objects.filter(pk=stranger.pk).exists()
        assert Batch.objects.get().state == "done"

    def test_deleting_rows_anywhere_takes_their_files_along(
        self, recorded: Recorded, committed: Committed
    ) -> None:
        session = recorded()
        with committed():
            Turn.objects.filter(session=session, created_at__lte=timezone.now()).delete()
        assert not folder(session).exists()
