"""Who can serve a stage for the caller, and what they chose the last time."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from django.utils import timezone
from ninja import Router
from pydantic import Field

from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import errors
from interaction.credentials.provider_selection import (
    ProviderOption,
    default_fallbacks,
    provider_options,
)
from interaction.models import Preferences
from interaction.sessions.settings import (
    ProviderFallbacks,
    Providers,
    RowId,
    Text,
    TurnDetectionChoice,
    WireModel,
)

router = Router(tags=["providers"])


class Provider(WireModel):
    """Somebody who can serve a stage, and what they can do."""

    name: str
    """By which a session chooses it."""
    label: str
    """Its name for people."""
    available: bool
    """Whether the caller can use it now."""
    reason: str
    """For people: why not, and what to do; empty where it is available."""
    default: bool
    """Whether it serves where none is chosen."""
    models: list[str]
    """Names of its models, the default one first. Where it needs a key, any other may be asked
    for."""
    voices: list[str]
    """Names of the voices that it speaks with; empty where it does not speak, or takes any name."""
    voice: str
    """The voice it speaks with where none is chosen; empty but for speech."""
    languages: list[str]
    """BCP 47 tags of what it serves; empty where that depends on the model."""
    streaming: bool
    """Whether it gives output before all of its input or work is done."""
    tools: bool
    """Whether its models can call tools."""
    needs_key: bool
    """Whether somebody's key is needed to use it."""
    key: Literal["", "own", "server", "nobody"]
    """Whose key it would use: the caller's `own`, the `server`'s, or `nobody` has one; empty where
    it needs none."""

    @classmethod
    def of(cls, option: ProviderOption) -> Self:
        capabilities = option.capabilities
        return cls.model_validate(
            {
                name: getattr(option if hasattr(option, name) else capabilities, name)
                for name in cls.model_fields
            }
        )


class ProviderList(WireModel):
    """Who can serve, by stage; `realtime` serves all of them at once."""

    stt: list[Provider]
    """Who turns speech into text."""
    llm: list[Provider]
    """Whose language models answer."""
    tts: list[Provider]
    """Who speaks the answer."""
    realtime: list[Provider]
    """Who serves all three at once, in realtime mode."""
    fallbacks: ProviderFallbacks
    """Who steps in where a session chooses neither who serves nor who steps in."""


class Choices(WireModel):
    """What a person chose on the voice page, as in `start_session`; empty fields mean the
    default."""

    mode: Literal["cascade", "realtime"] = "cascade"
    """`cascade`: three stages, one after the other; `realtime`: one provider for all of it."""
    providers: Providers = Providers()
    """Who serves, by stage."""
    fallbacks: ProviderFallbacks = ProviderFallbacks()
    """Who steps in, by stage and in order."""
    template_id: RowId | None = None
    """Id of a prompt template; null: none."""
    system_prompt: Annotated[Text, Field(max_length=20_000)] = ""
    """What the language model is told, after the template's text."""
    tools: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=32)] | None = (
        None
    )
    """Names of tools that the language model may call; null where nothing was chosen yet."""
    barge_in_enabled: bool = True
    """Whether speech during a reply interrupts it."""
    turn_detection: TurnDetectionChoice = TurnDetectionChoice()
    """How turns of the person's are found."""
    auto_fallback: bool = False
    """Whether the other mode steps in without being asked when this one fails."""
    recording: bool = True
    """Whether audio of either side is kept."""
    recording_agreed: bool = False
    """Whether they have answered yes to being recorded; the voice page asks until then."""

    @classmethod
    def of(cls, row: Preferences) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


@router.get(
    "providers",
    response={200: ProviderList, **errors()},
    summary="List the providers",
    openapi_extra=answers({200: "Every provider, by stage."}),
)
def list_providers(request: Caller) -> Any:
    """Every provider, by stage, with whether the caller can use it now, and why not."""
    options = provider_options(request.auth.pk)
    steps_in = {kind: _named(default_fallbacks(kind)) for kind in ("stt", "llm", "tts")}
    return {
        **{kind: [Provider.of(option) for option in row] for kind, row in options.items()},
        "fallbacks": ProviderFallbacks.model_validate(steps_in),
    }


def _named(choices: Any) -> list[dict[str, str]]:
    return [{"name": choice.name} for choice in choices]


@router.get(
    "preferences",
    response={200: Choices, **errors()},
    url_name="preferences",
    summary="Read what you chose last",
    openapi_extra=answers({200: "The caller's choices; defaults where nothing was chosen."}),
)
def get_preferences(request: Caller) -> Choices:
    """What the caller chose on the voice page the last time."""
    return Choices.of(Preferences.of(request.auth))


@router.patch(
    "preferences",
    response={200: Choices, **errors(403, 415, 422)},
    summary="Change what you chose last",
    openapi_extra=answers(
        {200: "The caller's choices, as they are now."},
        example={"barge_in_enabled": False, "turn_detection": {"silence_ms": 900}},
    ),
)
def change_preferences(request: Caller, wanted: Choices) -> Choices:
    """Keep choices for the next conversation on the voice page. Fields that are left out stay as
    they are; an object, such as `providers`, is replaced as a whole."""
    fields = wanted.model_dump(mode="json", exclude_unset=True)
    if (agreed := fields.pop("recording_agreed", None)) is not None:
        before = Preferences.of(request.auth).recording_agreed_at
        fields["recording_agreed_at"] = (before or timezone.now()) if agreed else None
    return Choices.of(Preferences.remember(request.auth, **fields))
