"""Remembers the person's name, the one thing that a conversation should not forget."""

from __future__ import annotations

import re

from interaction.providers.local.demo.utterance import Utterance, plain

TELLING = re.compile(r"\b(?:my name(?: is|'s)|(?:please )?call me|i am called|i'm called)\b(.*)")
INTRODUCING = re.compile(r"\b(?:I am|I'm|I’m) ([A-Z][\w'’-]+)(?=[.,!]|$)")
"""Only where capitals are written: "I'm hungry" is no name."""
ASKING = r"\b(?:what(?:'s| is| was)|know|remember|say|tell me) my name\b|\bwho am i\b"
PARTICLES = {"van", "von", "de", "la", "da", "di", "del", "bin", "al", "mac", "o"}
NO_NAMES = {
    "a", "an", "the", "and", "or", "but", "so", "not", "is", "it", "its", "it's", "i", "you",
    "he", "she", "we", "they", "to", "too", "of", "for", "from", "by", "in", "on", "at",
    "what", "who", "how", "why", "when", "where", "which", "can", "could", "would", "will",
    "do", "does", "did", "have", "has", "please", "thanks", "thank", "nice", "now", "then",
    "again", "okay", "with", "that", "this", "my", "your", "say", "tell", "if", "hello", "hi",
    "good",
}  # fmt: skip


def remembering(utterance: Utterance) -> str | None:
    if name := given_name(utterance.text):
        earlier = known_name(utterance)
        if utterance.matches(ASKING):
            return f"Your name is {name}. You have just told me."
        if earlier and earlier != name:
            return f"All right, {name} it is. I had you down as {earlier}."
        return f"Nice to meet you, {name}. I will remember that."
    if utterance.matches(ASKING):
        name = known_name(utterance)
        if name:
            return f"Your name is {name}."
        return "You have not told me yet. Say: my name is, and then your name."
    if TELLING.search(utterance.plain):
        return "I heard that you have a name, but not which. Please say it once more."
    return None


def known_name(utterance: Utterance) -> str:
    """The name that the person gave last, before now; empty if none."""
    return next(filter(None, map(given_name, utterance.earlier("user"))), "")


def given_name(text: str) -> str:
    """The name that a person gives in this text, as it is written; empty if none."""
    if found := TELLING.search(plain(text)):
        return _name(found[1].split())
    found = INTRODUCING.search(text)
    return found[1] if found and found[1].lower() not in NO_NAMES else ""


def _name(words: list[str]) -> str:
    name: list[str] = []
    for word in words[:4]:
        if word in NO_NAMES or not re.fullmatch(r"[^\W\d_][\w'.-]*", word):
            break
        name.append(word if word in PARTICLES else word.title())
    return " ".join(name[:3])
