"""Who can serve a stage for the caller, and what they chose the last time."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from django.utils import timezone
from ninja import Router
from pydantic import Field

from interaction.api.access import Caller
from interaction.api.errors import ERRORS
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
    name: str
    label: str
    """For people."""
    available: bool
    """Whether the caller can use it now."""
    reason: str
    """Why not, and what to do; empty where it is available."""
    default: bool
    """It serves where none is chosen."""
    models: list[str]
    """The default one first. Where it needs a key, any other may be asked for."""
    voices: list[str]
    voice: str
    """The default one; empty but for speech."""
    languages: list[str]
    """BCP 47 tags; empty where it depends on the model."""
    streaming: bool
    tools: bool
    needs_key: bool
    key: Literal["", "own", "server", "nobody"]
    """Whose key it would use; empty where it has none or needs none."""

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
    """By stage; ``realtime`` serves all of them at once."""

    stt: list[Provider]
    llm: list[Provider]
    tts: list[Provider]
    realtime: list[Provider]
    fallbacks: ProviderFallbacks
    """Who steps in where a session chooses neither who serves nor who steps in."""


class Choices(WireModel):
    """As in ``start_session``; empty fields mean the default."""

    mode: Literal["cascade", "realtime"] = "cascade"
    providers: Providers = Providers()
    fallbacks: ProviderFallbacks = ProviderFallbacks()
    template_id: RowId | None = None
    system_prompt: Annotated[Text, Field(max_length=20_000)] = ""
    tools: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=32)] | None = (
        None
    )
    """Null where nothing was chosen yet."""
    barge_in_enabled: bool = True
    turn_detection: TurnDetectionChoice = TurnDetectionChoice()
    auto_fallback: bool = False
    recording: bool = True
    recording_agreed: bool = False
    """Whether they have answered yes to being recorded; the voice page asks until then."""

    @classmethod
    def of(cls, row: Preferences) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


@router.get("providers", response={200: ProviderList, **ERRORS})
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


@router.get("preferences", response={200: Choices, **ERRORS}, url_name="preferences")
def get_preferences(request: Caller) -> Choices:
    """What the caller chose on the voice page the last time."""
    return Choices.of(Preferences.of(request.auth))


@router.patch("preferences", response={200: Choices, **ERRORS})
def change_preferences(request: Caller, wanted: Choices) -> Choices:
    """Keep choices for the next time; absent fields stay as they are."""
    fields = wanted.model_dump(mode="json", exclude_unset=True)
    if (agreed := fields.pop("recording_agreed", None)) is not None:
        before = Preferences.of(request.auth).recording_agreed_at
        fields["recording_agreed_at"] = (before or timezone.now()) if agreed else None
    return Choices.of(Preferences.remember(request.auth, **fields))
