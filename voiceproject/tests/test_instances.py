"""Which Parley a command is about."""

from __future__ import annotations

import contextlib
import fcntl
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from voiceproject import instances
from voiceproject.environment import BASE_DIR
from voiceproject.instances import DATA_DIR_VARIABLE, LOCK_NAME, adopt, remember


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's state folder, and no ``.env``."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(instances, "ENV_FILE", tmp_path / ".env")
    return tmp_path / "state"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as locks:
        yield locks


def start(folder: Path, now: float, locks: contextlib.ExitStack | None, **values: str) -> Path:
    """An installation there; it runs as long as ``locks``, or no longer."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / LOCK_NAME).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    locks.enter_context(lock) if locks else lock.close()
    remember(folder, values, now)
    return folder


def found(**environ: str) -> dict[str, str]:
    """The environment that a command goes by."""
    adopt(environ)
    return environ


def test_nothing_is_adopted_where_nothing_ran(state: Path) -> None:
    environ: dict[str, str] = {}
    assert adopt(environ) is None
    assert environ == {}
    assert not state.exists()


NAMES = ["a b", "größer", "資料", "a#b?c&d", "100%25", "$HOME", 'it\'s "so"', "a\nb", "." * 3 + "x"]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_its_folder_is_called_it_is_found(
    tmp_path: Path, started: contextlib.ExitStack, name: str
) -> None:
    folder = start(tmp_path / name, 1, started, PORT="8123")
    assert found() == {DATA_DIR_VARIABLE: str(folder), "PORT": "8123"}


def test_what_the_command_is_given_wins(tmp_path: Path, started: contextlib.ExitStack) -> None:
    start(tmp_path / "a", 1, started, PORT="8123", PARLEY_HOST="::1")
    assert found(PORT="9000")["PORT"] == "9000"
    assert found(PARLEY_HOST="localhost")["PARLEY_HOST"] == "localhost"
    assert found(PORT="")["PORT"] == "8123", "empty is not given"


def test_a_folder_that_is_given_is_about_that_one(
    tmp_path: Path, started: contextlib.ExitStack
) -> None:
    first = start(tmp_path / "a", 1, started, PORT="8001")
    start(tmp_path / "b", 2, started, PORT="8002")
    assert found(**{DATA_DIR_VARIABLE: str(first)})["PORT"] == "8001"
    assert "PORT" not in found(**{DATA_DIR_VARIABLE: str(tmp_path / "c")})


@pytest.mark.parametrize("spelled", ["~/data", "../data", "data"])
def test_a_folder_may_be_spelled_as_settings_take_it(
    tmp_path: Path,
    started: contextlib.ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    spelled: str,
) -> None:
    """Relative to the checkout, or to the home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(instances, "BASE_DIR", tmp_path / ("." if spelled == "data" else "code"))
    start(tmp_path / "data", 1, started, PORT="8123")
    assert found(**{DATA_DIR_VARIABLE: spelled})["PORT"] == "8123"


def test_one_that_runs_comes_before_one_that_ran_later(
    tmp_path: Path, started: contextlib.ExitStack
) -> None:
    start(tmp_path / "runs", 1, started, PORT="8001")
    start(tmp_path / "ran", 2, None, PORT="8002")
    adopted = adopt({})
    assert adopted
    assert (adopted.instance.port, adopted.is_running, adopted.others_running) == ("8001", True, 0)


def test_of_several_the_last_one_is_taken_and_the_others_are_counted(
    tmp_path: Path, started: contextlib.ExitStack
) -> None:
    for number in (1, 3, 2):
        start(tmp_path / str(number), number, started, PORT=f"800{number}")
    adopted = adopt({})
    assert adopted
    assert (adopted.instance.port, adopted.others_running) == ("8003", 2)
    assert found(PORT="8001")[DATA_DIR_VARIABLE] == str(tmp_path / "1"), "its port says which"


