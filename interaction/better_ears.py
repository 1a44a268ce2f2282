"""What the voice page shows of speech recognition that could be fetched for a language."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from interaction.api.models import better_models, reason_of
from interaction.providers.local.moonshine.models import DEFAULT, MODELS

MEGABYTE = 1_000_000


def better_ears_context(language: str, fetching: str, *, begun: bool = False) -> dict[str, Any]:
    """What templates/interaction/_better_ears.html needs.

    ``language``: a BCP 47 tag; empty: the server's own. ``fetching``: the model that was being
    fetched when the page asked the last time. ``begun``: that has been asked for just now, and may
    not show yet.
    """
    found = better_models(language or settings.ENV.parley_language)
    rows = [
        {
            "name": model.name,
            "megabytes": round(model.wheel_size / MEGABYTE),
            "running": state.word == "running" or (begun and model.name == fetching),
            "percent": round(100 * state.part),
            "reason": reason_of(state.trouble),
            "slower": model.name != DEFAULT,
        }
        for model, state in found
    ]
    here = fetching in MODELS and MODELS[fetching].present
    running = next((row["name"] for row in rows if row["running"]), "")
    failed = next((row["reason"] for row in rows if fetching == row["name"]), "")
    return {
        "models": rows,
        "running": running,
        "fetched": fetching if here else "",
        "failed": "" if running else failed,
    }
