"""What people read is there in every language that is offered."""

from __future__ import annotations

import gettext
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from voiceproject.environment import BASE_DIR
from voiceproject.testing.plugin import program

CATALOGUE = Path("voiceproject/locale/zh_Hant/LC_MESSAGES/django.po")
IN_A_TERMINAL = (
    *("interaction/management/", "interaction/talk/", "voiceproject/management/"),
    *("voiceproject/checks.py", "voiceproject/command_line.py"),
)
"""Where people may read English, like the tools around them."""


def ran(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def messages(compiled: Path) -> dict[Any, str]:
    with compiled.open("rb") as file:
        catalogue: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in catalogue.items() if key}


@pytest.fixture
def collected(tmp_path: Path, processes: None) -> Path:
    """A copy of the catalogue, brought up to date with the texts of this moment."""
    program("xgettext")
    unneeded = shutil.ignore_patterns("tests", "__pycache__")
    for part in ("history", "interaction", "templates", "voiceproject"):
        shutil.copytree(BASE_DIR / part, tmp_path / part, ignore=unneeded)
    shutil.copy(BASE_DIR / "manage.py", tmp_path)
    (wanted,) = (
        line.split("$(MANAGE) ")[1]
        for line in (BASE_DIR / "Makefile").read_text().replace("\\\n", "").splitlines()
        if "makemessages" in line
    )
    subprocess.run(
        f"{sys.executable} manage.py {wanted}",
        shell=True,
        check=True,
        cwd=tmp_path,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    return tmp_path / CATALOGUE


def test_whatever_a_page_says_is_translated(collected: Path) -> None:
    """``make messages`` collects new texts; then the catalogue wants their translations."""
    missing = [
        entry
        for only in ("--untranslated", "--only-fuzzy")
        for entry in ran(program("msgattrib"), only, "--no-wrap", collected).split("\n\n")[1:]
        if not all(
            place.startswith(IN_A_TERMINAL)
            for line in entry.splitlines()
            if line.startswith("#: ")
            for place in line.removeprefix("#: ").split()
        )
    ]
    assert missing == []


def test_what_is_compiled_is_what_is_written(tmp_path: Path, processes: None) -> None:
    """Installing needs no gettext, so the compiled catalogue is kept beside the written one."""
    written = BASE_DIR / CATALOGUE
    ran(program("msgfmt"), "--check-format", "-o", tmp_path / "fresh.mo", written)
    assert messages(written.with_suffix(".mo")) == messages(tmp_path / "fresh.mo")


@pytest.mark.parametrize(
    ("wanted", "language", "title"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-hant", "登入"),
        ("zh-HK", "zh-hant", "登入"),
        ("de,fr;q=0.5", "en", "Sign in"),
    ],
)
def test_the_browser_says_which_language_a_person_reads(
    client: Client, db: None, wanted: str, language: str, title: str
) -> None:
    page = client.get("/sign-in/", headers={"accept-language": wanted}).content.decode()
    assert f'<html lang="{language}">' in page
    assert f"<h1>{title}</h1>" in page


def test_every_language_names_itself() -> None:
    assert dict(settings.LANGUAGES) == {"en": "English", "zh-hant": "繁體中文"}
