"""Openings, thanks, goodbyes, and what there is to say about itself."""

from __future__ import annotations

from interaction.providers.local.demo.clock import part_of_day
from interaction.providers.local.demo.names import known_name
from interaction.providers.local.demo.utterance import Utterance

ABLE = (
    "I can remember your name, tell the time and the date, do sums, count, tell a short story,"
    " and repeat what you say. You can interrupt me at any time."
)
PLUGGING_IN = (
    "Put an OpenAI key, or the address of any server that speaks the same protocol, into the"
    " settings file, and start Parley again. Then a real language model answers in my place."
)
STORY = (
    "A lighthouse keeper once bought a parrot, so that somebody would answer him. For a year it"
    " said nothing at all. Then came a night of fog, and the lamp went out. The parrot cried, loud"
    " and clear: mind the rocks, mind the rocks! Three ships turned away in time. In the morning"
    " the keeper asked why it had never spoken before. Until now, said the parrot, you had"
    " everything under control."
)

ANSWERS = (
    (r"\bwhat (?:can|do|could) you do\b|\bwhat (?:else )?can i (?:say|ask)\b|^help\b|\bhelp me\b",
     ABLE),
    (r"\b(?:what(?:'s| is)) your name\b|\b(?:who|what) are you\b|\byour name\b",
     "I am Parley's demo agent: a small program, not a language model, that runs on this machine"
     " alone."),
    (r"\bare you (?:a )?(?:real|human|robot|alive|person|an? ai|machine|a i|intelligent)\b",
     "I am a small program with a few rules. No language model, and nobody pretending."),
    (r"\b(?:plug|connect|set up|use|install)\b.*\b(?:model|open ?ai|provider|key|engine)s?\b",
     PLUGGING_IN),
    (r"\bweather\b|\brain(?:ing)?\b|\btemperature outside\b|\bforecast\b",
     "I cannot see the weather: I work offline and have no window. A language model with a tool"
     " could look it up."),
    (r"\bnews\b|\bstock|\bscores?\b",
     "I do not follow the news: I work offline, on this machine alone."),
    (r"\b(?:tell|read) (?:me )?(?:a|another|the|your)?\s*(?:short )?story\b", STORY),
    (r"\btell (?:me )?(?:a|another) joke\b|\bknow (?:a|any) jokes?\b",
     "I would tell you a joke about latency, but you might be waiting for it."),
    (r"\bhow are you\b|\bhow do you do\b|\bhow(?:'s| is) it going\b|\bhow are things\b",
     "All of my parts answer, thank you. How are you?"),
    (r"\bi(?:'m| am) (?:very |quite |really )?(?:fine|good|well|great|okay|happy)\b",
     "I am glad to hear that."),
    (r"\bi(?:'m| am) (?:very |quite |really |a bit )?(?:tired|sad|bored|ill|sick|angry)\b",
     "I am sorry to hear that."),
    (r"\bthanks?\b|\bthank you\b", "You are welcome."),
    (r"\bcan you hear me\b|\bare you there\b|\b(?:testing|microphone test)\b",
     "I hear you, loud and clear."),
    (r"^(?:yes|no|yeah|nope|okay|ok|right|sure|all right|i see)$",
     "Good. What would you like to try next?"),
)  # fmt: skip


LEAVING = r"\bgood[ -]?bye?\b|\bbye\b|\bsee you\b|\bgood night\b"


def taking_leave(utterance: Utterance) -> str | None:
    if not utterance.matches(LEAVING):
        return None
    name = known_name(utterance)
    return f"Goodbye{', ' + name if name else ''}. It was good to talk with you."


def answering(utterance: Utterance) -> str | None:
    return next((answer for pattern, answer in ANSWERS if utterance.matches(pattern)), None)


def greeting(utterance: Utterance) -> str | None:
    if not utterance.matches(
        r"^(?:hello|hi|hey|good (?:morning|afternoon|evening|day)|greetings)\b"
    ):
        return None
    if name := known_name(utterance):
        return f"Hello, {name}. What shall we try?"
    daytime = part_of_day(utterance.now).split()[-1]
    hello = "Hello" if daytime == "night" else f"Good {daytime}"
    return f"{hello}. I am Parley's demo agent. What is your name?"


def falling_back(utterance: Utterance) -> str:
    """Honest about what was heard, and about not having an answer."""
    if not utterance.plain:
        return "I did not catch that."
    turn = len(utterance.earlier("user"))
    words = utterance.text.strip(" .")
    if not turn:
        return (
            f"I heard: {words}. I have no answer to that, since I am a small demo agent without a"
            f" language model. {ABLE}"
        )
    suggestion = list(SUGGESTIONS)[turn % len(SUGGESTIONS)]
    return f"I heard: {words}. That is beyond this demo. {suggestion}"


SUGGESTIONS = {
    "Ask me what I can do.": ("What can you do?",),
    "Try: what is ten times ten.": ("What is ten times ten?",),
    "Try: tell me a short story, and interrupt me.": ("Tell me a short story.",),
    "Try: my name is, and your name; and later: do you know my name.": (
        "My name is John.",
        "Do you know my name?",
    ),
    "Ask me how to connect a language model.": ("How do I connect a language model?",),
}
"""What to try next, and the sentences that do it: the recogniser of this machine understands them
from many voices."""
