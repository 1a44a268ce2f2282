"""What ``manage.py`` says and does before a command, and where one cannot do its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection

from voiceproject.command_line import (
    differs_from_the_default,
    explained,
    is_about_no_installation,
    language_of,
    sqlite_file,
    which,
)
from voiceproject.environment import BASE_DIR
from voiceproject.instances import Adopted, Instance


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", True), ("help", True), ("help talk", True), ("--help", True), ("-h", True),
        ("--version", True), ("version", True), ("up", True), ("up --prepare", True),
        ("models", True), ("models base-en", True), ("talk --help", True), ("migrate -h", True),
        ("makemessages", True), ("talk a.wav", False), ("api_token owner", False),
        ("migrate", False), ("migrate --plan", False), ("sign_in_link", False),
        ("changepassword help", False), ("shell", False), ("check", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_some_commands_are_about_no_installation(words: str, expected: bool) -> None:
    assert is_about_no_installation(["manage.py", *words.split()]) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"LANG": ""}, None),
        ({"LANG": "C"}, None),
        ({"LANG": "C.UTF-8"}, None),
        ({"LANG": "POSIX"}, None),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh-hant"),
        ({"LANG": "zh_HK"}, "zh-hant"),
        ({"LANG": "zh_TW.UTF-8@radical"}, "zh-hant"),
        ({"LANG": "de_DE.UTF-8@euro"}, None),
        ({"LANG": "/../x"}, None),
        ({"LANG": "x" * 600}, None),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh-hant"),
        ({"LANG": "zh_TW.UTF-8", "LC_MESSAGES": "zh_TW", "LC_ALL": "en_US"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_TW.UTF-8"}, "zh-hant"),
    ],
)
def test_the_persons_language_is_the_terminals(
    environ: dict[str, str], expected: str | None
) -> None:
    assert language_of(environ) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError("no such table: auth_user"), "run `manage.py migrate` first"),
        (OperationalError("no such column: interaction_turn.x"), "run `manage.py migrate` first"),
        (OperationalError("table a has no column named b"), "run `manage.py migrate` first"),
        (OperationalError("database is locked"), "cannot be used: database is locked."),
        (OperationalError("attempt to write a readonly database"), "cannot be used: attempt"),
        (OperationalError("database or disk is full"), "cannot be used: database or disk is full."),
        (OperationalError("a\nb"), "cannot be used: a."),
        (IntegrityError("UNIQUE constraint failed"), None),
        (DatabaseError("file is not a database"), "cannot be used: file is not a database."),
        (DatabaseError("database disk image is malformed"), "image is malformed."),
        (ProgrammingError("Incorrect number of bindings"), None),
    ],
)
def test_what_is_the_matter_with_the_database_is_one_line(
    error: Exception, expected: str | None
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the run's database is another")
    said = explained(error)
    assert said == "" if expected is None else expected in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProgrammingError('relation "auth_user" does not exist\nLINE 1: …'), "manage.py migrate"),
        (ProgrammingError('column x.y does not exist'), "manage.py migrate"),
        (OperationalError('connection failed: FATAL:  database "x" does not exist'), "be used:"),
        (OperationalError("connection failed: Connection refused\n\tIs it?"), "refused."),
        (OperationalError("FATAL:  password authentication failed for user \"p\""), "be used:"),
        (ProgrammingError("syntax error"), ""),
    ],
)  # fmt: skip
def test_postgresql_says_it_differently(
    error: Exception, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(connection._connections[connection._alias]), "vendor", "postgresql")  # type: ignore[attr-defined]
    said = explained(error)
    assert expected in said
    assert bool(said) == bool(expected)


@pytest.mark.parametrize("name", ["a b", "größer", "a?b#c", "100%25", "資料"])
def test_a_database_that_is_not_there_is_named_by_its_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the run's database is another")
    file = tmp_path / name / "parley.sqlite3"
    monkeypatch.setitem(connection.settings_dict, "NAME", f"file:{quote(str(file))}?mode=rw")
    assert sqlite_file() == file
    error = OperationalError("unable to open database file")
    assert explained(error).startswith(f"There is no database in {file.parent}. ")
    file.parent.mkdir()
    file.touch()
    assert explained(error).startswith(f"The database {file} cannot be opened.")


def adopted(*, is_running: bool = True, others: int = 0, **choices: str) -> Adopted:
    return Adopted(Instance({"PARLEY_DATA_DIR": str(BASE_DIR / "data"), **choices}, 1.0),
                   is_running, others)  # fmt: skip


def test_which_one_is_said_where_it_is_not_the_usual_one() -> None:
    assert not differs_from_the_default(adopted())
    assert not differs_from_the_default(adopted(PORT="8000", PARLEY_HOST="127.0.0.1"))
    for other in (
        adopted(PORT="8001"),
        adopted(others=1),
        adopted(PARLEY_DATA_DIR="/elsewhere"),
    ):
        assert differs_from_the_default(other)


def test_it_is_said_whether_it_runs_and_how_many_others_do() -> None:
    assert "on port 8001." in which(adopted(PORT="8001"))
    assert "does not run now" in which(adopted(PORT="8001", is_running=False))
    assert "1 other runs too" in which(adopted(PORT="8001", others=1))
    assert "2 others run too" in which(adopted(PORT="8001", others=2))


LOOKING = [
    "help", "talk --help", "check", "providers", "models", "address", "showmigrations",
    "migrate --plan", "migrate --check", "sign_in_link", "api_token owner", "seed", "up",
    "changepassword owner", "createsuperuser --noinput --username x --email x@example.org",
    "reseal", "talk --text hello", "schemas --help", "sqlmigrate interaction 0001",
    "findstatic talk/main.js", "version", "nonsense", "dumpdata", "clearsessions",
]  # fmt: skip
"""None of these may make anything: most of them find no database."""
WITHOUT_DATABASE = {
    "help", "talk --help", "check", "providers", "models", "address", "schemas --help",
    "findstatic talk/main.js", "version",
}  # fmt: skip
DRIVER = """
import contextlib, io, json, sys
from voiceproject.command_line import run
told = {}
for words in json.loads(sys.argv[1]):
    err, code = io.StringIO(), 0
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        try:
            run(["manage.py", *words.split()])
        except SystemExit as ended:
            code = ended.code or 0
    told[words] = [code, err.getvalue()]
