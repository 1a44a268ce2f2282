"""A client of Parley's protocol: one session over the socket, turn by turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from django.utils.translation import gettext as _
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from interaction.edges.parley.messages import AudioHeader
from interaction.talk.sound import Microphone, SimulatedPlayback

SOCKET_PATH = "/api/v1/orchestrator/ws"
REPORT_S = 0.1
"""How often playback is reported."""
ONSET_S = 3.0
"""A recording that has made no turn this long after its end holds no speech."""
TAIL_S = 0.7
"""A recording may make one more turn for this long after its end."""
ANSWER_S = 30.0
"""The server starts and ends a session within this time."""
TURN_S = 180.0
"""A turn that takes longer is given up."""


@dataclass(slots=True)
class ObservedTurn:
    """A turn as the client saw it."""

    turn_id: str
    transcript: str = ""
    reply: str = ""
    latency: dict[str, float | None] = field(default_factory=dict)
    playback: SimulatedPlayback | None = None
    """None until the reply starts."""
    interrupted: bool = False
    error: dict[str, Any] | None = None

    @property
    def answered(self) -> bool:
        return self.error is None and not self.interrupted and bool(self.reply)


class TalkFailed(Exception):
    """The session cannot go on; the message is for the person."""


@dataclass
class Talk:
    """``on_event`` sees every message of the server's, and ``{"type": "audio", …}`` for the first
    and the last piece of each reply."""

    socket: ClientConnection
    on_event: Callable[[dict[str, Any]], None]
    rate: int = 16_000
    started: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] | None = None
    turns: dict[str, ObservedTurn] = field(default_factory=dict)
    live: ObservedTurn | None = None
    """The turn in progress; the server never has two."""

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()
        self._replies: dict[UUID, ObservedTurn] = {}
        self._has_ended = self._is_ending = False
        self.microphone = Microphone(self.rate, self.socket.send)

    async def start(self, settings: dict[str, Any]) -> None:
        await self.send("start_session", **settings)
        await self._wait_until(lambda: bool(self.started), ANSWER_S)

    async def end(self) -> None:
        self._is_ending = True
        await self.send("end_session")
        await self._wait_until(lambda: self._has_ended, ANSWER_S)

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def speak(self, pcm: bytes, *, commit: bool) -> list[ObservedTurn]:
        """Speak a recording; return the turns that it made, once their replies have been played.

        ``commit``: say at its end that the turn is over (push to talk).
        """
        before = set(self.turns)
        await self.microphone.speak(pcm)
        if commit:
            await self.send("commit")
        await asyncio.sleep(TAIL_S)
        with contextlib.suppress(TimeoutError):
            await self._wait_until(lambda: set(self.turns) > before, ONSET_S)
        await self._wait_until(lambda: self.live is None, TURN_S)
        return [turn for name, turn in self.turns.items() if name not in before]

    async def write(self, text: str) -> list[ObservedTurn]:
        """Send a typed turn; return the turns that it made, once their replies have been played."""
        before = set(self.turns)
        self.microphone.speech_ended_at = time.monotonic()
        await self.send("text_input", text=text)
        await self._wait_until(lambda: set(self.turns) > before, TURN_S)
        await self._wait_until(lambda: self.live is None, TURN_S)
        return [turn for name, turn in self.turns.items() if name not in before]

    async def _wait_until(self, is_true: Callable[[], bool], within: float) -> None:
        async with asyncio.timeout(within):
            while not is_true():
                self._changed.clear()
                await self._changed.wait()

    async def receive(self) -> None:
        async for frame in self.socket:
            if isinstance(frame, bytes):
                self._on_audio(frame)
            else:
                event = json.loads(frame)
                self.on_event(event)
                self._on_server_event(event)
            self._changed.set()
        raise TalkFailed(_why_closed(self.socket))

    def _on_server_event(self, event: dict[str, Any]) -> None:
        turn = self.turns.get(event.get("turn_id") or "")
        match event["type"]:
            case "session_started":
                self.started = event
            case "session_ended":
                self._has_ended, self.summary = True, event["summary"]
                if not self._is_ending:
                    raise TalkFailed(_("The server ended the session: %s") % event["reason"])
            case "error" if not self.started:
                raise TalkFailed(f"{event['code']}: {event['message']}")
            case "speech_started" | "transcript_final" if turn is None:
                self._open_turn(event)
            case "speech_ended" if not event["kept"]:
                self.turns.pop(event["turn_id"], None)
                self.live = None
            case _ if turn:
                self._on_turn_event(turn, event)

    def _open_turn(self, event: dict[str, Any]) -> None:
        self.live = self.turns[event["turn_id"]] = ObservedTurn(event["turn_id"])
        self.live.transcript = event.get("text", "")

    def _on_turn_event(self, turn: ObservedTurn, event: dict[str, Any]) -> None:
        match event["type"]:
            case "transcript_final":
                turn.transcript = event["text"]
            case "response_started":
                turn.playback = SimulatedPlayback(self.started["output_sample_rate"])
                self._replies[UUID(event["reply_id"])] = turn
            case "agent_response":
                turn.reply = event["text"]
            case "response_ended":
                turn.latency = event["latency"] | {"ear": turn.latency.get("ear")}
                if turn.playback and not turn.playback.pcm:
                    self._close_turn(turn)
            case "interrupted":
                turn.interrupted = True
                self._close_turn(turn)
            case "error":
                turn.error = event
                if not (turn.playback and turn.playback.pcm):
                    self._close_turn(turn)

    def _close_turn(self, turn: ObservedTurn) -> None:
        if self.live is turn:
            self.live = None

    def _on_audio(self, frame: bytes) -> None:
        header, pcm = AudioHeader.unpacked(frame)
        turn = self._replies.get(header.reply_id)
        if turn is None or turn.playback is None:
            raise TalkFailed(f"audio of an unknown reply {header.reply_id}")
        playback = turn.playback
        if not playback.pcm and pcm:
            playback.ear_ms = round(1000 * (time.monotonic() - self.microphone.speech_ended_at))
            turn.latency["ear"] = playback.ear_ms
        playback.add_audio(pcm, last=header.last)
        if header.last or header.sequence == 0:
            self.on_event({"type": "audio", **header._asdict(), "ms": playback.received_ms})

    async def play_replies(self) -> None:
        """Play the audio that has come, and report how much of it has been played."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(REPORT_S)
            now = time.monotonic()
            await self._advance_playback(1000 * (now - before))
            before = now

    async def _advance_playback(self, passed_ms: float) -> None:
        turn = self.live
        if turn is None or turn.playback is None or not turn.playback.pcm:
            return
        playback = turn.playback
        playback.advance(passed_ms)
        [reply_id] = [reply for reply, other in self._replies.items() if other is turn]
        await self.send(
            "playback",
            reply_id=str(reply_id),
            played_ms=int(playback.played_ms),
            ended=playback.ended,
            underruns=playback.underruns,
            ear_ms=max(playback.ear_ms, 0) if playback.ear_ms is not None else None,
        )
        if playback.ended:
            self._close_turn(turn)
            self._changed.set()


