"""What an error means to a person, by its code: what happened, what to do, and with which buttons.

Programs get ``code`` and ``message``; pages show what stands here instead, in the reader's
language. The history page asks ``explain``; the voice page gets the whole table as JSON
(``for_scripts``), and ``static/talk/error-explanations.js`` does the same with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

Text = Promise | str
Action = Literal[
    "try_again",
    "use_another",
    "type_instead",
    "open_keys",
    "open_settings",
    "sign_in",
    "start_again",
    "reload",
]
"""What a page can offer. ``try_again`` sends the turn's words once more, ``use_another`` opens the
choice of providers of the stage, ``start_again`` begins another conversation."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one kind of error."""

    happened: Text
    """A sentence. ``{provider}``: who failed, by label, or the part of the server where nobody is
    named; ``{part}``: always the part."""
    advice: Text = ""
    """What to do now; empty where there is nothing."""
    actions: tuple[Action, ...] = ()
    quiet: bool = False
    """It is no failure: said in passing, not in the colour of errors."""
    stage: str = ""
    """Where the choice lies that helps, if the error names no stage."""
    detail: bool = False
    """The error's own message, in English, says more and is shown to those who ask for it."""


_TRY_AGAIN = _("Try again.")
_TRY_OR_CHANGE = _("Try again, or use another provider.")
_START_AGAIN = _("Start a new conversation.")
_OUTDATED = Explanation(
    _("This page and the server do not understand each other; the server may have been updated."),
    _("Reload the page."),
    ("reload",),
    detail=True,
)
GENERAL = Explanation(
    _("{provider} failed."), _TRY_OR_CHANGE, ("try_again", "use_another"), detail=True
)
"""Of an error that nothing else is known of."""
LATE_ARCHIVE = Explanation(
    _("This turn is not in your history yet."), _("It is kept, and tried again."), quiet=True
)
"""Of any error of the stage ``archive``: nothing of the turn is lost."""

_OF_PROVIDERS = {
    "provider_unavailable": Explanation(
        _("{provider} cannot be reached, or has a problem of its own."),
        _TRY_OR_CHANGE,
        ("try_again", "use_another"),
        detail=True,
    ),
    "provider_rate_limited": Explanation(
        _("{provider} takes no more requests for the moment."),
        _("Wait a little, then try again."),
        ("try_again", "use_another"),
    ),
    "provider_timeout": Explanation(
        _("{provider} did not answer in time."), _TRY_OR_CHANGE, ("try_again", "use_another")
    ),
    "provider_refused": Explanation(
        _("{provider} refused the request."),
        _("Choose another model or voice for it, or another provider."),
        ("use_another", "try_again"),
        detail=True,
    ),
    "provider_unauthorized": Explanation(
        _("{provider} has no key that works: it is missing or wrong, or its credit is used up."),
        _("Put that right on the page of keys, then try again."),
        ("open_keys", "try_again"),
        detail=True,
    ),
    "provider_protocol_error": Explanation(
        _("{provider} gave an answer that cannot be understood, or broke off in the middle of it."),
        _TRY_OR_CHANGE,
        ("try_again", "use_another"),
        detail=True,
    ),
    "provider_error": GENERAL,
}
_OF_ANSWERS = {
    "empty_reply": Explanation(
        _("{provider} wrote no answer."),
        _("Ask once more, perhaps in other words."),
        ("try_again", "use_another"),
    ),
    "content_filtered": Explanation(
        _("{provider} held its answer back: its content filter objected."),
        _("Ask in other words."),
        ("type_instead", "use_another"),
    ),
    "reply_too_long": Explanation(
        _("The reply is too long to be spoken to its end."),
        _("Its whole text is here."),
        quiet=True,
    ),
    "language_not_spoken": Explanation(
        _("No voice on this server speaks this language."),
        _("Use another provider for the voice, or choose another language."),
        ("use_another",),
        stage="tts",
    ),
}
_OF_HEARING = {
    "no_speech": Explanation(
        _("No words were understood."),
        _("Say it again, a little closer to the microphone."),
        quiet=True,
    ),
    "language_not_heard": Explanation(
        _("{provider} does not understand the language that was chosen."),
        _("Use another provider for your speech, or type."),
        ("use_another", "type_instead"),
        stage="stt",
    ),
    "audio_dropped": Explanation(
        _("Some of what you said came too late and was dropped."),
        _("Say it again if it was misunderstood."),
        quiet=True,
    ),
}
_OF_THE_SERVER = {
    "stage_lost": Explanation(
        _("{part} stopped in the middle of the turn."), _TRY_AGAIN, ("try_again",)
    ),
    "stage_timeout": Explanation(_("{part} took too long."), _TRY_AGAIN, ("try_again",)),
    "turn_timeout": Explanation(_("Nothing came back for this turn."), _TRY_AGAIN, ("try_again",)),
    "audio_lost": Explanation(
        _("Some of the sound was lost on its way."), _TRY_AGAIN, ("try_again",)
    ),
    "audio_silent": Explanation(
        _("The rest of what was said did not arrive."), _TRY_AGAIN, ("try_again",)
    ),
    "redis_lost": Explanation(
        _("A part of the server was restarted and has lost this turn."),
        _TRY_AGAIN,
        ("try_again",),
    ),
    "redis_unavailable": Explanation(
        _("A part of the server, Redis, does not answer."),
        _("Wait a little, then try again."),
        ("try_again",),
    ),
    "queue_unavailable": Explanation(
        _("The server cannot take on work at the moment."),
        _("Wait a little, then try again."),
        ("try_again",),
    ),
    "stage_crashed": Explanation(
        _("{part} met with a fault in this program."),
        _("Try again; the server's log says what happened."),
        ("try_again", "use_another"),
    ),
    "engine_crashed": Explanation(
        _("{part} met with a fault in this program."),
        _("Try again; the server's log says what happened."),
        ("try_again", "use_another"),
    ),
}
_OF_CONVERSATIONS = {
    "internal_error": Explanation(
        _("Something broke on the server, and the conversation has ended."),
        _START_AGAIN,
        ("start_again",),
    ),
    "engine_unavailable": Explanation(
        _("A part of the server that conversations need does not answer."),
        _("Wait a little, then start again; the settings show which part it is."),
        ("start_again", "open_settings"),
    ),
    "unauthenticated": Explanation(
        _("You are not signed in any more."), _("Sign in, then go on."), ("sign_in",)
    ),
    "bad_origin": Explanation(
        _("This page was opened at an address that the server does not take for its own."),
        _("Open it at the address that the server printed when it started."),
    ),
    "session_not_found": Explanation(
        _("This conversation is not there any more."), _START_AGAIN, ("start_again",)
    ),
    "session_unavailable": Explanation(
        _("This conversation is open elsewhere, or has ended."), _START_AGAIN, ("start_again",)
    ),
    "unknown_provider": Explanation(
        _("A provider that you chose is not there any more."),
        _("Reload the page and choose another one."),
        ("reload",),
    ),
    "unknown_tool": Explanation(
        _("A tool that you chose is not there any more."),
        _("Reload the page and choose again."),
        ("reload",),
    ),
    "unknown_template": Explanation(
        _("The prompt that you chose is not there any more."),
        _("Reload the page and choose another one."),
        ("reload",),
    ),
    "prompt_too_long": Explanation(
        _("The prompt and your own words to it are too long together."),
        _("Shorten your own words in the settings."),
        ("open_settings",),
    ),
}
_OF_MESSAGES = dict.fromkeys(
    (
        *("not_started", "already_started", "bad_json", "unknown_type", "invalid_message"),
        *("message_too_large", "audio_too_large", "odd_length_audio", "bad_base64"),
    ),
    _OUTDATED,
)
EXPLANATIONS: Mapping[str, Explanation] = {
    **_OF_PROVIDERS,
    **_OF_ANSWERS,
    **_OF_HEARING,
    **_OF_THE_SERVER,
    **_OF_CONVERSATIONS,
    **_OF_MESSAGES,
}
"""By code: those of docs/protocol.md that come over the socket."""