print(json.dumps(told))
"""


def test_commands_that_look_make_nothing_and_say_what_is_missing(
    tmp_path: Path, processes: None
) -> None:
    """One process runs them all: a start of Django takes a second."""
    folder = tmp_path / "there is none"
    env = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "voiceproject.settings",
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),  # where onnxruntime keeps its own
        "PARLEY_ENV_FILE": os.devnull,
        "PARLEY_DATA_DIR": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(LOOKING)],
        cwd=BASE_DIR, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    for words, (code, said) in told.items():
        if words in WITHOUT_DATABASE:
            assert (code, said) == (0, ""), words
            continue
        assert code == 1, words
        if words not in ("nonsense", "dumpdata", "sqlmigrate interaction 0001"):
            assert said.startswith(f"There is no database in {folder}. "), words
            assert said.count("\n") == 1, words
    assert {path.name for path in tmp_path.iterdir()} <= {"cache"}


def test_a_database_without_tables_is_to_be_migrated(tmp_path: Path, processes: None) -> None:
    (tmp_path / "parley.sqlite3").touch()
    env = {
        "PATH": os.environ["PATH"],
        "PARLEY_ENV_FILE": os.devnull,
        "PARLEY_DATA_DIR": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    told = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "api_token", "owner"],
        cwd="/", env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    assert told.stderr == "The database is not up to date: run `manage.py migrate` first.\n"
    assert not (tmp_path / "state").exists()


def test_migrate_makes_the_folder_and_the_database(tmp_path: Path, processes: None) -> None:
    folder = tmp_path / "not yet/größer als 100%"
    env = {
        "PATH": os.environ["PATH"],
        "PARLEY_ENV_FILE": os.devnull,
        "PARLEY_DATA_DIR": str(folder),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    migrate = [sys.executable, str(BASE_DIR / "manage.py"), "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd="/", env=env, check=True)
    assert {path.name for path in folder.iterdir()} == {"parley.sqlite3"}
