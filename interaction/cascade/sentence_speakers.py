"""Who reads a sentence: the session's voices, or others where it is in another language."""

from __future__ import annotations

from interaction.core.languages import language_of, letters_of
from interaction.core.types import ProviderSelection
from interaction.credentials.provider_selection import able_choices, in_language


def find_speakers(
    text: str, choices: tuple[ProviderSelection, ...]
) -> tuple[ProviderSelection, ...]:
    """The TTS providers for a sentence, in order; ``choices``: those of the session.

    Empty where nobody on the list and nothing on this machine speaks its language. A sentence that
    is partly in the session's language is then read as far as it is.
    """
    session = choices[0].language
    language = language_of(text, session)
    if language == session:
        return choices
    found = able_choices("tts", [in_language(choice, language) for choice in choices])
    return found or (choices if letters_of(session, text) else ())
