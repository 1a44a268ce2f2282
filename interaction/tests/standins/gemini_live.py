"""A server that speaks the Gemini Live protocol as a model would: it hears, and answers in speech.

What it says back is the audio that it heard, so that a test can follow a tone round the loop. The
SDK forces TLS: the stand-in has a certificate of its own, which ``SSL_CERT_FILE`` must name.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http
import itertools
import json
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from interaction.audio.resample import Resampler
from interaction.providers.gemini.realtime_socket import MOST_ODD

Message = dict[str, Any]
PIECE = 9_600
"""Bytes of audio in a message: 200 ms."""


@dataclass
class Plan:
    """How the next reply goes."""

    text: str = "That is what you said. Is it not?"
    deltas: tuple[str, ...] = ()
    """The pieces in which the text comes, where it does not come in one."""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Functions to be called first: name, arguments."""
    fault: str = ""
    """``silent``: nothing comes; ``cut``: the connection breaks after the first audio; ``deaf``: it
    breaks before it; ``garbage``: nothing but what is no JSON; ``list``: nothing but JSON that is
    no message; ``hold``: it stops after the first audio until it is interrupted."""
    late_words: bool = False
    """The last of the reply's text comes after its audio is complete."""
    waits: bool = False
    """The turn is not complete before the audio would have been played."""
    odd: str = ""
    """Sent before each message of the reply."""


@dataclass
class Connection:
    """One connection, as the server saw it."""

    path: str
    key: str
    setup: Message = field(default_factory=dict)
    received: list[Message] = field(default_factory=list)
    """Messages after the setup, with camel-case keys."""
    audio: bytes = b""
    """Of the open activity."""
    open: bool = False
    """An activity is."""
    speaking: bool = False
    """A reply has begun that is not complete."""
    memory: list[str] = field(default_factory=list)
    """What the model knows of the conversation."""

    def of(self, kind: str, *, inside: str = "") -> list[Message]:
        found = [message[kind] for message in self.received if kind in message]
        return [message for message in found if not inside or inside in message]


