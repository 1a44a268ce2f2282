"""A tool that tells the date and the time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.dateformat import format as format_date
from django.utils.formats import date_format
from pydantic import AfterValidator, Field

from interaction.core.languages import primary
from interaction.core.time_zones import is_time_zone
from interaction.tools.base import Arguments, ToolContext


def _known(name: str) -> str:
    if name and not is_time_zone(name):
        raise ValueError("there is no such time zone; give an IANA name such as Asia/Taipei")
    return name


class Place(Arguments):
    time_zone: Annotated[
        str,
        AfterValidator(_known),
        Field(
            max_length=64,
            description="IANA name of a time zone, such as Asia/Taipei; empty for the local one.",
        ),
    ] = ""


class CurrentTime:
    name = "current_time"
    description = (
        "Tells the current date, weekday and time, where the person is or in another time zone; "
        "the weekday and local_format are in the language of the conversation. Use it whenever "
        "the answer depends on them."
    )
    arguments = Place
    timeout = 2.0

    async def run(self, arguments: Place, context: ToolContext) -> dict[str, str]:
        zone = arguments.time_zone or context.time_zone
        now = timezone.localtime(timezone=ZoneInfo(zone) if zone else None)
        language = context.language or settings.ENV.parley_language
        return {
            "date": f"{now:%Y-%m-%d}",
            "time": f"{now:%H:%M}",
            "time_zone": str(now.tzinfo),
            **in_language(now, language),
        }


def in_language(now: datetime, language: str) -> dict[str, str]:
    with translation.override(_format_language(language)):
        return {
            "weekday": format_date(now, "l"),
            "local_format": f"{date_format(now, 'DATE_FORMAT')} {date_format(now, 'TIME_FORMAT')}",
        }


def _format_language(tag: str) -> str:
    """The language of Django's own formats and names of days that is meant by a tag."""
    tag = tag.lower()
    if primary(tag) in ("zh", "yue"):
        return "zh-hans" if tag in ("zh-cn", "zh-sg") or "hans" in tag else "zh-hant"
    return primary(tag)
