"""A session as OpenAI's clients configure it: what they may change, and what holds in effect.

Every field of the protocol is accepted; those that mean nothing to a cascade are kept and echoed.
Update rules: absent keeps, ``null``, ``""`` and ``[]`` clear.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, get_args

from openai.types.realtime import (
    RealtimeSessionCreateRequest,
    RealtimeTranscriptionSessionCreateRequest,
)
from pydantic import TypeAdapter, ValidationError

from interaction.core.config import ConversationConfig, TurnDetection
from interaction.core.turn_taking.buffered import BufferedTurnDetection
from interaction.core.turn_taking.semantic import Eagerness, SemanticTurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.core.types import ResponseOptions, ToolSpec
from interaction.edges.openai.errors import ClientError, check_limits
from interaction.edges.openai.formats import AudioFormat

PCM = AudioFormat("audio/pcm")
FORMATS = ("audio/pcm", "audio/pcmu", "audio/pcma")
SERVER_VAD: dict[str, Any] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD: dict[str, Any] = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
DETECTION_FIELDS = SERVER_VAD | SEMANTIC_VAD
BETA = {
    "modalities": ("output_modalities",),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "input_audio_format": ("audio", "input", "format"),
    "output_audio_format": ("audio", "output", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "max_response_output_tokens": ("max_output_tokens",),
}
"""Flat fields of the protocol's beta, and where they stand now."""
BETA_FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
MOST_TOOLS = 128

_realtime = TypeAdapter(RealtimeSessionCreateRequest)
_transcription = TypeAdapter(RealtimeTranscriptionSessionCreateRequest)


class Settings:
    """The effective configuration of one session, as it is echoed."""

    def __init__(
        self, session_id: str, model: str, expires_at: int, *, is_transcription: bool
    ) -> None:
        self._own = {"id": session_id, "model": model, "expires_at": expires_at}
        self.voice_locked = False
        """The model has sent audio: its voice can no longer change."""
        self._fields = _transcription_defaults() if is_transcription else _realtime_defaults(model)

    def echo(self) -> dict[str, Any]:
        kind = "realtime.transcription_session" if self.is_transcription else "realtime.session"
        return {**copy.deepcopy(self._fields), **self._own, "object": kind}

    def update(self, changes: Any) -> None:
        """Apply a ``session.update``. Raises ``ClientError``, changing nothing."""
        if not isinstance(changes, dict):
            raise ClientError("invalid_value", "session must be an object.", "session")
        check_limits(changes)
        changes = _modern(changes)
        kind = changes.get("type") or self._fields["type"]
        if kind not in ("realtime", "transcription"):
            known = "session.type must be 'realtime' or 'transcription'."
            raise ClientError("invalid_value", known, "session.type")
        fields = copy.deepcopy(self._fields)
        if kind != fields["type"]:
            if self.voice_locked:
                message = "The type cannot change once the model has spoken in this session."
                raise ClientError("invalid_value", message, "session.type")
            is_transcription = kind == "transcription"
            fields = (
                _transcription_defaults()
                if is_transcription
                else _realtime_defaults(str(self._own["model"]))
            )
        _merge(fields, changes, _defaults(kind))
        _check(fields)
        if self.voice_locked and not self.is_transcription:
            voice = self._fields["audio"]["output"]["voice"]
            if fields["audio"]["output"]["voice"] != voice:
                message = "The voice cannot change once the model has spoken in this session."
                raise ClientError("cannot_update_voice", message, "session.audio.output.voice")
        self._fields = fields

    # What it means to Parley.

    @property
    def is_transcription(self) -> bool:
        """Whether the session only transcribes, and never responds."""
        return bool(self._fields["type"] == "transcription")

    @property
    def instructions(self) -> str:
        return str(self._fields.get("instructions") or "")

    @property
    def language(self) -> str:
        return str((self.transcription or {}).get("language") or "")

    @property
    def transcription(self) -> Mapping[str, Any] | None:
        """None: the client is not sent transcripts of the person."""
        chosen: Mapping[str, Any] | None = self._fields["audio"]["input"]["transcription"]
        return chosen

    @property
    def modalities(self) -> list[str]:
        return list(self._fields.get("output_modalities") or ["audio"])

    @property
    def voice(self) -> Any:
        """A name, or an object with the id of a voice of one's own."""
        return None if self.is_transcription else self._fields["audio"]["output"]["voice"]

    @property
    def input_format(self) -> AudioFormat:
        return AudioFormat(self._fields["audio"]["input"]["format"]["type"])

    @property
    def output_format(self) -> AudioFormat:
        if self.is_transcription:
            return PCM
        return AudioFormat(self._fields["audio"]["output"]["format"]["type"])

    @property
    def commits_by_client(self) -> bool:
        """The client ends turns itself: there is no turn detection."""
        return self._fields["audio"]["input"]["turn_detection"] is None

    @property
    def responds_automatically(self) -> bool:
        """Whether a turn is responded to without a ``response.create``."""
        found = self._fields["audio"]["input"]["turn_detection"]
        return bool(not self.is_transcription and found and found["create_response"])

    def options(self, asked: Mapping[str, Any] | None = None) -> ResponseOptions:
        """How a reply is made; ``asked``: the fields of a ``response.create``."""
        wishes = {**self._fields, **{k: v for k, v in (asked or {}).items() if v is not None}}
        tools = [tool for tool in wishes.get("tools") or () if tool.get("type") == "function"]
        audio = ((asked or {}).get("audio") or {}).get("output") or {}
        voice = audio.get("voice") or self.voice
        most = wishes.get("max_output_tokens")
        return ResponseOptions(
            spoken="audio" in (wishes.get("output_modalities") or ["audio"]),
            voice=_name(voice),
            tools=tuple(map(_spec, tools)),
            tool_choice=_choice(wishes.get("tool_choice")),
            max_tokens=most if isinstance(most, int) else None,
        )

    def config(self) -> ConversationConfig:
        """The settings as the core has them."""
        found = self._fields["audio"]["input"]["turn_detection"]
        respond_when: Any = "asked"
        if self.is_transcription:
            respond_when = "never"
        elif self.responds_automatically:
            respond_when = "always"
        return ConversationConfig(
            barge_in="considered" if found and found["interrupt_response"] else "off",
            turn_detection=_turn_detection(found, self.language),
            respond_when=respond_when,
            options=self.options(),
        )


