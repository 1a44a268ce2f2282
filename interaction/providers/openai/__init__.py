"""OpenAI, and every server that speaks its protocols."""

from interaction.providers.declaration import (
    Account,
    Capabilities,
    EnvVar,
    ErrorWords,
    Provider,
    StageEntry,
)

ACCOUNT = Account(
    "https://api.openai.com/v1",
    api_key_variable=EnvVar("OPENAI_API_KEY", secret=True),
    base_url_variable=EnvVar("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    check_path="/models",
    keys_page="https://platform.openai.com/api-keys",
    needs_no_key_elsewhere=True,
)
VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)
REALTIME_VOICES = (
    *("marin", "cedar", "alloy", "ash", "ballad", "coral", "echo"),
    *("sage", "shimmer", "verse"),
)

PROVIDER = Provider(
    name="openai",
    label="OpenAI",
    account=ACCOUNT,
    error_words=ErrorWords(
        no_key_or_quota=frozenset({"account_deactivated"}),
        refused=frozenset({"content_policy_violation"}),
    ),
    stages=(
        StageEntry(
            "stt",
            "interaction.providers.openai.stt:SpeechToText",
            Capabilities(
                streaming=False,
                sample_rate=16_000,
                models=("gpt-transcribe",),
                needs_key=True,
            ),
            default_order=10,
            model_variable=EnvVar("OPENAI_STT_MODEL", "gpt-transcribe"),
            serves_endpoints=True,
            how="one upload at the end of what you say; partials where the server streams them",
        ),
        StageEntry(
            "stt",
            "interaction.providers.openai.live_stt:SpeechToText",
            Capabilities(
                streaming=True,
                sample_rate=24_000,
                models=("gpt-live-transcribe", "gpt-realtime-whisper"),
                needs_key=True,
            ),
            name="openai-live",
            label="OpenAI, live",
            how="a realtime session of type `transcription`, while you speak",
            needs="`OPENAI_API_KEY`",
        ),
        StageEntry(
            "llm",
            "interaction.providers.openai.llm:LanguageModel",
            Capabilities(streaming=True, models=("gpt-5-mini",), tools=True, needs_key=True),
            default_order=10,
            model_variable=EnvVar("OPENAI_MODEL", "gpt-5-mini"),
            serves_endpoints=True,
            how="chat completions, streamed, with tools",
        ),
        StageEntry(
            "tts",
            "interaction.providers.openai.tts:TextToSpeech",
            Capabilities(
                streaming=True, models=("gpt-4o-mini-tts",), voices=VOICES, needs_key=True
            ),
            default_order=10,
            default_voice="marin",
            model_variable=EnvVar("OPENAI_TTS_MODEL", "gpt-4o-mini-tts"),
            sample_rate_variable=EnvVar("OPENAI_TTS_RATE", 24_000),
            serves_endpoints=True,
            how="raw PCM, streamed",
        ),
        StageEntry(
            "realtime",
            "interaction.providers.openai.realtime:RealtimeModel",
            Capabilities(
                streaming=True,
                sample_rate=24_000,
                models=("gpt-realtime-2.1", "gpt-realtime-2.1-mini"),
                voices=REALTIME_VOICES,
                tools=True,
                needs_key=True,
            ),
            label="OpenAI Realtime",
            default_order=10,
            model_variable=EnvVar("OPENAI_REALTIME_MODEL", "gpt-realtime-2.1"),
            serves_endpoints=True,
            how=(
                "OpenAI Realtime (GA), speech to speech, with tools, and every server that speaks"
                " it"
            ),
            tried_against="**our stand-in**, and Parley itself",
        ),
    ),
)
