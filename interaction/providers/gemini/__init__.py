"""Google's Gemini."""

from interaction.providers.declaration import (
    Account,
    Capabilities,
    EnvVar,
    ErrorWords,
    Provider,
    StageEntry,
)

ACCOUNT = Account(
    "https://generativelanguage.googleapis.com",
    api_key_variable=EnvVar("GEMINI_API_KEY", secret=True),
    base_url_variable=EnvVar("GEMINI_BASE_URL"),
    check_path="/v1beta/models?pageSize=1000",
    header="x-goog-api-key",
    scheme="",
    keys_page="https://aistudio.google.com/apikey",
)
VOICES = ("Puck", "Charon", "Kore", "Fenrir", "Aoede", "Leda", "Orus", "Zephyr")

PROVIDER = Provider(
    name="gemini",
    label="Google Gemini",
    account=ACCOUNT,
    error_words=ErrorWords(no_key_or_quota=frozenset({"api_key_invalid"})),
    stages=(
        StageEntry(
            "llm",
            "interaction.providers.gemini.llm:LanguageModel",
            Capabilities(
                streaming=True,
                models=("gemini-3.8-flash", "gemini-3.5-flash-lite"),
                tools=True,
                needs_key=True,
            ),
            how="`google-genai`, streamed, with tools",
        ),
        StageEntry(
            "realtime",
            "interaction.providers.gemini.realtime:RealtimeModel",
            Capabilities(
                streaming=True,
                sample_rate=16_000,
                models=("gemini-3.8-live", "gemini-3.1-flash-live-preview"),
                voices=VOICES,
                tools=True,
                needs_key=True,
            ),
            label="Gemini Live",
            default_order=20,
            how="Gemini Live, speech to speech, with tools",
        ),
    ),
)