def _realtime_defaults(model: str) -> dict[str, Any]:
    return {
        "type": "realtime",
        "model": model,
        "instructions": "",
        "output_modalities": ["audio"],
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "max_output_tokens": "inf",
        "prompt": None,
        "reasoning": None,
        "tracing": None,
        "truncation": "auto",
        "include": None,
        "audio": {
            "input": _input_defaults(None),
            "output": {"format": PCM.as_json(), "voice": "marin", "speed": 1.0},
        },
    }


def _transcription_defaults() -> dict[str, Any]:
    transcription = {"model": "default", "language": None, "prompt": None}
    return {
        "type": "transcription",
        "include": None,
        "audio": {"input": _input_defaults(transcription)},
    }


def _input_defaults(transcription: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "format": PCM.as_json(),
        "transcription": transcription,
        "noise_reduction": None,
        "turn_detection": dict(SERVER_VAD),
    }


def _defaults(kind: str) -> dict[str, Any]:
    return _transcription_defaults() if kind == "transcription" else _realtime_defaults("")


def unknown_field(changes: dict[str, Any]) -> str | None:
    """The dotted name of a field that no session has; None where all are known. ``changes``: as
    ``Settings.update`` has taken them."""
    modern = _modern(changes)
    known = _defaults(modern.get("type") or "realtime") | {"model": None}
    return _unknown(modern, known)


def _unknown(changes: Mapping[str, Any], known: Mapping[str, Any]) -> str | None:
    for name, value in changes.items():
        if name not in known:
            return name
        below = DETECTION_FIELDS if name == "turn_detection" else known[name]
        if name in ("audio", "input", "output", "turn_detection") and isinstance(value, dict):
            inner = _unknown(value, below)
            if inner is not None:
                return f"{name}.{inner}"
    return None


