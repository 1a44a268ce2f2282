"""Hibari: natural English speech, whose model comes with the package."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

VOICE = "heart"
"""The only voice in the package; its library fetches the others from a hub."""

PROVIDER = Provider(
    name="hibari",
    label="Hibari",
    stages=(
        StageEntry(
            "tts",
            "interaction.providers.local.hibari.tts:TextToSpeech",
            Capabilities(streaming=True, languages=("en",), sample_rate=24_000, voices=(VOICE,)),
            default_order=90,
            voice_by_language={"en": VOICE},
            requirement_check="interaction.providers.local.hibari.package:missing_requirement",
            how="on this machine; English, one natural voice",
            tried_against="itself",
        ),
    ),
)
