"""eSpeak NG: plain, quick speech."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

VOICES = {
    "en-us": "en-us",
    "en-gb": "en",
    "en-gb-scotland": "en-gb-scotland",
    "cmn": "cmn",
    "yue": "yue",
}
"""Names that the library knows, by ours."""

PROVIDER = Provider(
    name="espeak",
    label="eSpeak NG",
    stages=(
        StageEntry(
            "tts",
            "interaction.providers.local.espeak.tts:TextToSpeech",
            Capabilities(
                streaming=True,
                languages=("en", "zh"),
                sample_rate=22_050,
                voices=tuple(VOICES),
            ),
            default_order=100,
            voice_by_language={"zh": "cmn", "cmn": "cmn", "yue": "yue"},
            how="on this machine; English, Mandarin, Cantonese",
            tried_against="itself",
        ),
    ),
)
