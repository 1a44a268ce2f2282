"""The time and the date, by this machine's clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from interaction.providers.local.demo.utterance import Utterance

TIME = r"\bwhat(?:'s| is)? (?:the )?time\b|\bwhat time\b|\b(?:tell me|have|know) the time\b"
DAY = (
    r"\b(?:what|which)(?:'s| is| was)?(?: the| today's| tomorrow's)? (?:date|day|weekday)\b"
    r"|\bday is (?:it|today|tomorrow)\b|\b(?:tell me|know) the date\b|\btoday's date\b"
)
MONTH = r"\b(?:what|which) month\b"
YEAR = r"\b(?:what|which) year\b"


def telling_the_time(utterance: Utterance) -> str | None:
    if not utterance.matches(TIME):
        return None
    now = utterance.now
    zone = now.tzname() or ""
    zone = zone if zone.isalpha() else ""  # "+03" is no word
    return f"It is {now.hour % 12 or 12}:{now:%M} {part_of_day(now)}" + (
        f", {zone}, by this machine's clock." if zone else " by this machine's clock."
    )


def telling_the_date(utterance: Utterance) -> str | None:
    if utterance.matches(YEAR):
        return f"It is the year {utterance.now.year}."
    if utterance.matches(MONTH):
        return f"It is {utterance.now:%B}."
    if not utterance.matches(DAY):
        return None
    if utterance.matches(r"\btomorrow\b"):
        return f"Tomorrow is {_date(utterance.now + timedelta(days=1))}."
    if utterance.matches(r"\byesterday\b"):
        return f"Yesterday was {_date(utterance.now - timedelta(days=1))}."
    return f"Today is {_date(utterance.now)}."


def part_of_day(now: datetime) -> str:
    if 5 <= now.hour < 12:
        return "in the morning"
    if 12 <= now.hour < 18:
        return "in the afternoon"
    return "in the evening" if 18 <= now.hour < 22 else "at night"


def _date(day: datetime) -> str:
    return f"{day:%A}, {day:%B} {day.day}, {day.year}"
