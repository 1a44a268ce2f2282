"""Moonshine: which models are there, and recognition by a real engine process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from interaction.core.types import ProviderSelection
from interaction.credentials.provider_selection import resolve_choice
from interaction.providers import errors
from interaction.providers.config import ProviderConfig
from interaction.providers.registry import entries, missing_requirement
from interaction.providers.stage_protocols import FLUSH, Flush, Transcript
from interaction.tests.providers.adapters import given
from interaction.tests.standins import moonshine as standin
from voiceproject.testing.plugin import require

ENTRY = entries("stt")["moonshine"]
SECOND = b"\x00\x10" * 16_000
SMALL, TINY, CHINESE = "small-streaming-en", "tiny-streaming-en", "tiny-streaming-zh"

Fetch = Callable[..., None]
Spoken = list[Transcript]


@pytest.fixture(autouse=True)
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    """``fetched(*names)``: files as large as these models' are on the disk, which has no others."""
    require(find_spec("moonshine_voice"), "moonshine-voice")
    monkeypatch.setenv("MOONSHINE_VOICE_CACHE", str(tmp_path))
    from interaction.providers.local.moonshine.models import models

    def fetch(*names: str) -> None:
        for model in models():
            for name, size in model.files if model.name in names else ():
                model.path.mkdir(parents=True, exist_ok=True)
                (model.path / name).touch()
                os.truncate(model.path / name, size)

    return fetch


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engine processes have a stand-in for Moonshine's library."""
    monkeypatch.setenv("PYTHONPATH", str(Path(standin.__file__).parent))


@pytest.fixture
async def transcribe() -> AsyncIterator[Callable[..., asyncio.Future[Spoken]]]:
    """``hear(*audio)``: what is understood."""
    from interaction.providers.local.moonshine.stt import SpeechToText

    made = []

    async def transcribe(*audio: bytes | Flush, model: str = "") -> Spoken:
        provider = SpeechToText(ProviderConfig("moonshine", model=model, language="en-GB"))
        made.append(provider)
        return [transcript async for transcript in provider.transcribe(given(*audio))]

    yield lambda *audio, **options: asyncio.ensure_future(transcribe(*audio, **options))
    for provider in made:
        await provider.aclose()


def run(*names: str) -> str:
    out = StringIO()
    call_command("models", *names, stdout=out)
    return out.getvalue()


# Models.


def test_every_language_of_the_table_has_a_model_and_no_other_has() -> None:
    from interaction.providers.local.moonshine.models import models

    assert {model.language for model in models()} == set(ENTRY.capabilities.languages)


def test_what_the_package_ships_is_no_model() -> None:
    """Its folder of assets has one named ``tiny-en``: a tokenizer alone."""
    package = find_spec("moonshine_voice")
    assert package
    assert package.origin
    assets = Path(package.origin).parent / "assets" / "tiny-en"
    assert [path.name for path in assets.iterdir()] == ["tokenizer.bin"]
    assert missing_requirement(ENTRY) == "model"


def test_a_model_that_is_there_becomes_the_default_for_its_language(fetched: Fetch) -> None:
    assert resolve_choice("stt", ProviderSelection("")).name == "pocketsphinx"
    fetched(CHINESE)
    assert missing_requirement(ENTRY) == ""
    assert resolve_choice("stt", ProviderSelection("")).name == "pocketsphinx"
    assert resolve_choice("stt", ProviderSelection("", language="zh-Hant")).name == "moonshine"
    fetched(TINY)
    assert resolve_choice("stt", ProviderSelection("")).name == "moonshine"


def test_the_larger_model_is_the_better_one(fetched: Fetch) -> None:
    from interaction.providers.local.moonshine.models import best

    fetched(TINY, SMALL)
    found, named = best("en-US"), best("en-US", TINY)
    assert found
    assert named
    assert (found.name, named.name) == (SMALL, TINY)
    assert best("de") is None