def test_one_that_was_killed_does_not_run_and_is_known_still(tmp_path: Path) -> None:
    with contextlib.ExitStack() as locks:
        start(tmp_path / "a", 1, locks, PORT="8123")
    adopted = adopt({})
    assert adopted
    assert not adopted.is_running
    assert found()["PORT"] == "8123"


def test_what_env_says_counts_from_the_next_start_on(
    tmp_path: Path, started: contextlib.ExitStack
) -> None:
    (tmp_path / ".env").write_text("PORT=9000\n")
    start(tmp_path / "ran", 1, None, PORT="8001", PARLEY_HOST="::1")
    assert "PORT" not in found()
    assert found()["PARLEY_HOST"] == "::1"
    start(tmp_path / "runs", 2, started, PORT="8002")
    assert found()["PORT"] == "8002"


def test_a_folder_in_env_is_the_one(tmp_path: Path, started: contextlib.ExitStack) -> None:
    start(tmp_path / "a", 1, started, PORT="8001")
    (tmp_path / ".env").write_text(f"PARLEY_DATA_DIR={tmp_path / 'b'}\n")
    assert found() == {}
    start(tmp_path / "b", 0, None, PORT="8002")
    assert found()["PORT"] == "8002"


def test_a_database_that_is_given_is_no_other_installations(
    tmp_path: Path, started: contextlib.ExitStack
) -> None:
    start(tmp_path / "a", 1, started, PORT="8001", DATABASE_URL="postgres://x/y")
    assert "PORT" not in found(DATABASE_URL="postgres://x/z")
    assert found(DATABASE_URL="postgres://x/y")["PORT"] == "8001"


def test_notes_are_their_owners_alone(tmp_path: Path, state: Path) -> None:
    start(tmp_path / "a", 1, None, DATABASE_URL="postgres://u:secret@x/y")
    (note,) = state.rglob("*.json")
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert stat.S_IMODE(note.parent.stat().st_mode) == 0o700


def test_a_folder_that_has_gone_is_forgotten(tmp_path: Path, state: Path) -> None:
    folder = start(tmp_path / "a", 1, None, PORT="8001")
    (folder / LOCK_NAME).unlink()
    folder.rmdir()
    assert adopt({}) is None
    start(tmp_path / "b", 2, None)
    assert len([*state.rglob("*.json")]) == 1


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", "null", "1", '{"choices": {}}', '{"choices": [], "started_at": 1}',
     '{"choices": {"PARLEY_DATA_DIR": "/"}}', '{"choices": {"PARLEY_DATA_DIR": "/no"}, "started_at"'
     ': 1}', '{"choices": {"PARLEY_DATA_DIR": "/"}, "started_at": "soon"}', "\xff"],
)  # fmt: skip
def test_a_damaged_note_is_none(tmp_path: Path, state: Path, damaged: str) -> None:
    start(tmp_path / "a", 1, None)
    (note,) = state.rglob("*.json")
    note.write_bytes(damaged.encode("latin-1"))
    assert adopt({}) is None


def test_a_note_cannot_set_what_is_none_of_its_business(tmp_path: Path, state: Path) -> None:
    folder = start(tmp_path / "a", 1, None)
    (note,) = state.rglob("*.json")
    choices = {DATA_DIR_VARIABLE: str(folder), "LD_PRELOAD": "/x", "OPENAI_API_KEY": "sk-x"}
    note.write_text(json.dumps({"started_at": 1, "choices": choices}))
    assert found() == {DATA_DIR_VARIABLE: str(folder)}


def test_another_checkout_has_notes_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path / "a", 1, None)
    monkeypatch.setattr(instances, "BASE_DIR", BASE_DIR / "elsewhere")
    assert adopt({}) is None


def test_a_user_without_a_home_has_no_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "user_folder", lambda *_: None)
    start(tmp_path / "a", 1, None)
    assert adopt({}) is None


def test_an_unreadable_env_is_left_to_the_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe\n")
    start(tmp_path / "a", 1, None, PORT="8001")
    assert found()["PORT"] == "8001"
