"""Taking in what was exported: the same ids, the same bytes, whole sessions or none."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from history import importing
from history.deletion import erase
from history.export.document import load
from history.export.formats import FORMATS
from history.importing import ImportRefused, import_zip
from history.models import SessionSummary
from interaction.models import Session, Task, Turn

Recorded = Callable[..., Session]
pytestmark = pytest.mark.django_db


def zipped(*sessions: Session) -> bytes:
    return b"".join(FORMATS["zip"].many(load([session.pk for session in sessions])))


def imported(content: bytes, owner: User) -> tuple[int, int]:
    report = import_zip(io.BytesIO(content), owner)
    return len(report.imported), len(report.already_here)


def changed(content: bytes, change: Callable[[dict[str, bytes]], Any]) -> bytes:
    """The ZIP with its files changed in place, {name: content}; the manifest's sums are as they
    were."""
    with ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    return packed(files.items())


def packed(files: Iterable[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(ZipInfo(name), data)
    return target.getvalue()


def resealed(content: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The ZIP with its only document changed, and sums that fit: what a clever hand would make."""
    with ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    [path] = [name for name in files if name.endswith("session.json")]
    document = json.loads(files[path])
    change(document)
    files[path] = json.dumps(document).encode()
    manifest = json.loads(files["manifest.json"])
    for one in manifest["sessions"][0]["files"]:
        if one["name"] == "session.json":
            one |= {"size": len(files[path]), "sha256": sha256(files[path]).hexdigest()}
    files["manifest.json"] = json.dumps(manifest).encode()
    return packed(files.items())


@pytest.fixture
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """``exported_at``, the one field that differs, does not."""
    now = datetime(2026, 11, 25, tzinfo=UTC)
    monkeypatch.setattr("history.export.zip_file.timezone.now", lambda: now)


def test_what_is_exported_again_is_the_same_to_the_byte(
    recorded: Recorded, owner: User, stranger: User, at_rest: None
) -> None:
    sessions = [recorded(starred=True), recorded(turns=1), recorded(turns=0)]
    first = zipped(*sessions)
    erase([session.pk for session in sessions])
    assert imported(first, stranger) == (3, 0)
    assert zipped(*sessions) == first
    assert {row.owner for row in Session.objects.all()} == {stranger}


def test_the_imported_are_found_like_all_others(recorded: Recorded, owner: User) -> None:
    session = recorded()
    [summary] = SessionSummary.objects.values()
    content = zipped(session)
    erase([session.pk])
    imported(content, owner)
    [again] = SessionSummary.objects.values()
    assert again | {"search_id": 0} == summary | {"search_id": 0}


def test_it_may_be_repeated(recorded: Recorded, owner: User) -> None:
    content = zipped(recorded(), recorded())
    names = {turn.user_audio.name for turn in Turn.objects.all()}
    assert imported(content, owner) == (0, 2)
    erase([Session.objects.first().pk])  # type: ignore[union-attr]
    assert imported(content, owner) == (1, 1)
    assert imported(content, owner) == (0, 2)
    assert len({turn.user_audio.name for turn in Turn.objects.all()} & names) == 2


def test_a_session_that_was_in_progress_there_has_ended_here(
    recorded: Recorded, owner: User
) -> None:
    session = recorded(status="active", ended_at=None)
    content = zipped(session)
    Session.objects.update(status="ended")
    erase([session.pk])
    imported(content, owner)
    assert Session.objects.get().status == "ended"


def test_somebody_elses_session_is_not_taken(
    recorded: Recorded, owner: User, stranger: User
) -> None:
    content = zipped(recorded())
    with pytest.raises(ImportRefused, match="somebody else"):
        imported(content, stranger)


def test_somebody_elses_turns_are_not_taken(recorded: Recorded, owner: User) -> None:
    session = recorded(turns=1)
    content = zipped(session)
    other = recorded(turns=0)
    Turn.objects.update(session=other)
    erase([session.pk])
    with pytest.raises(ImportRefused, match="in another session"):
        imported(content, owner)
    assert Turn.objects.get().session == other


def _first_document(files: dict[str, bytes]) -> str:
    return next(name for name in files if name.endswith("session.json"))


def _set(path: str, value: bytes) -> Callable[[dict[str, bytes]], Any]:
    return lambda files: files.__setitem__(path, value)


def _without(end: str) -> Callable[[dict[str, bytes]], Any]:
    return lambda files: files.pop(next(name for name in files if name.endswith(end)))