def _modern(changes: dict[str, Any]) -> dict[str, Any]:
    """The changes with the beta's flat fields moved to where they stand now."""
    modern = copy.deepcopy(changes)
    for name, path in BETA.items():
        if name not in modern:
            continue
        value = modern.pop(name)
        if name.endswith("_format") and isinstance(value, str) and value in BETA_FORMATS:
            value = AudioFormat(BETA_FORMATS[value]).as_json()
        if name == "modalities":
            value = modern_modalities(value)
        place = modern
        for part in path[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ClientError("invalid_value", f"{part} must be an object.", f"session.{part}")
        place.setdefault(path[-1], value)
    return modern


def modern_modalities(beta: Any) -> Any:
    """The beta's ``["text", "audio"]``: audio always has its transcript."""
    if not isinstance(beta, list):
        return beta
    return ["audio"] if "audio" in beta else ["text"]


def _merge(fields: dict[str, Any], changes: dict[str, Any], known: dict[str, Any]) -> None:
    for name, value in changes.items():
        if name not in known:
            continue
        match name, value:
            case "audio" | "input" | "output", dict():
                _merge(fields[name], value, known[name])
            case "audio" | "input" | "output", None:
                fields[name] = known[name]
            case "turn_detection", dict():
                fields[name] = _detection(fields[name], value)
            case "format", dict():
                fields[name] = _format(value)
            case "transcription", dict():
                fields[name] = {"model": None, "language": None, "prompt": None, **value}
            case (("turn_detection" | "transcription" | "noise_reduction" | "include"), None):
                fields[name] = None
            case (_, None) | ("voice", ""):
                fields[name] = known[name]
            case _:
                fields[name] = value


def _detection(held: dict[str, Any] | None, wanted: dict[str, Any]) -> dict[str, Any]:
    kind = wanted.get("type") or (held or SERVER_VAD)["type"]
    if kind == "none":
        raise _bad("audio.input.turn_detection", "turn_detection is switched off with null.")
    bases = {"server_vad": SERVER_VAD, "semantic_vad": SEMANTIC_VAD}
    base = bases.get(kind) if isinstance(kind, str) else None
    if base is None:
        message = "turn_detection.type must be 'server_vad' or 'semantic_vad'."
        raise _bad("audio.input.turn_detection.type", message)
    now = held if held and held["type"] == kind else base
    merged = {**now, **{k: v for k, v in wanted.items() if v is not None or k == "idle_timeout_ms"}}
    return merged | {"type": kind}


def _format(wanted: dict[str, Any]) -> dict[str, Any]:
    kind = wanted.get("type")
    if not isinstance(kind, str) or kind not in FORMATS:
        raise _bad("audio.format.type", f"format.type must be one of: {', '.join(FORMATS)}.")
    if kind == "audio/pcm" and wanted.get("rate") not in (None, PCM.rate):
        raise _bad("audio.format.rate", "audio/pcm is 24000 samples a second.")
    return AudioFormat(str(kind)).as_json()


def _check(fields: dict[str, Any]) -> None:
    """Validate by the SDK's own models, and by the ranges that these lack."""
    adapter: TypeAdapter[Any] = _transcription if fields["type"] == "transcription" else _realtime
    try:
        adapter.validate_python({k: v for k, v in fields.items() if v is not None}, strict=True)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if str(part) in _names(fields))
        raise _bad(where, f"session.{where}: {first['msg']}.") from None
    if fields["type"] == "realtime":
        if fields["output_modalities"] not in (["audio"], ["text"]):
            raise _bad("output_modalities", "output_modalities must be ['audio'] or ['text'].")
        most = fields["max_output_tokens"]
        if most != "inf" and not 1 <= most <= 4_096:
            raise _bad("max_output_tokens", "max_output_tokens must be 1 to 4096, or 'inf'.")
        if not 0.25 <= fields["audio"]["output"]["speed"] <= 1.5:
            raise _bad("audio.output.speed", "speed must be 0.25 to 1.5.")
        if len(fields["tools"]) > MOST_TOOLS:
            raise _bad("tools", f"At most {MOST_TOOLS} tools.")
    found = fields["audio"]["input"]["turn_detection"]
    if found and found["type"] == "server_vad" and not 0 <= found["threshold"] <= 1:
        raise _bad("audio.input.turn_detection.threshold", "threshold must be 0 to 1.")


def _names(fields: Mapping[str, Any]) -> set[str]:
    """All field names there are, so that an error's place quotes nothing of the client's."""
    found = set(fields) | {"type", "threshold", "silence_duration_ms", "prefix_padding_ms"}
    for value in fields.values():
        if isinstance(value, dict):
            found |= _names(value)
    return found


def _bad(param: str, message: str) -> ClientError:
    return ClientError("invalid_value", message, f"session.{param}")


def _turn_detection(found: Mapping[str, Any] | None, language: str) -> TurnDetection:
    if found is None:
        return BufferedTurnDetection()
    if found["type"] == "semantic_vad":
        eagerness = found["eagerness"]
        known: Eagerness = eagerness if eagerness in get_args(Eagerness) else "auto"
        return SemanticTurnDetection(eagerness=known, language=language)
    return VadTurnDetection(
        threshold=min(max(found["threshold"], 0.05), 0.95),
        prefix_ms=min(max(found["prefix_padding_ms"], 0), 2_000),
        silence_ms=min(max(found["silence_duration_ms"], 100), 5_000),
    )


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    return ToolSpec(
        str(tool.get("name") or ""), str(tool.get("description") or ""), json.dumps(parameters)
    )


def _choice(wanted: Any) -> str:
    if isinstance(wanted, dict):
        return str(wanted.get("name") or "auto")
    return str(wanted or "auto")


def _name(voice: Any) -> str:
    return str(voice.get("id") or "") if isinstance(voice, dict) else str(voice or "")
