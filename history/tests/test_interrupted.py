"""Killed at any point, deleting, pruning, revoking, exporting and importing leave nothing broken,
and can be done again.

The act runs in a child process, which kills itself before its n-th statement, commit or touch of
the storage: for many n, until it comes to its end.
"""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.utils import timezone

from history import batches, deletion, orphans, retention, tasks
from history.deletion import erase, erase_in_chunks
from history.export.document import load
from history.export.formats import FORMATS
from history.importing import import_zip
from history.models import Batch, Retention
from history.tests.test_retention import empty_storage, long_ago  # noqa: F401 # it is a fixture
from interaction.models import DiscardedFile, Session, Turn

Recorded = Callable[..., Session]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("processes", "empty_storage"),
]


@contextmanager
def dying(before: int) -> Iterator[None]:
    """Kill this process before the ``before``-th thing that it does to database or storage."""
    left = before

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute: Any, *args: Any) -> Any:
        count()
        return execute(*args)

    def counted(act: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            count()
            return act(*args, **kwargs)

        return wrapped

    connection._commit = counted(connection._commit)  # type: ignore[attr-defined]
    for name in ("delete", "save"):
        setattr(default_storage, name, counted(getattr(default_storage, name)))
    with connection.execute_wrapper(statement):
        yield


def survives(act: Callable[[], Any], point: int) -> bool:
    """Whether the act comes to its end before it is killed."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with dying(point):
                act()
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it broke"
    return not os.WIFSIGNALED(status)


def killed_everywhere(
    prepare: Callable[[], Any], act: Callable[[], Any], check: Callable[[], None], every: int
) -> None:
    """At each ``every``-th point: prepare, be killed, and ``check`` what is left, which also does
    it again."""
    point = 0
    while True:
        prepare()
        ended = survives(act, point)
        check()
        if ended:
            break
        point += every
    assert point > 3 * every


def files() -> set[str]:
    """Of recordings, in the storage."""
    root = Path(default_storage.path("."))
    return {str(path.relative_to(root)) for path in root.rglob("*.wav")}


def nothing_is_broken(turns_of_each: int) -> None:
    """Each session is whole, with its files; every other file is on the list of those that go."""
    named = {name for turn in Turn.objects.all() for name in turn.audio_names}
    for session in Session.objects.all():
        assert session.turns.count() == turns_of_each
        assert session.summary.turn_count == turns_of_each
    assert named <= files()


def tidied() -> None:
    """After a while: what is left over by then is gone."""
    for name in files():
        long_ago(default_storage.path(name))
    Turn.objects.update(created_at=timezone.now() - timedelta(days=1))
    tasks.tidy()
    tasks.remove_orphans()
    assert files() == {name for turn in Turn.objects.all() for name in turn.audio_names}
    assert not DiscardedFile.objects.exists()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "CHUNK", 1)


def gone() -> None:
    assert not Session.objects.exists()
    assert not Turn.objects.exists()
    assert files() == set()


def test_a_bulk_deletion(recorded: Recorded, owner: User, small_chunks: None) -> None:
    def prepare() -> None:
        sessions = [recorded().pk for _ in range(2)]
        Batch.of(owner, Batch.Kind.DELETE, sessions)

    def check() -> None:
        nothing_is_broken(turns_of_each=2)
        listed = set(DiscardedFile.objects.values_list("name", flat=True))
        assert files() <= listed | {n for turn in Turn.objects.all() for n in turn.audio_names}
        Batch.objects.update(beat_at=timezone.now() - timedelta(hours=1))
        batches.run_waiting()
        assert Batch.objects.get().state == "done"
        tidied()
        gone()
        Batch.objects.all().delete()

    killed_everywhere(prepare, batches.run_waiting, check, every=11)


def test_pruning(recorded: Recorded, owner: User, small_chunks: None) -> None:
    def prepare() -> None:
        Retention.objects.get_or_create(user=owner, days=1)
        for _ in range(2):
            recorded()
        Session.objects.update(created_at=timezone.now() - timedelta(days=2))

    def check() -> None:
        nothing_is_broken(turns_of_each=2)
        retention.prune()
        tidied()
        gone()

    killed_everywhere(prepare, tasks.prune, check, every=13)


def test_taking_a_consent_back(recorded: Recorded) -> None:
    def check() -> None:
        session = Session.objects.get()
        nothing_is_broken(turns_of_each=2)
        session.revoke_recording()
        tidied()
        assert files() == set()
        assert session.turns.exclude(reply="").count() == 2
        erase([session.pk])

    killed_everywhere(recorded, lambda: Session.objects.get().revoke_recording(), check, every=5)


def test_an_export(recorded: Recorded, owner: User) -> None:
    sessions = [recorded().pk, recorded().pk]

    def check() -> None:
        batch = Batch.objects.get()
        if batch.file:
            assert default_storage.exists(str(batch.file))
        Batch.objects.update(beat_at=timezone.now() - timedelta(hours=2))
        batches.run_waiting()
        batch.refresh_from_db()
        assert batch.state == "done"
        with batch.file.open() as file, ZipFile(file) as archive:
            assert archive.testzip() is None
            assert "manifest.json" in archive.namelist()
        for name in default_storage.listdir("exports")[1]:
            long_ago(default_storage.path(f"exports/{name}"))
        orphans.remove(orphans.find())
        assert default_storage.listdir("exports")[1] == [Path(str(batch.file)).name]
        batch.delete()

    killed_everywhere(
        lambda: Batch.of(owner, Batch.Kind.EXPORT, sessions, format="zip"),
        batches.run_waiting,
        check,
        every=3,
    )


def test_an_import(recorded: Recorded, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr("history.export.zip_file.timezone.now", lambda: now)
    sessions = [recorded().pk, recorded().pk]
    times = dict(Turn.objects.values_list("pk", "created_at"))

    def zipped() -> bytes:
        return b"".join(FORMATS["zip"].many(load(sessions)))

    content = zipped()

    def prepare() -> None:
        erase_in_chunks(sessions)

    def check() -> None:
        nothing_is_broken(turns_of_each=2)
        import_zip(io.BytesIO(content), owner)
        assert zipped() == content
        tidied()
        for pk, created_at in times.items():
            Turn.objects.filter(pk=pk).update(created_at=created_at)
        assert zipped() == content

    killed_everywhere(prepare, lambda: import_zip(io.BytesIO(content), owner), check, every=7)
