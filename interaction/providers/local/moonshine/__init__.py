"""Moonshine: speech recognition with models that the package index has."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

PROVIDER = Provider(
    name="moonshine",
    label="Moonshine",
    stages=(
        StageEntry(
            "stt",
            "interaction.providers.local.moonshine.stt:SpeechToText",
            Capabilities(streaming=True, languages=("en",), sample_rate=16_000),
            default_order=100,
            requirement_check="interaction.providers.local.moonshine.stt:missing_requirement",
            how="on this machine, while you speak; English, with case and punctuation",
            needs="a model, which `make run` fetches: [below](#moonshine)",
            tried_against="itself",
        ),
    ),
)
