"""The names that a client may ask for as ``model``: the cascades that Parley can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interaction.credentials.provider_selection import ProviderOption, provider_options
from interaction.models import Preferences
from interaction.providers.config import Kind
from interaction.sessions.settings import (
    LONGEST_PROMPT,
    ProviderChoice,
    ProviderFallbacks,
    Providers,
    SessionSettings,
)

DEFAULT = "default"
MINE = "mine"
"""The providers that the person chose last on the voice page."""
STAGES: tuple[Kind, ...] = ("stt", "llm", "tts")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    model: str
    """The name of the one in effect."""
    settings: SessionSettings
    note: str = ""
    """For the client, where another one than they asked for serves."""


def resolve_model(model: str, owner: Any) -> ResolvedModel:
    """The session that a name stands for: ``default``, ``mine``, or ``stt/llm/tts``, each
    a provider's name, its model after a colon, empty for the default. Any other gets the
    default."""
    if model == MINE:
        return ResolvedModel(MINE, _last_chosen(owner))
    parts = model.split("/")
    if model in ("", DEFAULT) or len(parts) != len(STAGES):
        note = "" if model in ("", DEFAULT) else "There is no such model here: the default serves."
        return ResolvedModel(DEFAULT, SessionSettings(), note)
    offers = provider_options(owner.pk)
    choices: dict[str, ProviderChoice] = {}
    for stage, part in zip(STAGES, parts, strict=True):
        choice = _choice(part, offers[stage])
        if choice is None:
            note = f"There is no such {stage} provider here: the default model serves."
            return ResolvedModel(DEFAULT, SessionSettings(), note)
        choices[stage] = choice
    return ResolvedModel(model, SessionSettings(providers=Providers(**choices)))


def model_names(owner: Any) -> list[str]:
    """The names that are listed: every usable provider, with defaults for the other stages."""
    found = [DEFAULT, MINE]
    for place, stage in enumerate(STAGES):
        for offer in provider_options(owner.pk)[stage]:
            if offer.available:
                parts = ["", "", ""]
                parts[place] = offer.name
                found.append("/".join(parts))
    return found


def _choice(part: str, offers: list[ProviderOption]) -> ProviderChoice | None:
    """A provider and its model. The longest name that fits is meant: an endpoint's name holds a
    colon itself."""
    if not part:
        return ProviderChoice()
    for offer in sorted(offers, key=lambda offer: -len(offer.name)):
        if part == offer.name or part.startswith(f"{offer.name}:"):
            return ProviderChoice(name=offer.name, model=part[len(offer.name) + 1 :][:200])
    return None


def _last_chosen(owner: Any) -> SessionSettings:
    kept = Preferences.of(owner)
    return SessionSettings(
        providers=Providers.model_validate(kept.providers),
        fallbacks=ProviderFallbacks.model_validate(kept.fallbacks),
        template_id=kept.template_id,
        system_prompt=kept.system_prompt[:LONGEST_PROMPT],
        recording=kept.recording,
    )
