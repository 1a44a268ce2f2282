"""What may be chosen for a session, over a socket or by REST, with its bounds and defaults.

``WireModel`` is the base of every message and body that comes in or goes out as JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from interaction.core.config import TURN_DETECTION_CHOICES, TurnDetection, choose_turn_detection
from interaction.core.time_zones import is_time_zone

HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL in a text, and nothing encodes half a surrogate pair: refuse them
    here, not when a turn is archived."""
    if "\0" in text:
        raise PydanticCustomError("nul_character", "it holds a NUL character")
    if HALF_A_PAIR.search(text):
        raise PydanticCustomError("string_unicode", "it is no valid Unicode")
    return text


Text = Annotated[str, AfterValidator(_storable)]

RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""Of a row that is counted: as much as a database's big integer holds."""


Rate = Annotated[int, Field(ge=8_000, le=96_000)]


def _known_time_zone(name: str) -> str:
    if name and not is_time_zone(name):
        raise ValueError("there is no such time zone; give an IANA name such as Asia/Taipei")
    return name


LanguageTag = Annotated[Text, Field(max_length=35)]
"""A BCP 47 tag, or empty for the server's."""

TimeZone = Annotated[Text, Field(max_length=64), AfterValidator(_known_time_zone)]
"""An IANA name, or empty for the server's."""

LONGEST_PROMPT = 20_000
"""In characters; with a template, of both together."""


class WireModel(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class ProviderChoice(WireModel):
    """Which provider serves a stage; empty fields mean the default."""

    name: Annotated[Text, Field(max_length=64)] = ""
    model: Annotated[Text, Field(max_length=200)] = ""
    voice: Annotated[Text, Field(max_length=200)] = ""
    language: LanguageTag = ""


class Providers(WireModel):
    stt: ProviderChoice = ProviderChoice()
    llm: ProviderChoice = ProviderChoice()
    tts: ProviderChoice = ProviderChoice()
    realtime: ProviderChoice = ProviderChoice()
    """Who serves all three in realtime mode."""


Fallbacks = Annotated[list[ProviderChoice], Field(max_length=4)]


class ProviderFallbacks(WireModel):
    """Who serves a stage when the one chosen fails before its first output, in order."""

    stt: Fallbacks = []
    llm: Fallbacks = []
    tts: Fallbacks = []


if TYPE_CHECKING:
    TurnDetectionKind = str
else:
    TurnDetectionKind = Literal[TURN_DETECTION_CHOICES]


class TurnDetectionChoice(WireModel):
    kind: TurnDetectionKind = "vad"
    """``server`` and ``semantic``: the realtime provider finds the turns."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    prefix_ms: Annotated[int, Field(ge=0, le=2_000)] = 300
    silence_ms: Annotated[int, Field(ge=100, le=5_000)] = 600
    eager_silence_ms: Annotated[int, Field(ge=64, le=5_000)] | None = None

    def to_core(self) -> TurnDetection:
        return choose_turn_detection(self.kind, self.model_dump())


Mode = Literal["cascade", "realtime"]


class SessionSettings(WireModel):
    """What may be chosen for a session, over the socket or by REST."""

    mode: Mode = "cascade"
    """The other one may step in (``fallback_offered``), with the providers chosen here."""
    providers: Providers = Providers()
    fallbacks: ProviderFallbacks = ProviderFallbacks()
    template_id: RowId | None = None
    """A prompt template; ``system_prompt``, where given, is added after its text."""
    system_prompt: Annotated[Text, Field(max_length=LONGEST_PROMPT)] = ""
    tools: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=32)] = []
    """Names of tools that the language model may use."""
    barge_in_enabled: bool = True
    turn_detection: TurnDetectionChoice = TurnDetectionChoice()
    auto_fallback: bool = False
    """Whether the other mode steps in without being asked when this one fails."""
    recording: bool = True
    """True is the person's consent to being recorded, and is kept with its time. False: no audio of
    this session is kept, on either side."""
    input_sample_rate: Rate = 16_000
    output_sample_rate: Rate = 24_000
    time_zone: TimeZone = ""
    """Where the person is, as browsers tell it: an IANA name. Empty: the server's."""
    title: Annotated[Text, Field(max_length=200)] = ""