def _edited(old: bytes, new: bytes, end: str) -> Callable[[dict[str, bytes]], Any]:
    def edit(files: dict[str, bytes]) -> None:
        path = next(name for name in files if name.endswith(end))
        assert old in files[path]
        files[path] = files[path].replace(old, new)

    return edit


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(_without("manifest.json"), "has no manifest.json", id="no manifest"),
        pytest.param(_set("manifest.json", b"{"), "manifest.json is not", id="broken manifest"),
        pytest.param(_set("manifest.json", b"[]"), "manifest.json is not", id="another manifest"),
        pytest.param(
            _edited(b'"version": 1', b'"version": 2', "manifest.json"), "another version", id="v2"
        ),
        pytest.param(
            _edited(b"parley.export", b"zip.export", "manifest.json"), "version", id="format"
        ),
        pytest.param(_without("session.json"), "damaged", id="no document"),
        pytest.param(_without(".wav"), "damaged", id="no recording"),
        pytest.param(_without("transcript.md"), "damaged", id="no transcript"),
        pytest.param(_set("sessions/x.txt", b"x"), "damaged", id="one more"),
        pytest.param(_set("../../etc/passwd", b"x"), "damaged", id="a way out"),
        pytest.param(_set("/etc/passwd", b"x"), "damaged", id="an absolute path"),
        pytest.param(_set("sessions\\..\\x", b"x"), "damaged", id="backslashes"),
        pytest.param(_set("C:\\x", b"x"), "damaged", id="a drive"),
        pytest.param(_edited(b"sunny", b"rainy", "session.json"), "damaged", id="other words"),
        pytest.param(_edited(b"RIFF", b"RIFX", "user.wav"), "damaged", id="another recording"),
        pytest.param(_edited(b"WAVE", b"WAVE\0", "user.wav"), "damaged", id="longer recording"),
    ],
)
def test_what_was_changed_is_refused_and_nothing_is_imported(
    recorded: Recorded, owner: User, change: Callable[[dict[str, bytes]], Any], says: str
) -> None:
    sessions = [recorded(), recorded()]
    content = changed(zipped(*sessions), change)
    erase([session.pk for session in sessions])
    with pytest.raises(ImportRefused, match=says):
        imported(content, owner)
    assert not Session.objects.exists()


def _turn(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document["turns"][0].update(fields)


def _session(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document["session"].update(fields)


def _twice(document: dict[str, Any]) -> None:
    document["turns"].append(document["turns"][0] | {"user_audio": None, "agent_audio": None})


def _task_twice(document: dict[str, Any]) -> None:
    document["turns"][0]["tasks"] *= 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_session(id="b7c1c5f0-0000-4000-8000-000000000000"), id="another id"),
        pytest.param(_session(title="x" * 201), id="long title"),
        pytest.param(_session(title="a\0b"), id="nul"),
        pytest.param(_session(mode="telepathy"), id="mode"),
        pytest.param(_session(status="asleep"), id="status"),
        pytest.param(_session(settings={"colour": "red"}), id="unknown setting"),
        pytest.param(_session(settings={"providers": 1}), id="wrong setting"),
        pytest.param(_session(settings={"mode": "realtime"}), id="column as setting"),
        pytest.param(_session(owner=1), id="an owner"),
        pytest.param(_session(created_at="yesterday"), id="no time"),
        pytest.param(_session(created_at=None), id="no creation"),
        pytest.param(_turn(sequence=0), id="turn 0"),
        pytest.param(_turn(sequence=2**31), id="sequence"),
        pytest.param(_turn(heard_ms=-1), id="negative"),
        pytest.param(_turn(heard_ms=2**31), id="too many"),
        pytest.param(_turn(heard_ms=1.5), id="half a millisecond"),
        pytest.param(_turn(end_reason="x" * 17), id="long reason"),
        pytest.param(_turn(kind="sung"), id="kind"),
        pytest.param(_turn(user_audio="../../../x.wav"), id="a way out"),
        pytest.param(_turn(user_audio="/etc/passwd"), id="an absolute path"),
        pytest.param(_turn(user_audio="transcript.md"), id="no recording"),
        pytest.param(_turn(user_audio="audio/0001-agent.wav"), id="one for two"),
        pytest.param(_turn(user_audio=None), id="one for none"),
        pytest.param(_turn(latency={"speed": 1}), id="unknown figure"),
        pytest.param(_turn(error="bad"), id="error"),
        pytest.param(_turn(id="x"), id="turn id"),
        pytest.param(_turn(extra=1), id="extra"),
        pytest.param(_twice, id="turn twice"),
        pytest.param(_task_twice, id="task twice"),
        pytest.param(lambda document: document.pop("turns"), id="no turns"),
        pytest.param(lambda document: document.update(version=2), id="version 2"),
        pytest.param(lambda document: document.update(version="1"), id="version as text"),
    ],
)
def test_what_no_export_says_is_refused(
    recorded: Recorded, owner: User, change: Callable[[dict[str, Any]], Any]
) -> None:
    session = recorded(turns=1)
    content = resealed(zipped(session), change)
    erase([session.pk])
    with pytest.raises(ImportRefused):
        imported(content, owner)
    assert not Session.objects.exists()
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 4096, b"PK\x03\x04" + bytes(40), b"%PDF-1.7\n"],
)
def test_what_is_no_zip_is_refused(owner: User, content: bytes) -> None:
    with pytest.raises(ImportRefused):
        imported(content, owner)


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_what_was_cut_off_is_refused(recorded: Recorded, owner: User, part: float) -> None:
    content = zipped(recorded())
    with pytest.raises(ImportRefused):
        imported(content[: int(part * len(content))], owner)


