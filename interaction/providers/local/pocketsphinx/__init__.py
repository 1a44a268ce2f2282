"""PocketSphinx: speech recognition whose English model comes with the package."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

PROVIDER = Provider(
    name="pocketsphinx",
    label="PocketSphinx",
    stages=(
        StageEntry(
            "stt",
            "interaction.providers.local.pocketsphinx.stt:SpeechToText",
            Capabilities(streaming=True, languages=("en",), sample_rate=16_000),
            default_order=110,
            how="on this machine, while you speak; English",
            tried_against="itself",
        ),
    ),
)
