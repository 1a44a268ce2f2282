"""What the voice page shows before anything is said: the choices in force, and the words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from interaction.choosing import effective
from interaction.edges.protocol import StartSession
from interaction.providers.base import Kind, ProviderChoice
from interaction.providers.table import TABLE
from interaction.wording import talk_words

STAGES: tuple[Kind, ...] = ("stt", "llm", "tts")
NOBODY = UUID(int=0)
"""Stands for the session in addresses that the script completes."""


def talk_context() -> dict[str, Any]:
    """``stages``, ``voices``, ``any_voice``, ``defaults``, and ``config`` for the script."""
    words = talk_words()
    chosen = {stage: effective(stage, ProviderChoice("")) for stage in STAGES}
    voice = TABLE["tts"][chosen["tts"].name].capabilities
    fields = StartSession(type="start_session")
    defaults = {
        "system_prompt": fields.system_prompt,
        "voice": chosen["tts"].voice,
        "barge_in": fields.barge_in_enabled,
        "silence_ms": fields.turn_detection.silence_ms,
    }
    return {
        "stages": [
            {
                "stage": stage,
                "label": words[f"stage_{stage}"],
                "provider": _label(stage, choice),
                "model": choice.model,
            }
            for stage, choice in chosen.items()
        ],
        "voices": voice.voices,
        "any_voice": voice.needs_key,
        "defaults": defaults,
        "config": {
            "socket": "/ws/interaction/",
            "worklets": {
                "capture": static("talk/capture-worklet.js"),
                "playback": static("talk/playback-worklet.js"),
            },
            "history": reverse("history:detail", args=[NOBODY]).replace(str(NOBODY), "{session}"),
            "labels": {
                stage: {name: str(entry.label) for name, entry in TABLE[stage].items()}
                for stage in STAGES
            },
            "local": not any(
                TABLE[stage][choice.name].capabilities.needs_key for stage, choice in chosen.items()
            ),
            "has_key": bool(settings.ENV.openai_api_key.get_secret_value()),
            "words": words,
        },
    }


def _label(stage: Kind, choice: ProviderChoice) -> str:
    return str(TABLE[stage][choice.name].label)


def part_states(parts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Name each part of the readiness answer for a person: [{label, ok, advice}].

    Workers report through Redis, so nothing is said of them while it is away.
    """
    words = talk_words()
    names = {
        "database": (_("Database"), _("Check DATABASE_URL and that the database runs.")),
        "redis": (_("Redis"), _("It is restarted by itself when Parley started it.")),
        "storage": (_("Storage"), _("Check that the data folder can be written.")),
        "default": (_("Archive"), _("No worker serves this queue.")),
    }
    states = []
    for part, word in parts.items():
        if part.startswith("worker:") and parts.get("redis") != "ok":
            continue
        queue = part.removeprefix("worker:")
        label, advice = names.get(
            queue, (words.get(f"stage_{queue}", queue), _("No worker serves this queue."))
        )
        states.append({"label": label, "ok": word == "ok", "advice": advice})
    return states
