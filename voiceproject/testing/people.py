"""The people of the tests: whose session it is, who is somebody else, and how they sound.

A plugin, so that every folder has the same ones. ``owner`` needs the database and no more; where
rows must be seen by other threads or processes, the test asks for ``transactional_db`` beside it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # they ask for Django's settings, which are not there yet
    from django.contrib.auth.models import User
    from django.test import Client

    from interaction.audio import wav
    from interaction.core.engine import SessionSpec


@pytest.fixture
def owner(db: None) -> User:
    return _person("owner")


@pytest.fixture
def stranger(db: None) -> User:
    """Somebody else, who has nothing to do with what is the owner's."""
    return _person("stranger")


@pytest.fixture
def own_models(tmp_path: Path) -> Iterator[Path]:
    """A folder for recognisers' models that has none."""
    from interaction.providers.local._shared import model_files

    before = model_files.models_folder()
    model_files.keep_models_in(tmp_path / "models")
    model_files.models_folder().mkdir()
    yield model_files.models_folder()
    model_files.keep_models_in(before)


@pytest.fixture
def token(owner: User) -> str:
    """The owner's, for programs."""
    from interaction.models import ApiToken

    return ApiToken.make(owner)


@pytest.fixture
def at_home(client: Client, owner: User) -> Client:
    """The owner's browser, signed in."""
    client.force_login(owner)
    return client


@pytest.fixture
def elsewhere(stranger: User) -> Client:
    """The stranger's browser, signed in."""
    return _browser(stranger)


@pytest.fixture
def cookie(owner: User) -> str:
    """The cookie of a browser in which the owner has signed in."""
    cookies = _browser(owner).cookies.items()
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies)


@pytest.fixture
def opened(transactional_db: None, owner: User) -> Callable[[SessionSpec], SessionSpec]:
    """``opened(spec)``: the same as the owner's, with an active session's row in the database."""
    from interaction.models import Session

    def open_session(spec: SessionSpec) -> SessionSpec:
        Session.objects.create(
            pk=spec.session_id,
            owner=owner,
            mode=spec.mode,
            recording=spec.recording,
            status=Session.Status.ACTIVE,
        )
        return replace(spec, owner_id=owner.pk)

    return open_session


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Callable[[str], wav.Sound]:
    """``spoken(text)``: the text in flite's slt voice, 16 kHz."""
    from interaction.audio import wav

    folder: Path = tmp_path_factory.mktemp("spoken")

    @cache
    def speak(text: str) -> wav.Sound:
        path = folder / f"{abs(hash(text))}.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", path], check=True)
        with path.open("rb") as file:
            return wav.read(file, max_seconds=60)

    return speak


def _person(name: str) -> User:
    from django.contrib.auth.models import User

    return User.objects.create_user(name)


def _browser(user: User) -> Client:
    from django.test import Client

    browser = Client()
    browser.force_login(user)
    return browser
