"""Says things after the person, and again; counts; all of it good for trying barge-in."""

from __future__ import annotations

import re

from interaction.providers.local.demo.numbers import NUMBER, in_words, number
from interaction.providers.local.demo.utterance import Utterance

AFTER_ME = re.compile(r"\b(?:repeat after me|say after me|repeat the words?)\b[\s:,]*(.*)", re.I)
SAY = re.compile(r"^(?:(?:can|could|would) you |please )*say (?!that\b|it\b|again\b)(.+)", re.I)
AGAIN = (
    r"\bsay (?:that|it) (?:again|once more)\b|\brepeat (?:that|it|yourself|please)\b|^repeat$"
    r"|\bwhat did you say\b|\bcome again\b|\bonce more\b|^(?:pardon(?: me)?|again|what)$"
)
MINE = r"\bwhat did i (?:just )?(?:say|tell you|ask)\b"
COUNT = re.compile(rf"\bcount (?:up |from (?:one|1) )?(?:to|too|two) ({NUMBER})")


def repeating(utterance: Utterance) -> str | None:
    if utterance.matches(MINE):
        earlier = utterance.earlier("user")
        return f"You said: {earlier[0]}" if earlier else "That was the first thing that you said."
    if utterance.matches(AGAIN):
        earlier = utterance.earlier("assistant")
        return earlier[0] if earlier else "I have not said anything yet."
    found = AFTER_ME.search(utterance.text) or SAY.search(utterance.text.strip())
    if not found:
        return None
    words = found[1].strip(" .")
    if not words:
        return "After you: repeat after me, and then?"
    return f"{words[0].upper()}{words[1:]}{'' if words[-1] in '!?' else '.'}"


def counting(utterance: Utterance) -> str | None:
    found = COUNT.search(utterance.plain)
    if not found:
        return "How far shall I count?" if utterance.matches(r"^count\b") else None
    last = number(found[1])
    if last.denominator != 1 or not 1 <= last <= 100:
        return "I count in whole numbers, up to a hundred."
    numbers = [in_words(value) for value in range(1, int(last) + 1)]
    # A sentence for every five: the first can be heard while the others are synthesised.
    fives = [", ".join(numbers[at : at + 5]) for at in range(0, len(numbers), 5)]
    return " ".join(f"{five[0].upper()}{five[1:]}." for five in fives)
