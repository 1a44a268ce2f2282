"""What may be chosen for a session, over a socket or by REST, with its bounds and defaults.

``WireModel`` is the base of every message and body that comes in or goes out as JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from interaction.core.config import TURN_DETECTION_CHOICES, TurnDetection, choose_turn_detection
from interaction.core.time_zones import is_time_zone
from interaction.core.turn_taking.semantic import Eagerness
from interaction.core.types import BargeIn

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
    model_config = ConfigDict(
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        use_attribute_docstrings=True,  # they are what the API's reference says
    )


class ProviderChoice(WireModel):
    """Which provider serves a stage; empty fields mean the default."""

    name: Annotated[Text, Field(max_length=64)] = ""
    """The provider's name, as `GET interaction/providers` lists it; empty: the server's default for
    the stage."""
    model: Annotated[Text, Field(max_length=200)] = ""
    """One of the provider's models; empty: its default."""
    voice: Annotated[Text, Field(max_length=200)] = ""
    """Which voice speaks, of a provider that has voices; empty: its default, or one of the
    language."""
    language: LanguageTag = ""
    """The language that is heard or spoken, a BCP 47 tag such as `en` or `zh-TW`; empty: the
    server's."""


class Providers(WireModel):
    """The provider of each stage, and that of realtime mode."""

    stt: ProviderChoice = ProviderChoice()
    """Who turns speech into text, in cascade mode."""
    llm: ProviderChoice = ProviderChoice()
    """Which language model answers, in cascade mode."""
    tts: ProviderChoice = ProviderChoice()
    """Who speaks the answer, in cascade mode."""
    realtime: ProviderChoice = ProviderChoice()
    """Who serves all three at once, in realtime mode."""


Fallbacks = Annotated[list[ProviderChoice], Field(max_length=4)]


class ProviderFallbacks(WireModel):
    """Who serves a stage when the one chosen fails before its first output, in order."""

    stt: Fallbacks = []
    """Recognisers that step in, at most four."""
    llm: Fallbacks = []
    """Language models that step in, at most four."""
    tts: Fallbacks = []
    """Voices' providers that step in, at most four."""


if TYPE_CHECKING:
    TurnDetectionKind = str
else:
    TurnDetectionKind = Literal[TURN_DETECTION_CHOICES]


class TurnDetectionChoice(WireModel):
    """How the server finds where a turn of the person's starts and ends."""

    kind: TurnDetectionKind = "vad"
    """`vad`: by voice activity; `manual`: the client's `commit` ends a turn; `server` and
    `semantic`: in realtime mode, the provider finds the turns. In a cascade `server` is `vad`, and
    `semantic` waits as long as the words so far ask for."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability of speech, 0 to 1, at which a turn opens."""
    prefix_ms: Annotated[int, Field(ge=0, le=2_000)] = 300
    """Audio from before the onset that still belongs to the turn, in milliseconds."""
    silence_ms: Annotated[int, Field(ge=100, le=5_000)] = 600
    """Silence that ends a turn, in milliseconds."""
    eager_silence_ms: Annotated[int, Field(ge=64, le=5_000)] | None = None
    """A shorter silence, in milliseconds, after which the reply is prepared though the turn may
    still go on; null: never before its end."""

    eagerness: Eagerness = "auto"
    """Of `semantic`: `low` gives the person most time, `high` least."""

    def to_core(self, language: str = "") -> TurnDetection:
        """``language``: BCP 47, of what the person says; empty: not known."""
        return choose_turn_detection(self.kind, {**self.model_dump(), "language": language})


Mode = Literal["cascade", "realtime"]


class SessionSettings(WireModel):
    """What may be chosen for a session, over the socket or by REST."""

    mode: Mode = "cascade"
    """`cascade`: three stages, one after the other; `realtime`: one provider for all of it. The
    other mode may step in (`fallback_offered`), with the providers chosen here."""
    providers: Providers = Providers()
    """Who serves, by stage; what is left out is the server's default."""
    fallbacks: ProviderFallbacks = ProviderFallbacks()
    """Who steps in, by stage; where neither this nor `providers` says anything, the server's own
    order holds."""
    template_id: RowId | None = None
    """Id of a prompt template (`GET interaction/templates`); `system_prompt`, where given, is added
    after its text. Null: none."""
    system_prompt: Annotated[Text, Field(max_length=LONGEST_PROMPT)] = ""
    """What the language model is told to be and to do, at most 20,000 characters together with the
    template's text."""
    tools: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=32)] = []
    """Names of tools that the language model may call; none by default."""
    barge_in_enabled: bool = True
    """Whether speech during a reply interrupts it; false is `barge_in` `off`."""
    barge_in: BargeIn = "considered"
    """What speech during a reply does. `considered`: the reply goes on, softer, until it is known
    whether somebody wants the floor, or only listens on ("mm-hmm"), coughs, or is somebody else;
    `immediate`: it stops the reply; `off`: nothing. In realtime mode `considered` means
    `immediate`."""
    turn_detection: TurnDetectionChoice = TurnDetectionChoice()
    """How turns of the person's are found."""
    auto_fallback: bool = False
    """Whether the other mode steps in without being asked when this one fails."""
    recording: bool = True
    """Whether audio of either side is kept; the words are kept in any case. True is the person's
    consent to being recorded, and is kept with its time."""
    input_sample_rate: Rate = 16_000
    """Sample rate of the audio that the client sends, in Hz."""
    output_sample_rate: Rate = 24_000
    """Sample rate of the audio that the client is sent, in Hz."""
    time_zone: TimeZone = ""
    """Where the person is, an IANA name such as `Asia/Taipei`, by which tools tell the time; empty:
    the server's."""
    title: Annotated[Text, Field(max_length=200)] = ""
    """A name for the history; empty: it goes by its time."""

    @model_validator(mode="after")
    def _agree_on_barge_in(self) -> Self:
        """Either field can switch it off; both then say so."""
        if not self.barge_in_enabled or self.barge_in == "off":
            self.barge_in_enabled, self.barge_in = False, "off"
        return self
