"""The context of the voice page: the choices in force, and what its scripts need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from interaction import error_explanations
from interaction.api.providers import Provider
from interaction.core.metrics import METRICS
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.credentials.language_support import (
    LANGUAGE_STAGES,
    LanguageStage,
    language_name,
    language_service,
)
from interaction.credentials.provider_selection import (
    ProviderOption,
    default_fallbacks,
    options_with,
)
from interaction.credentials.store import Credentials, credentials_of
from interaction.models import Preferences, PromptTemplate
from interaction.openers import openers
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
"""Stands for the session and the turn in addresses that the script completes."""


def _ends_by(kept: Preferences) -> str:
    """What tells the end of a turn in a cascade: ``semantic``, unless they chose otherwise."""
    kind = kept.turn_detection.get("kind") if kept.mode == "cascade" else None
    return "vad" if kind in ("vad", "server") else "semantic"


def talk_context(request: HttpRequest) -> dict[str, Any]:
    """What templates/interaction/talk.html needs, and ``config`` for the script."""
    words = ui_strings()
    kept = Preferences.of(request.user)
    have = credentials_of(request.user.pk)
    options = options_with(have)
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
        "finds_turns": turn_detection.kind if kept.mode == "realtime" else "vad",
        "ends_by": _ends_by(kept),
        "eagerness": turn_detection.eagerness,
        "templates": templates,
        "template_id": _template(request, kept, templates),
        "languages": [(tag, language_name(tag)) for tag in _languages(language)],
        "language": language,
        "default_language": language_name(settings.ENV.parley_language),
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
            "languages": {stage: _by_language(stage, language, have) for stage in LANGUAGE_STAGES},
            "server_language": settings.ENV.parley_language,
            "language_names": {
                tag: language_name(tag or settings.ENV.parley_language)
                for tag in ("", *_languages(language))
            },
            "openers": {tag: openers(tag) for tag in ("", *_languages(language))},
            "tools": {name: str(tool.label) for name, tool in TOOLS.items()},
            "metrics": [
                {"name": metric.name, "stage": metric.stage, "label": _(metric.label)}
                for metric in METRICS
            ],
            "sample": SAMPLE_LATENCY,
            "local": not any(serving[stage]["key"] for stage in STAGES),
            "recording_agreed": kept.recording_agreed,
            "has_key": any(option.key for row in options.values() for option in row),
            "errors": error_explanations.for_scripts(),
            "words": words,
        },
    }


def _addresses(request: HttpRequest) -> dict[str, Any]:
    history = reverse("history:detail", args=[PLACEHOLDER_ID])
    audio = reverse("api:turn_audio", args=[PLACEHOLDER_ID, PLACEHOLDER_ID])
    audio = audio.replace(str(PLACEHOLDER_ID), "{session}", 1)
    audio = audio.replace(str(PLACEHOLDER_ID), "{turn}")
    end_card = reverse("history:end_card", args=[PLACEHOLDER_ID])
    return {
        "socket": "/ws/interaction/",
        "worklets": {
            "capture": static("talk/capture-worklet.js"),
            "playback": static("talk/playback-worklet.js"),
        },
        "history": history.replace(str(PLACEHOLDER_ID), "{session}"),
        "audio": f"{audio}?side=agent",
        "end_card": end_card.replace(str(PLACEHOLDER_ID), "{session}"),
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


def _by_language(stage: LanguageStage, chosen: str, have: Credentials) -> dict[str, dict[str, Any]]:
    """Who serves a stage in each language that can be chosen; "" is the server's."""
    tags = ("", *_languages(chosen))
    return {tag: asdict(language_service(stage, tag, have)) for tag in tags}


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