PARTS: Mapping[str, Text] = {
    "": _("A part of the server"),
    "stt": _("The speech recogniser"),
    "llm": _("The language model"),
    "tts": _("The voice"),
    "realtime": _("The realtime provider"),
}
"""What does the work of a stage, as the subject of a sentence."""


def explanation_of(code: str, stage: str = "") -> Explanation:
    return LATE_ARCHIVE if stage == "archive" else EXPLANATIONS.get(code, GENERAL)


def happened(code: str, stage: str, provider: str, stage_label: str) -> str:
    """The sentence that says what happened. ``provider``, ``stage_label``: their names for people;
    ``provider`` is empty where nobody is named."""
    sentence = str(explanation_of(code, stage).happened)
    part = str(PARTS.get(stage, PARTS[""]))
    said = sentence.format(provider=provider or part, part=part)
    if provider and stage_label and "{provider}" in sentence:
        return gettext("{stage}: {happened}").format(stage=stage_label, happened=said)
    return said


def in_a_row(*sentences: Text) -> str:
    """Sentences one after the other, with a space between them where the language wants one."""
    return _gap().join(str(sentence) for sentence in sentences if sentence)


def for_scripts() -> dict[str, Any]:
    """The tables in the person's language, as ``ErrorExplanations`` in
    static/talk/error-explanations.js."""
    return {
        "by_code": {code: _as_json(one) for code, one in EXPLANATIONS.items()},
        "general": _as_json(GENERAL),
        "late_archive": _as_json(LATE_ARCHIVE),
        "parts": {stage: str(name) for stage, name in PARTS.items()},
        "of_stage": gettext("{stage}: {happened}"),
        "gap": _gap(),
    }


def _gap() -> str:
    # Translators: two sentences, one after the other.
    return gettext("{one} {other}").format(one="", other="")


def _as_json(one: Explanation) -> dict[str, Any]:
    texts = {"happened": str(one.happened), "advice": str(one.advice)}
    return asdict(one) | texts | {"actions": list(one.actions)}
