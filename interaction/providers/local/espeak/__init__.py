"""eSpeak NG: plain, quick speech in some hundred languages."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

DEFAULT_VOICE = "en-us"
CHINESE = ("cmn", "yue")
ENGLISH = (DEFAULT_VOICE, "en-gb", "en-gb-scotland")
OTHERS = (
    *("af", "am", "an", "ar", "as", "az", "ba", "be", "bg", "bn", "bpy", "bs", "ca", "cs", "cv"),
    *("cy", "da", "de", "el", "eo", "es", "es-419", "et", "eu", "fa", "fi", "fr", "fr-be"),
    *("fr-ch", "ga", "gd", "gn", "gu", "haw", "he", "hi", "hr", "ht", "hu", "hy", "ia", "id"),
    *("io", "is", "it", "ka", "kk", "kl", "kn", "ko", "kok", "ku", "ky", "la", "lb", "lfn"),
    *("lt", "ltg", "lv", "mi", "mk", "ml", "mr", "ms", "mt", "my", "nb", "nci", "ne", "nl", "nog"),
    *("om", "or", "pa", "pap", "pl", "pt", "pt-br", "qu", "quc", "ro", "ru", "sd", "shn", "si"),
    *("sk", "sl", "smj", "sq", "sr", "sv", "sw", "ta", "te", "th", "ti", "tk", "tn", "tr", "tt"),
    *("ug", "uk", "ur", "uz", "vi", "vi-vn-x-central", "vi-vn-x-south"),
)
"""Named by their language. Japanese and Hakka are none of them: the library has voices for both
that read Han characters as "Chinese letter"."""
VOICES = {name: name for name in (*ENGLISH, *CHINESE, *OTHERS)} | {"en-gb": "en"}
"""Names that the library knows, by ours."""
LANGUAGES = ("en", "zh", *dict.fromkeys(name.split("-")[0] for name in (*CHINESE, *OTHERS)))

PROVIDER = Provider(
    name="espeak",
    label="eSpeak NG",
    stages=(
        StageEntry(
            "tts",
            "interaction.providers.local.espeak.tts:TextToSpeech",
            Capabilities(
                streaming=True,
                languages=LANGUAGES,
                sample_rate=22_050,
                voices=tuple(VOICES),
            ),
            default_order=100,
            voice_by_language={
                **{name: name for name in VOICES},
                "en": DEFAULT_VOICE,
                "zh": "cmn",
                "no": "nb",
                "nn": "nb",
            },
            how=f"on this machine; plain voices for {len(LANGUAGES)} languages",
            tried_against="itself",
        ),
    ),
)