class Standin:
    def __init__(self, folder: Path) -> None:
        self.trusted = folder / "trusted.pem"
        """Whom clients of this server trust: everybody they did before, and it."""
        self._certificate = certify(folder / "certificate.pem")
        ours = self._certificate.read_bytes()
        self.trusted.write_bytes(Path(certifi.where()).read_bytes() + ours)
        self.refuses: int | None = None
        """An HTTP status for every handshake."""
        self.closes: tuple[int, str] | None = None
        """With which code and reason every setup is answered."""
        self.connections: list[Connection] = []
        self.plans: list[Plan] = []
        self.words = "hello there everybody"
        self.word_deltas: tuple[str, ...] = ()
        """The pieces of the person's transcript, where they are not two."""
        self.handles = True
        """Sessions can be resumed."""
        self.port = 0
        self.arrived = asyncio.Condition()
        self._remembered: dict[str, list[str]] = {}
        self._sockets: list[ServerConnection] = []
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Standin]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self._certificate)
        refuse = self._refuse_handshake
        async with serve(self._serve, "127.0.0.1", 0, ssl=tls, process_request=refuse) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield self

    async def until(self, kind: str, count: int = 1, *, inside: str = "") -> Message:
        """The ``count``-th message of a kind that any client has sent, once it is there."""
        async with asyncio.timeout(20), self.arrived:
            while True:
                found = [
                    one
                    for connection in self.connections
                    for one in connection.of(kind, inside=inside)
                ]
                if len(found) >= count:
                    return found[count - 1]
                await self.arrived.wait()

    async def connected(self, count: int) -> None:
        """Wait until so many connections are set up."""
        async with asyncio.timeout(20), self.arrived:
            await self.arrived.wait_for(
                lambda: len([x for x in self.connections if x.setup]) >= count
            )

    async def goes_away(self, seconds: float = 30) -> None:
        await self._send(self._sockets[-1], goAway={"timeLeft": f"{seconds}s"})

    async def hears_speech(self) -> None:
        """By its own detection: the words, as somebody speaks."""
        await self._send_transcript(self._sockets[-1])

    async def answers(self) -> None:
        """By its own detection: they have finished."""
        await self._reply(self._sockets[-1], self.connections[-1])

    async def is_interrupted(self) -> None:
        """By its own detection: somebody speaks while it does."""
        await self._interrupt(self._sockets[-1], self.connections[-1])

    async def hang_up(self) -> None:
        self._sockets[-1].transport.abort()

    def _refuse_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuses is None:
            return None
        return connection.respond(http.HTTPStatus(self.refuses), "no\n")

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        connection = Connection(
            socket.request.path, socket.request.headers.get("x-goog-api-key", "")
        )
        with contextlib.suppress(ConnectionClosed):
            setup = camel(json.loads(await socket.recv()))["setup"]
            if self.closes:
                await socket.close(*self.closes)
                return
            self.connections.append(connection)
            self._sockets.append(socket)
            await self._set_up(socket, connection, setup)
            async for text in socket:
                message = camel(json.loads(text))
                connection.received.append(message)
                await self._on_message(socket, connection, message)
                await self._notify_waiting()

    async def _notify_waiting(self) -> None:
        async with self.arrived:
            self.arrived.notify_all()

    async def _set_up(
        self, socket: ServerConnection, connection: Connection, setup: Message
    ) -> None:
        connection.setup = setup
        handle = setup.get("sessionResumption", {}).get("handle")
        if handle:
            connection.memory = list(self._remembered[handle])
        await self._send(socket, setupComplete={})
        await self._notify_waiting()

    async def _on_message(
        self, socket: ServerConnection, connection: Connection, message: Message
    ) -> None:
        match message:
            case {"realtimeInput": {"audio": audio}}:
                assert audio["mimeType"] == "audio/pcm;rate=16000"
                connection.audio += base64.urlsafe_b64decode(audio["data"])
            case {"realtimeInput": {"activityStart": _}}:
                assert not connection.open, "it begins once"
                connection.open, connection.audio = True, b""
                if connection.speaking:
                    await self._interrupt(socket, connection)
            case {"realtimeInput": {"activityEnd": _}}:
                assert connection.open, "what ends has begun"
                connection.open = False
                await self._send_transcript(socket)
                connection.memory.append(self.words)
                await self._reply(socket, connection)
            case {"clientContent": content}:
                await self._on_client_content(socket, connection, content)
            case {"toolResponse": answer}:
                connection.memory.append(json.dumps(answer["functionResponses"][0]["response"]))
                await self._speak(socket, connection, self._plan())

    async def _on_client_content(
        self, socket: ServerConnection, connection: Connection, content: Message
    ) -> None:
        parts = [part for turn in content["turns"] for part in turn["parts"]]
        connection.memory += [part["text"] for part in parts if "text" in part]
        seeding = "historyConfig" in connection.setup and len(connection.of("clientContent")) == 1
        if content.get("turnComplete") and not seeding:
            if connection.speaking:
                await self._interrupt(socket, connection)
            await self._reply(socket, connection)

    def _plan(self) -> Plan:
        return self.plans.pop(0) if self.plans else Plan()

    async def _send_transcript(self, socket: ServerConnection) -> None:
        first, space, rest = self.words.partition(" ")
        for text in self.word_deltas or (first, space + rest):
            await self._send(socket, serverContent={"inputTranscription": {"text": text}})

    async def _interrupt(self, socket: ServerConnection, connection: Connection) -> None:
        connection.speaking = False
        await self._send(socket, serverContent={"interrupted": True})
        await self._send(socket, serverContent={"turnComplete": True})

    async def _reply(self, socket: ServerConnection, connection: Connection) -> None:
        plan = self._plan()
        if plan.fault == "silent":
            return
        if plan.fault == "deaf":
            socket.transport.abort()
        elif plan.fault in ("garbage", "list"):
            for _ in range(MOST_ODD + 1):
                await socket.send("this is no JSON" if plan.fault == "garbage" else "[1]")
        elif plan.calls:
            functions = [
                {"id": f"call_{number}", "name": name, "args": arguments}
                for number, (name, arguments) in enumerate(plan.calls)
            ]
            await self._send(socket, toolCall={"functionCalls": functions})
        else:
            await self._speak(socket, connection, plan)

    async def _speak(self, socket: ServerConnection, connection: Connection, plan: Plan) -> None:
        connection.speaking = True
        resampler = Resampler(16_000, 24_000)
        audio = resampler.feed(connection.audio or b"\0\x10" * 8_000) + resampler.finish()
        text, _space, last = plan.text.rpartition(" ") if plan.late_words else (plan.text, "", "")
        for delta in plan.deltas or (text,):
            await self._send_odd(socket, plan)
            await self._send(socket, serverContent={"outputTranscription": {"text": delta}})
        for start in range(0, len(audio), PIECE):
            data = base64.b64encode(audio[start : start + PIECE]).decode()
            sound = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}
            await self._send(socket, serverContent={"modelTurn": {"parts": [sound]}})
            await self._send_odd(socket, plan)
            if plan.fault == "cut":
                socket.transport.abort()
            if plan.fault in ("cut", "hold"):
                return
        connection.memory.append(plan.text)
        await self._send(socket, serverContent={"generationComplete": True})
        if plan.late_words:
            await self._send(socket, serverContent={"outputTranscription": {"text": f" {last}"}})
        if not plan.waits:
            await self.completes()

    async def completes(self) -> None:
        """The turn is complete, and a handle is there to come back to it."""
        socket, connection = self._sockets[-1], self.connections[-1]
        connection.speaking = False
        counts = {"promptTokenCount": 20, "responseTokenCount": 10, "totalTokenCount": 30}
        done: Message = {"serverContent": {"turnComplete": True}, "usageMetadata": counts}
        await self._send(socket, **done)
        if self.handles:
            handle = f"handle_{next(self._ids)}"
            self._remembered[handle] = list(connection.memory)
            update = {"newHandle": handle, "resumable": True}
            await self._send(socket, sessionResumptionUpdate=update)

    async def _send_odd(self, socket: ServerConnection, plan: Plan) -> None:
        if plan.odd:
            await socket.send(plan.odd)

    async def _send(self, socket: ServerConnection, **message: Any) -> None:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(json.dumps(message).encode())


def camel(value: Any) -> Any:
    """The Python SDK mixes both kinds of keys."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub("_([a-z])", lambda found: found[1].upper(), key): camel(one)
        for key, one in value.items()
    }


def certify(path: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path