async def hold_conversation(
    url: str,
    token: str,
    on_event: Callable[[dict[str, Any]], None],
    conversation: Callable[[Talk], Awaitable[None]],
    **settings: Any,
) -> Talk:
    """Hold a conversation in a session of its own; ``settings`` are ``start_session``'s fields.

    Raises ``TalkFailed``.
    """
    try:
        return await _connect_and_talk(url, token, on_event, conversation, settings)
    except ExceptionGroup as group:
        raise _reason(group) from group
    except (OSError, WebSocketException) as error:
        message = _("Cannot reach %(url)s (%(why)s). Is the server running?")
        raise TalkFailed(message % {"url": url, "why": error}) from error


async def _connect_and_talk(
    url: str,
    token: str,
    on_event: Callable[[dict[str, Any]], None],
    conversation: Callable[[Talk], Awaitable[None]],
    settings: dict[str, Any],
) -> Talk:
    headers = {"Authorization": f"Bearer {token}"}
    proxy: Literal[True] | None = None if is_local(url) else True
    async with connect(
        url + SOCKET_PATH, additional_headers=headers, max_size=None, proxy=proxy
    ) as socket:
        talk = Talk(socket, on_event, rate=settings.get("input_sample_rate", 16_000))
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(talk.receive())]
            await talk.start(settings)
            working += [
                tasks.create_task(talk.microphone.run()),
                tasks.create_task(talk.play_replies()),
            ]
            await conversation(talk)
            await talk.end()
            for task in working:
                task.cancel()
    return talk


def is_local(url: str) -> bool:
    """Whether the server runs on this machine."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def _reason(group: ExceptionGroup[Exception]) -> Exception:
    """The one failure that explains the others; where there is a bug, the bug."""
    failed, rest = group.split(TalkFailed)
    if failed:
        return TalkFailed(str(failed.exceptions[0]))
    if group.subgroup(TimeoutError):
        return TalkFailed(_("The server did not answer in time."))
    if group.split(ConnectionClosed)[1] is None:
        return TalkFailed(_("The server closed the socket."))
    return rest or group


def _why_closed(socket: ClientConnection) -> str:
    return _("The server closed the socket: %(code)s %(reason)s") % {
        "code": socket.close_code,
        "reason": socket.close_reason,
    }