def test_whatever_byte_is_damaged_nothing_breaks(recorded: Recorded, owner: User) -> None:
    session = recorded(turns=1)
    content = zipped(session)
    erase([session.pk])
    for place in range(0, len(content), 211):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        try:
            imported(bytes(damaged), owner)
        except ImportRefused:
            assert not Session.objects.exists()
        else:  # a time in the ZIP, or another byte that says nothing
            assert zipped(session)
            erase([session.pk])


class TestBombs:
    def bomb(self, recorded: Recorded, name: str, size: int) -> bytes:
        """An export with a file that grows to ``size`` zeroes, and says so."""
        session = recorded(turns=1)
        content = zipped(session)
        erase([session.pk])
        return changed(content, lambda files: files.update({name: bytes(size)}))

    def test_a_manifest_that_grows_is_not_read(
        self, recorded: Recorded, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "LARGEST_MANIFEST", 100_000)
        with pytest.raises(ImportRefused, match=r"manifest\.json"):
            imported(self.bomb(recorded, "manifest.json", 1_000_000), owner)

    def test_a_size_that_lies_is_not_believed(self, recorded: Recorded, owner: User) -> None:
        session = recorded(turns=1)
        content = zipped(session)
        erase([session.pk])
        with ZipFile(io.BytesIO(content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        name = next(name for name in files if name.endswith("transcript.md"))
        honest = packed((files | {name: bytes(5_000_000)}).items())
        # In the directory it is as small as the manifest says.
        small = struct.pack("<I", len(files[name]))
        lying = honest.replace(struct.pack("<I", 5_000_000), small)
        assert lying != honest
        with pytest.raises(ImportRefused, match=r"transcript\.md"):
            imported(lying, owner)

    def test_more_than_the_disk_has_room_for_is_refused(
        self, recorded: Recorded, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = zipped(recorded())
        usage = type("Usage", (), {"free": 1000})
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
        with pytest.raises(ImportRefused, match="room"):
            imported(content, owner)


def test_a_name_twice_is_refused(recorded: Recorded, owner: User) -> None:
    with ZipFile(io.BytesIO(zipped(recorded()))) as archive:
        files = [(name, archive.read(name)) for name in archive.namelist()]
    with pytest.warns(UserWarning, match="Duplicate"):
        content = packed([*files, files[0]])
    with pytest.raises(ImportRefused):
        imported(content, owner)


def test_a_storage_that_breaks_half_way_leaves_no_half_a_session(
    recorded: Recorded,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    sessions = [recorded(), recorded()]
    content = zipped(*sessions)
    with django_capture_on_commit_callbacks(execute=True):
        erase([session.pk for session in sessions])
    save = default_storage.save
    saved: list[str] = []

    def breaks(*args: Any, **kwargs: Any) -> str:
        if len(saved) == 6:
            raise OSError("no space left on device")
        saved.append(save(*args, **kwargs))
        return saved[-1]

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(default_storage, "save", breaks)
        with pytest.raises(OSError, match="no space"):
            imported(content, owner)
    assert [row.pk for row in Session.objects.all()] == [sessions[0].pk]
    assert [default_storage.exists(name) for name in saved] == [True] * 4 + [False] * 2
    assert imported(content, owner) == (1, 1)


def test_the_commands(recorded: Recorded, owner: User, tmp_path: Any, capsys: Any) -> None:
    session = recorded()
    path = tmp_path / "history.zip"
    call_command("export_history", str(path), "--status", "ended")
    erase([session.pk])
    call_command("import_history", str(path))
    call_command("import_history", str(path))
    said = capsys.readouterr().out
    assert "Exported: 1." in said
    assert "Imported: 1. Here already: 0." in said
    assert "Imported: 0. Here already: 1." in said
    assert [one.name for one in tmp_path.iterdir()] == ["history.zip"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("import_history", "/nowhere/x.zip"), "cannot be read"),
        (("export_history", "/nowhere/x.zip"), "cannot be written"),
        (("export_history", "x.zip", "--status", "asleep"), "status"),
        (("export_history", "x.zip", "--user", "nobody"), "no active user"),
    ],
)
def test_a_command_says_what_is_wrong(owner: User, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command(*words)
