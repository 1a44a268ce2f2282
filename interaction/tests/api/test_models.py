"""The models that can be fetched: over REST, on the voice page and by manage.py."""

from __future__ import annotations

import fcntl
import os
from io import StringIO
from pathlib import Path
from typing import get_args

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from interaction.api.models import reason_of
from interaction.providers.local._shared.model_files import FetchFailed, Trouble, WheelModel
from interaction.providers.local.moonshine.models import MODELS

API, PART = "/api/v1/interaction/models", "/better-ears/"
BUTTON = "Better recognition for this language"

pytestmark = pytest.mark.usefixtures("own_models")


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models whose fetch was begun; it goes no further."""
    names: list[str] = []
    for module in ("interaction.api.models", "interaction.views"):
        monkeypatch.setattr(f"{module}.start_fetch", lambda model: names.append(model.name))
    return names


@pytest.fixture
def boss(at_home: Client, owner: User) -> Client:
    owner.is_superuser = True
    owner.save()
    return at_home


def place(folder: Path, name: str = "tiny-en") -> None:
    (folder / name).mkdir()
    for file in MODELS[name].files:
        (folder / name / file.name).touch()
        os.truncate(folder / name / file.name, file.size)


def states(browser: Client, language: str = "en") -> dict[str, str]:
    told = browser.get(API, {"language": language}).json()
    return {model["name"]: model["state"] for model in told["models"]}


# REST.


def test_every_model_is_listed_with_its_state(at_home: Client, own_models: Path) -> None:
    assert states(at_home) == {"tiny-en": "absent", "base-en": "absent"}
    place(own_models)
    (own_models / "base-en.failed").write_text("disk_full")
    assert states(at_home) == {"tiny-en": "here", "base-en": "failed"}
    assert states(at_home, "de") == {}
    assert len(at_home.get(API).json()["models"]) == 2
    told = at_home.get(API).json()["models"][1]
    assert "full" in told["reason"]


def test_a_superuser_begins_a_fetch(boss: Client, begun: list[str]) -> None:
    answer = boss.post(f"{API}/tiny-en")
    assert (answer.status_code, begun) == (202, ["tiny-en"])
    assert boss.post(f"{API}/huge-en").status_code == 404


def test_nobody_else_does(at_home: Client, client: Client, begun: list[str]) -> None:
    answer = at_home.post(f"{API}/tiny-en")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_permitted")
    assert Client().post(f"{API}/tiny-en").status_code == 401
    assert begun == []


def test_what_fails_is_told_and_kept(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from interaction.api import models

    def failing(model: WheelModel, progress: object) -> None:
        raise FetchFailed("offline")

    monkeypatch.setattr(WheelModel, "_fetch", failing)
    models._fetch(MODELS["tiny-en"])
    told = boss.get(API).json()["models"][0]
    assert told["state"] == "failed"
    assert "network" in told["reason"]


def test_every_trouble_has_its_advice() -> None:
    reasons = {reason_of(trouble) for trouble in get_args(Trouble)}
    assert len(reasons) == len(get_args(Trouble))
    assert all(reason.endswith(".") for reason in reasons)
    assert reason_of(None) == ""


# The voice page.


def shown(browser: Client, **asked: str) -> str:
    return browser.get(PART, asked).content.decode()


def test_what_helps_is_offered_to_who_may_fetch_it(
    boss: Client, elsewhere: Client, own_models: Path
) -> None:
    assert shown(boss, language="en-GB").count(BUTTON) == 1
    assert shown(elsewhere, language="en") == ""
    place(own_models)
    assert "base-en" in shown(boss)
    place(own_models, "base-en")
    assert BUTTON not in shown(boss)
    assert Client().get(PART).status_code == 401


@pytest.mark.parametrize("language", ["de", "zh-TW", "yue", "ja", "xx", "e", "-", "ENG"])
def test_where_nothing_helps_nothing_is_shown(boss: Client, language: str) -> None:
    assert shown(boss, language=language).strip() == ""


def test_a_fetch_is_begun_and_followed(boss: Client, begun: list[str], own_models: Path) -> None:
    page = boss.post(PART, {"model": "tiny-en", "language": "en"}).content.decode()
    assert begun == ["tiny-en"]
    assert "<progress" in page
    assert "load delay:1s" in page
    (own_models / "tiny-en.part").mkdir()
    (own_models / "tiny-en.part" / "wheel").touch()
    os.truncate(own_models / "tiny-en.part" / "wheel", MODELS["tiny-en"].wheel_size // 2)
    with (own_models / "tiny-en.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert 'value="50"' in shown(boss)  # after a reload, too
        assert 'value="50"' in shown(boss, fetching="tiny-en")
    place(own_models)
    assert "tiny-en is here" in shown(boss, fetching="tiny-en")
    assert "tiny-en is here" not in shown(boss)


def test_a_fetch_that_failed_says_why_and_can_be_tried_again(
    boss: Client, own_models: Path
) -> None:
    (own_models / "tiny-en.failed").write_text("offline")
    page = shown(boss, fetching="tiny-en")
    assert page.count("Check the network") == 2
    assert BUTTON in page


def test_nobody_else_begins_one_on_the_page(at_home: Client, begun: list[str]) -> None:
    at_home.post(PART, {"model": "tiny-en"})
    Client().post(PART, {"model": "tiny-en"})
    assert begun == []


# manage.py models


def run(*words: str) -> str:
    out = StringIO()
    call_command("models", *words, stdout=out)
    return out.getvalue()


def test_the_command_lists_what_there_is_and_what_is_here(own_models: Path) -> None:
    place(own_models)
    rows = {line.split()[0]: line.split() for line in run().splitlines() if "-en " in line}
    assert rows["tiny-en"] == ["tiny-en", "44", "yes", "MIT"]
    assert rows["base-en"] == ["base-en", "64", "MIT"]


def test_a_fetch_that_fails_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(model: WheelModel, progress: object) -> None:
        raise FetchFailed("offline")

    monkeypatch.setattr(WheelModel, "_fetch", failing)
    line = (
        "tiny-en was not fetched. The package index cannot be reached. Check the network, and try"
        " again. The other recognisers go on."
    )
    with pytest.raises(CommandError) as caught:
        run("tiny-en")
    assert str(caught.value) == line
    assert line in run("tiny-en", "--if-missing")


def test_what_is_here_already_is_not_fetched_again(own_models: Path) -> None:
    place(own_models)
    assert "tiny-en is here, in " in run("tiny-en")
    assert run("tiny-en", "--if-missing") == ""


def test_a_name_that_no_model_has_is_said() -> None:
    with pytest.raises(CommandError, match="There is no model huge-en"):
        run("huge-en")