def test_half_a_model_is_none(fetched: Fetch) -> None:
    from interaction.providers.local.moonshine.models import best

    fetched(TINY)
    model = best("en")
    assert model
    os.truncate(model.path / model.files[0][0], model.files[0][1] - 1)
    assert best("en") is None


# The command.


def test_the_command_lists_what_there_is_and_what_is_here(fetched: Fetch) -> None:
    fetched(SMALL)
    rows = {line.split()[0]: line.split() for line in run().splitlines() if "streaming" in line}
    assert rows[SMALL] == [SMALL, "142", "yes", "MIT"]
    assert rows[TINY] == [TINY, "45", "MIT"]
    assert rows[CHINESE][-1] == "non-commercial"


def test_a_download_that_fails_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(CommandError) as caught:
        run(SMALL)
    assert str(caught.value) == (
        f"{SMALL} was not fetched: the server cannot be reached."
        " The other recognisers go on as before."
    )
    assert missing_requirement(ENTRY, "en") == "model"


def test_what_is_here_already_is_not_fetched_again(
    fetched: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    fetched(TINY)
    assert f"{TINY} is here, in " in run(TINY)


def test_a_name_that_no_model_has_is_said() -> None:
    with pytest.raises(CommandError, match="There is no model huge-en"):
        run("huge-en")


# Recognition.


@pytest.mark.usefixtures("library")
async def test_partials_grow_while_the_audio_comes_and_the_end_has_all(fetched: Fetch) -> None:
    from interaction.providers.local.moonshine.stt import SpeechToText

    fetched(TINY)
    provider = SpeechToText(ProviderConfig("moonshine", language="en"))
    partial = asyncio.Event()

    async def speaking() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield SECOND
            await partial.wait()
            partial.clear()

    heard: list[str] = []
    async for transcript in provider.transcribe(speaking()):
        if transcript.text and [transcript.text] != heard[-1:]:
            heard.append(transcript.text)
            partial.set()
    await provider.aclose()
    assert heard == ["it was", "it was the best", "it was the best of times"]


@pytest.mark.usefixtures("library")
async def test_a_flush_gives_what_was_said_so_far_and_the_utterance_goes_on(
    fetched: Fetch, transcribe: Callable[..., asyncio.Future[Spoken]]
) -> None:
    fetched(TINY)
    heard = await transcribe(SECOND, SECOND[:16_000], FLUSH, SECOND)
    assert [t.text for t in heard if t.final] == ["it was the", "it was the best of"]


@pytest.mark.usefixtures("library")
async def test_people_who_talk_at_once_do_not_hear_each_other(
    fetched: Fetch, transcribe: Callable[..., asyncio.Future[Spoken]]
) -> None:
    fetched(TINY)
    lengths = (1, 2, 3, 5)
    answers = await asyncio.gather(*(transcribe(*[SECOND] * length) for length in lengths))
    assert [len(answer[-1].text.split()) for answer in answers] == [2, 4, 6, 10]


@pytest.mark.usefixtures("library")
async def test_a_long_recording_does_not_wait_for_itself(
    fetched: Fetch, transcribe: Callable[..., asyncio.Future[Spoken]]
) -> None:
    fetched(TINY)
    assert (await transcribe(bytes(40 * 32_000), SECOND))[-1] == Transcript("it was", final=True)


async def test_a_model_that_cannot_be_loaded_is_unavailable(
    fetched: Fetch, transcribe: Callable[..., asyncio.Future[Spoken]]
) -> None:
    """Here by the library itself: the files are as large as they should be, and empty."""
    fetched(TINY)
    with pytest.raises(errors.ProviderUnavailable, match="cannot use its model"):
        await transcribe(SECOND)


async def test_no_model_for_the_language_is_a_refusal(
    fetched: Fetch, transcribe: Callable[..., asyncio.Future[Spoken]]
) -> None:
    fetched(CHINESE)
    with pytest.raises(errors.ProviderRefused, match="for the language en-GB"):
        await transcribe(SECOND)
    with pytest.raises(errors.ProviderRefused, match="no Moonshine model huge-en"):
        await transcribe(SECOND, model="huge-en")
