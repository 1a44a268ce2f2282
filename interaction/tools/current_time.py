"""A tool that tells the date and the time."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone
from pydantic import AfterValidator, Field

from interaction.tools.base import Arguments, ToolContext


def _known(name: str) -> str:
    if name and name not in available_timezones():
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
        "Tells the current date, weekday and time. Use it whenever the answer depends on them."
    )
    arguments = Place
    timeout = 2.0

    async def run(self, arguments: Place, context: ToolContext) -> dict[str, str]:
        zone = ZoneInfo(arguments.time_zone) if arguments.time_zone else None
        now = timezone.localtime(timezone=zone)
        return {
            "date": f"{now:%Y-%m-%d}",
            "weekday": f"{now:%A}",
            "time": f"{now:%H:%M}",
            "time_zone": str(now.tzinfo),
        }
