"""Whatever is killed or stands still: it costs a turn at most, which says so, and no finished one.

Tells what took how long (``pytest -s``); only generous bounds are asserted.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from interaction.audio.wav import Sound
from interaction.talk.client import Talk, TalkFailed
from voiceproject.testing.browser import sign_in_address
from voiceproject.testing.calling import Caller, EventLog, eventually, measured
from voiceproject.testing.installation import Installation
from voiceproject.testing.stack import Providers

WITHIN = 10.0
"""Seconds for an error to come: the promise is three, on a machine with nothing else to do."""
SAID = "my name is john"

Spoken = Callable[[str], Sound]


def by_standin(*stages: str) -> dict[str, Any]:
    return {"providers": {stage: {"name": "openai"} for stage in stages}}


def stages_worker(parley: Installation) -> Any:
    return parley.process("worker", "stages@%h")


def archive_worker(parley: Installation) -> Any:
    return parley.process("worker", "archive@%h")


async def answered(talk: Talk, text: str) -> None:
    """A typed turn is answered, and heard to its end."""
    (turn,) = await talk.write(text)
    assert turn.error is None
    assert text in turn.reply


async def in_step(talk: Talk, events: EventLog) -> None:
    """The server has taken everything that was sent before."""
    await talk.send("ping", nonce="in step")
    await events.until("pong", nonce="in step")


async def named(events: EventLog, stage: str, killed_at: float) -> dict[str, Any]:
    """The error that names the stage; says how long it took to come."""
    async with asyncio.timeout(WITHIN):
        at, error = await events.until("error", stage=stage)
    measured(f"{stage}: an error {at - killed_at:.2f} s later")
    return error


async def kept(caller: Caller, events: EventLog, *transcripts: str) -> list[dict[str, Any]]:
    """The turns with these transcripts, once they are all in the history."""
    session_id, ended_at = events.all("session_started")[0]["session_id"], time.monotonic()

    def found() -> list[dict[str, Any]]:
        turns = caller.turns(session_id)
        texts = [turn["utterance"]["text"] for turn in turns]
        return turns if all(text in texts for text in transcripts) else []

    turns: list[dict[str, Any]] = await eventually("all finished turns are kept", found)
    took = time.monotonic() - ended_at
    measured(f"in the history {took:.2f} s after the session's end")
    return [turn for turn in turns if turn["utterance"]["text"] in transcripts]


@pytest.mark.parametrize(
    ("stage", "progress"),
    [("stt", "transcript_partial"), ("llm", "response_started"), ("tts", "audio")],
)
async def test_a_worker_killed_in_the_middle_of_a_stage_costs_that_turn_alone(
    caller: Caller, standin: Providers, spoken: Spoken, stage: str, progress: str
) -> None:
    parley = caller.parley

    async def conversation(talk: Talk, events: EventLog) -> None:
        await answered(talk, "before it")
        since, asked = len(events.received), len(standin.requests(stage))
        lives = parley.lives("workers")
        standin.always(stage, fault="stall")
        speaking = asyncio.create_task(talk.speak(spoken(SAID).pcm, commit=False))
        await events.until(progress, since)
        await eventually("the provider is at it", lambda: len(standin.requests(stage)) > asked)
        killed_at = time.monotonic()
        stages_worker(parley).kill()
        error = await named(events, stage, killed_at)
        assert (error["code"], error["retryable"]) == ("stage_lost", True)
        (lost,) = await speaking
        assert lost.error == error
        standin.reset()
        await eventually("the worker returns", lambda: parley.lives("workers") > lives)
        measured(f"the worker is back after {time.monotonic() - killed_at:.2f} s")
        await answered(talk, "after it")

    events = await caller.call(conversation, **by_standin("stt", "llm", "tts"))
    for turn in await kept(caller, events, "before it", "after it"):
        assert turn["end_reason"] == "played"
        assert turn["agent_message"]["audio_ms"]


async def test_the_archive_killed_at_its_work_does_it_when_it_returns(
    caller: Caller, spoken: Spoken
) -> None:
    parley = caller.parley

    async def conversation(talk: Talk, events: EventLog) -> None:
        await answered(talk, "before it")
        await kept(caller, events, "before it")
        lives = parley.lives("archive")
        with somebody_else_writing(parley):
            (turn,) = await talk.speak(spoken(SAID).pcm, commit=False)
            at_work = f"turn={turn.turn_id} stage=archive"
            await eventually(
                "the archive is at it",
                lambda: any(
                    '"stage started"' in line and at_work in line for line in parley.output
                ),
            )
            killed_at = time.monotonic()
            archive_worker(parley).kill()
            error = await named(events, "archive", killed_at)
        assert error["code"] == "stage_lost"
        await answered(talk, "after it")
        await eventually("the archive returns", lambda: parley.lives("archive") > lives)

    events = await caller.call(conversation)
    turns = await kept(caller, events, "before it", SAID, "after it")
    assert [turn["end_reason"] for turn in turns] == ["played"] * 3
    assert turns[1]["utterance"]["audio_ms"]


async def test_what_waits_for_an_archive_that_is_killed_is_kept_all_the_same(
    caller: Caller, spoken: Spoken
) -> None:
    parley = caller.parley

    async def conversation(talk: Talk, events: EventLog) -> None:
        lives = parley.lives("archive")
        # It has asked Redis for the next task already: the task is delivered to it, and lost.
        archive_worker(parley).suspend()
        (turn,) = await talk.speak(spoken(SAID).pcm, commit=False)
        assert turn.answered
        await named(events, "archive", time.monotonic())
        archive_worker(parley).kill()
        await answered(talk, "after it")
        await eventually("the archive returns", lambda: parley.lives("archive") > lives)

    events = await caller.call(conversation)
    turns = await kept(caller, events, SAID, "after it")
    assert turns[0]["utterance"]["audio_ms"]


async def test_a_redis_that_stands_still_for_five_seconds_freezes_nothing(
    caller: Caller, spoken: Spoken
) -> None:
    parley = caller.parley
    browser = await asyncio.to_thread(signed_in, parley)

    async def conversation(talk: Talk, events: EventLog) -> None:
        await answered(talk, "before it")
        since = len(events.received)
        speaking = asyncio.create_task(talk.speak(spoken(SAID).pcm, commit=False))
        await events.until("transcript_partial", since)
        redis = parley.redis
        redis.suspend()
        try:
            await answers_for(5, talk, events, parley, browser)
        finally:
            redis.resume()
        (turn,) = await speaking
        assert (turn.error, turn.transcript) == (None, SAID)
        await answered(talk, "after it")

    events = await caller.call(conversation)
    await kept(caller, events, "before it", SAID, "after it")


async def test_a_redis_that_is_killed_comes_back_and_the_session_goes_on(
    caller: Caller, spoken: Spoken
) -> None:
    parley = caller.parley

    async def conversation(talk: Talk, events: EventLog) -> None:
        await answered(talk, "before it")
        since, lives = len(events.received), parley.lives("redis")
        speaking = asyncio.create_task(talk.speak(spoken(SAID).pcm, commit=False))
        await events.until("transcript_partial", since)
        killed_at = time.monotonic()
        parley.redis.kill()
        await named(events, "stt", killed_at)
        await speaking
        await eventually("Redis returns", lambda: parley.lives("redis") > lives)
        await eventually("all parts are ready", parley.is_ready)
        measured(f"all parts are back after {time.monotonic() - killed_at:.2f} s")
        await answered(talk, "after it")

    events = await caller.call(conversation)
    await kept(caller, events, "before it", "after it")


async def test_a_turn_that_waited_for_the_archive_when_redis_was_killed_is_kept(
    caller: Caller,
) -> None:
    parley = caller.parley

    async def conversation(talk: Talk, events: EventLog) -> None:
        archive = archive_worker(parley)
        lives = parley.lives("redis")
        archive.suspend()
        try:
            await answered(talk, "before it")
            parley.redis.kill()
            await eventually("Redis returns", lambda: parley.lives("redis") > lives)
        finally:
            archive.resume()
        await eventually("all parts are ready", parley.is_ready)
        await answered(talk, "after it")

    events = await caller.call(conversation)
    await kept(caller, events, "before it", "after it")


async def test_the_last_turn_of_a_web_process_that_is_killed_is_kept(
    caller: Caller, spoken: Spoken
) -> None:
    parley, lives = caller.parley, caller.parley.lives("web")
    events = EventLog()

    async def conversation(talk: Talk, _: EventLog) -> None:
        await talk.speak(spoken(SAID).pcm, commit=False)
        await in_step(talk, events)
        parley.process("voiceproject.web").kill()
        await asyncio.Event().wait()

    with pytest.raises(TalkFailed):
        await caller.call(conversation, events)
    await eventually("the web returns", lambda: parley.lives("web") > lives)
    (turn,) = await kept(caller, events, SAID)
    assert turn["agent_message"]["text"] == f"You said: {SAID}"
    assert turn["utterance"]["audio_ms"]
    assert turn["agent_message"]["audio_ms"]


async def test_a_client_that_vanishes_during_the_reply_leaves_a_whole_turn(
    caller: Caller, spoken: Spoken
) -> None:
    events = EventLog()

    async def conversation(talk: Talk, _: EventLog) -> None:
        speaking = asyncio.create_task(talk.speak(spoken(SAID).pcm, commit=False))
        await events.until("audio")
        talk.socket.transport.abort()
        await speaking

    with pytest.raises(TalkFailed):
        await caller.call(conversation, events)
    (turn,) = await kept(caller, events, SAID)
    assert turn["end_reason"] == "client_left"
    assert turn["agent_message"]["text"] == f"You said: {SAID}"
    assert turn["agent_message"]["audio_ms"]
    session_id = events.all("session_started")[0]["session_id"]
    assert caller.session(session_id)["end_reason"] == "client_left"


async def test_what_was_said_before_everything_is_stopped_is_there_at_the_next_start(
    caller: Caller, spoken: Spoken
) -> None:
    parley, events, said = caller.parley, EventLog(), asyncio.Event()

    async def conversation(talk: Talk, _: EventLog) -> None:
        await talk.speak(spoken(SAID).pcm, commit=False)
        await in_step(talk, events)
        said.set()
        await asyncio.Event().wait()

    calling = asyncio.create_task(caller.call(conversation, events))
    await said.wait()
    await asyncio.to_thread(parley.stop)  # fails where a process is left
    with pytest.raises(TalkFailed):
        await calling
    await asyncio.to_thread(parley.start)
    await asyncio.to_thread(parley.wait_until_ready)
    (turn,) = await kept(caller, events, SAID)
    assert turn["end_reason"] == "played"
    assert turn["utterance"]["audio_ms"]
    assert turn["agent_message"]["audio_ms"]
    session_id = events.all("session_started")[0]["session_id"]
    assert caller.session(session_id)["status"] == "ended"


@contextmanager
def somebody_else_writing(parley: Installation) -> Iterator[None]:
    """Holds the database's write lock: the archive has to wait in the middle of its work."""
    path = parley.data_dir / "parley.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def signed_in(parley: Installation) -> OpenerDirector:
    """A browser without a window."""
    cookies = CookieJar()
    browser = build_opener(HTTPCookieProcessor(cookies))
    page, _, token = sign_in_address(parley).partition("#")
    browser.open(page, timeout=10).close()
    csrf = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    form = urlencode({"token": token, "csrfmiddlewaretoken": csrf}).encode()
    browser.open(Request(page, form, {"Referer": page}), timeout=10).close()
    return browser


async def answers_for(
    seconds: float, talk: Talk, events: EventLog, parley: Installation, browser: OpenerDirector
) -> None:
    """For so long, pages are served and the session's own socket answers."""

    def load(path: str) -> float:
        began_at = time.monotonic()
        with browser.open(parley.url + path, timeout=WITHIN) as page:
            assert (page.status, page.url) == (200, parley.url + path)
        return time.monotonic() - began_at

    slowest = {"/": 0.0, "/history/": 0.0, "ping": 0.0}
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        number += 1
        asked_at = time.monotonic()
        await talk.send("ping", nonce=str(number))
        async with asyncio.timeout(WITHIN):
            answered_at, _ = await events.until("pong", nonce=str(number))
        slowest["ping"] = max(slowest["ping"], answered_at - asked_at)
        for path in ("/", "/history/"):
            slowest[path] = max(slowest[path], await asyncio.to_thread(load, path))
        await asyncio.sleep(0.1)
    assert number > 1
    figures = ", ".join(f"{what} {1000 * took:.0f} ms" for what, took in slowest.items())
    measured(f"while Redis stood still, at worst: {figures}")
