"""People's keys in a whole installation: whose key is used, and where it is never to be found."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from interaction.audio import wav
from interaction.tests.credentials.person import Person, make_people
from interaction.tests.standins.openai import mark
from voiceproject.testing.installation import Install, Installation
from voiceproject.testing.stack import Providers

KEYS = {"alpha": "sk-alpha-0123456789abcdefALFA", "beta": "sk-beta-fedcba9876543210BETA"}
PITCH = {"alpha": 2_500, "beta": 4_000}
"""What the stand-in knows them by, in Hz."""
STAGES = ("stt", "llm", "tts")


@pytest.fixture
def parley(tmp_path: Path, standin: Providers, install: Install) -> Iterator[Installation]:
    """It logs everything, and has no key of its own."""
    env = {"OPENAI_BASE_URL": standin.url, "PARLEY_LOG_LEVEL": "DEBUG"}
    with install(tmp_path, **env) as installation:
        installation.wait_until_ready()
        yield installation


def used(standin: Providers) -> dict[str, set[str]]:
    """By whose voice was answered: the keys with which that was asked for."""
    keys: dict[str, set[str]] = {name: set() for name in PITCH}
    for stage in ("llm", "tts"):
        for request in standin.requests(stage):
            (name,) = [name for name, hz in PITCH.items() if str(hz) in str(request["body"])]
            keys[name].add(request["authorization"])
    return keys


@pytest.fixture
def people(parley: Installation) -> Iterator[dict[str, Person]]:
    with ExitStack() as stack:
        made = make_people(parley, *KEYS)
        yield {name: stack.enter_context(one) for name, one in made.items()}


@pytest.mark.slow
async def test_everybody_talks_with_their_own_key_and_nobody_sees_it(
    parley: Installation,
    people: dict[str, Person],
    standin: Providers,
    spoken: Callable[[str], wav.Sound],
) -> None:
    for name, person in people.items():
        person.sign_in()
        page = person.submit("/settings/keys/openai/", key=KEYS[name]).text
        assert KEYS[name][-4:] in page
        person.submit("/settings/keys/openai/try/")
        person.submit(
            "/settings/endpoints/",
            name="home",
            base_url=standin.url,
            key=KEYS[name],
            llm_models="standin",
            sample_rate="24000",
        )
    speech = spoken("hello my name is john")
    said = {name: mark(speech.pcm, speech.rate, hz) for name, hz in PITCH.items()}
    # So slow that both are asked for at the same time.
    standin.always("llm", pause=0.1)

    async def all_talk(turns: int) -> None:
        await asyncio.gather(
            *(person.converse(said[name], turns) for name, person in people.items())
        )

    mine = {name: {f"Bearer {key}"} for name, key in KEYS.items()}
    await all_talk(turns=3)
    assert used(standin) == mine
    asked = [request["authorization"] for request in standin.requests("stt")]
    assert {(key, asked.count(key)) for key in asked} == {(f"Bearer {k}", 3) for k in KEYS.values()}

    output = [*parley.output]
    await asyncio.to_thread(parley.stop)
    await asyncio.to_thread(parley.start)
    await asyncio.to_thread(parley.wait_until_ready)
    standin.reset()
    await all_talk(turns=1)
    endpoint = {"llm": {"name": "endpoint:home"}}
    await people["alpha"].converse(said["alpha"], 1, providers=endpoint)
    assert used(standin) == mine

    for person in people.values():
        visited = await asyncio.to_thread(person.visit_everything)
        assert len(visited) > 30, visited
        page = person.submit("/settings/keys/openai/delete/").text
        assert "The key is deleted." in page
    output += parley.output
    assert len(output) > 50
    assert_absent("\n".join(output).encode(), "the logs")
    for person in people.values():
        for answer in person.received:
            assert_absent(answer, "an answer")
    assert_on_no_disk(parley.data_dir)


def assert_absent(data: bytes, where: str) -> None:
    for key in KEYS.values():
        for piece in (key, key[:12], key[8:20]):
            assert piece.encode() not in data, f"{piece} is in {where}"


def assert_on_no_disk(folder: Path) -> None:
    """Neither while the database is open, with its log beside it, nor in anything else kept."""
    database = folder / "parley.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM interaction_endpoint").fetchone()
    assert kept == len(KEYS), "there is nothing to be found at all"
    assert database.with_name(database.name + "-wal").exists()
    for path in folder.rglob("*"):
        if path.is_file():
            assert_absent(path.read_bytes(), path.name)
