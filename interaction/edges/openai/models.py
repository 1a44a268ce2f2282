"""What may be asked for as ``model``: the cascades that Parley can run, by name."""

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
"""What the person chose on the voice page the last time."""
STAGES: tuple[Kind, ...] = ("stt", "llm", "tts")


@dataclass(frozen=True, slots=True)
class Asked:
    """A model's name, understood."""

    model: str
    """The one in effect."""
    settings: SessionSettings
    note: str = ""
    """Said to the client where another one than they asked for serves."""


def understood(model: str, owner: Any) -> Asked:
    """``default``, ``mine``, or ``stt/llm/tts``: each a provider's name, its model after a colon,
    empty for the default. Any other name gets the default."""
    if model == MINE:
        return Asked(MINE, _remembered(owner))
    parts = model.split("/")
    if model in ("", DEFAULT) or len(parts) != len(STAGES):
        note = "" if model in ("", DEFAULT) else "There is no such model here: the default serves."
        return Asked(DEFAULT, SessionSettings(), note)
    offers = provider_options(owner.pk)
    choices: dict[str, ProviderChoice] = {}
    for stage, part in zip(STAGES, parts, strict=True):
        choice = _choice(part, offers[stage])
        if choice is None:
            note = f"There is no such {stage} provider here: the default model serves."
            return Asked(DEFAULT, SessionSettings(), note)
        choices[stage] = choice
    return Asked(model, SessionSettings(providers=Providers(**choices)))


def names(owner: Any) -> list[str]:
    """Every usable provider, in its place, beside the defaults of the other stages."""
    found = [DEFAULT, MINE]
    for place, stage in enumerate(STAGES):
        for offer in provider_options(owner.pk)[stage]:
            if offer.available:
                parts = ["", "", ""]
                parts[place] = offer.name
                found.append("/".join(parts))
    return found


def _choice(part: str, offers: list[ProviderOption]) -> ProviderChoice | None:
    """The longest name that fits: an endpoint's holds a colon itself."""
    if not part:
        return ProviderChoice()
    for offer in sorted(offers, key=lambda offer: -len(offer.name)):
        if part == offer.name or part.startswith(f"{offer.name}:"):
            return ProviderChoice(name=offer.name, model=part[len(offer.name) + 1 :][:200])
    return None


def _remembered(owner: Any) -> SessionSettings:
    kept = Preferences.of(owner)
    return SessionSettings(
        providers=Providers.model_validate(kept.providers),
        fallbacks=ProviderFallbacks.model_validate(kept.fallbacks),
        template_id=kept.template_id,
        system_prompt=kept.system_prompt[:LONGEST_PROMPT],
        recording=kept.recording,
    )
