"""The context of the voice page: the choices in force, and what its scripts need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from interaction.api.providers import Provider
from interaction.core.metrics import METRICS
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.credentials.provider_selection import (
    ProviderOption,
    default_fallbacks,
    provider_options,
)
from interaction.models import Preferences, PromptTemplate
from interaction.providers.config import KINDS, Kind
from interaction.sessions.settings import TurnDetectionChoice
from interaction.tools.registry import TOOLS
from interaction.ui_strings import ui_strings

STAGES: tuple[Kind, ...] = ("stt", "llm", "tts")
LANGUAGES = (
    *("en", "zh-TW", "zh-CN", "yue", "de", "es", "fr", "it", "ja", "ko"),
    *("nl", "pl", "pt", "ru", "th", "tr", "uk", "vi"),
)
"""BCP 47 tags that recognisers and voices are asked for; PARLEY_LANGUAGE may be another."""
NAMES = {"zh-TW": "繁體中文", "zh-CN": "简体中文", "yue": "粵語"}
SAMPLE_LATENCY = {
    "end_of_turn_delay": 601.0,
    "transcription_delay": 684.0,
    "llm_ttfs": 148.0,
    "tts_ttfb": 92.0,
    "e2e": 926.0,
    "ear": 968.0,
}
"""Of the sample turn on the first screen, in ms: what an ordinary turn takes."""
PLACEHOLDER_ID = UUID(int=0)
"""Stands for the session in addresses that the script completes."""


def talk_context(request: HttpRequest) -> dict[str, Any]:
    """What templates/interaction/talk.html needs, and ``config`` for the script."""
    words = ui_strings()
    kept = Preferences.of(request.user)
    options = provider_options(request.user.pk)
    stages = {stage: _stage(stage, options[stage], kept) for stage in KINDS}
    templates = list(PromptTemplate.objects.active())
    language = _chosen(kept, "stt")["language"]
    turn_detection = TurnDetectionChoice(**kept.turn_detection)
    serving = {stage: _serving(config) for stage, config in stages.items()}
    shown = {
        stage: {
            "stage": stage,
            "label": words[f"stage_{stage}"],
            "provider": serving[stage]["label"],
            "model": config["chosen"]["model"] or next(iter(serving[stage]["models"]), ""),
        }
        for stage, config in stages.items()
    }
    return {
        "stages": [shown[stage] for stage in STAGES],
        "realtime": shown["realtime"],
        "finds_turns": turn_detection.kind,
        "templates": templates,
        "template_id": _template(request, kept, templates),
        "languages": [(tag, _name(tag)) for tag in _languages(language)],
        "language": language,
        "default_language": _name(settings.ENV.parley_language),
        "tools": [
            {
                "name": name,
                "label": tool.label,
                "purpose": tool.purpose,
                "on": kept.tools is None or name in kept.tools,
            }
            for name, tool in TOOLS.items()
        ],
        "kept": kept,
        "metrics": [
            {"name": metric.name, "stage": metric.stage, "label": _(metric.label)}
            for metric in METRICS
        ],
        "silence_ms": turn_detection.silence_ms,
        "hold": isinstance(turn_detection.to_core(), ManualTurnDetection),
        "config": _addresses(request)
        | {
            "stages": stages,
            "tools": {name: str(tool.label) for name, tool in TOOLS.items()},
            "metrics": [
                {"name": metric.name, "stage": metric.stage, "label": _(metric.label)}
                for metric in METRICS
            ],
            "sample": SAMPLE_LATENCY,
            "local": not any(serving[stage]["key"] for stage in STAGES),
            "has_key": any(option.key for row in options.values() for option in row),
            "words": words,
        },
    }


def _addresses(request: HttpRequest) -> dict[str, Any]:
    history = reverse("history:detail", args=[PLACEHOLDER_ID])
    return {
        "socket": "/ws/interaction/",
        "worklets": {
            "capture": static("talk/capture-worklet.js"),
            "playback": static("talk/playback-worklet.js"),
        },
        "history": history.replace(str(PLACEHOLDER_ID), "{session}"),
        "template": reverse("api:get_template", args=[0]).replace("/0", "/{template}"),
        "keys": reverse("keys"),
        "preferences": reverse("api:preferences"),
        "csrf": get_token(request),
    }


def _stage(stage: Kind, options: list[ProviderOption], kept: Preferences) -> dict[str, Any]:
    """As ``StageConfig`` in static/talk/page-config.js."""
    return {
        "default": next(option.name for option in options if option.default),
        "steps_in": [choice.name for choice in default_fallbacks(stage)],
        "chosen": _chosen(kept, stage),
        "fallbacks": kept.fallbacks.get(stage, []),
        "providers": [Provider.of(option).model_dump() for option in options],
    }


def _chosen(kept: Preferences, stage: Kind) -> dict[str, str]:
    chosen = kept.providers.get(stage, {})
    return {part: chosen.get(part, "") for part in ("name", "model", "voice", "language")}


def _serving(stage: dict[str, Any]) -> dict[str, Any]:
    """The provider that serves it: the one chosen, or the default one where that is gone."""
    by_name: dict[str, dict[str, Any]] = {one["name"]: one for one in stage["providers"]}
    return by_name.get(stage["chosen"]["name"]) or by_name[stage["default"]]


def _template(
    request: HttpRequest, kept: Preferences, templates: list[PromptTemplate]
) -> int | None:
    """The one in the address, or the one of last time; to begin with, the first in the person's
    language."""
    by_id = {str(template.pk): template.pk for template in templates}
    if asked := by_id.get(request.GET.get("template", "")):
        return asked
    if not kept._state.adding:
        return by_id.get(str(kept.template_id))
    language = (get_language() or "").lower()
    return next((one.pk for one in templates if one.language.lower() == language), None)


def _languages(chosen: str) -> tuple[str, ...]:
    return (*LANGUAGES, *([chosen] if chosen and chosen not in LANGUAGES else []))


def _name(tag: str) -> str:
    """A language's name for itself; its tag where that is not known."""
    return NAMES.get(tag) or LANG_INFO.get(tag.lower(), {}).get("name_local", tag)


def part_states(parts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Name each part of the readiness answer for a person: [{label, ok, advice}].

    Workers report through Redis, so they are left out while it is away.
    """
    words = ui_strings()
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
