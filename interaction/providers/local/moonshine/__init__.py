"""Moonshine: speech recognition with models that a person fetches."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

LANGUAGES = ("en", "ar", "de", "es", "ja", "ko", "tl", "uk", "vi", "zh")

PROVIDER = Provider(
    name="moonshine",
    label="Moonshine",
    stages=(
        StageEntry(
            "stt",
            "interaction.providers.local.moonshine.stt:SpeechToText",
            Capabilities(streaming=True, languages=LANGUAGES, sample_rate=16_000),
            default_order=100,
            requirement_check="interaction.providers.local.moonshine.stt:missing_requirement",
            how="on this machine, while you speak; ten languages",
            needs="a model: [below](#moonshine)",
            tried_against="its library, but **no real model**",
        ),
    ),
)
