"""Deepgram."""

from interaction.providers.declaration import (
    Account,
    Capabilities,
    EnvVar,
    ErrorWords,
    Provider,
    StageEntry,
)

ACCOUNT = Account(
    "https://api.deepgram.com",
    api_key_variable=EnvVar("DEEPGRAM_API_KEY", secret=True),
    base_url_variable=EnvVar("DEEPGRAM_BASE_URL"),
    check_path="/v1/auth/token",
    scheme="Token ",
    keys_page="https://console.deepgram.com/",
)

PROVIDER = Provider(
    name="deepgram",
    label="Deepgram",
    account=ACCOUNT,
    error_words=ErrorWords(
        no_key_or_quota=frozenset(
            {"invalid_auth", "asr_payment_required", "insufficient_permissions"}
        )
    ),
    stages=(
        StageEntry(
            "stt",
            "interaction.providers.deepgram.stt:SpeechToText",
            Capabilities(
                streaming=True,
                sample_rate=16_000,
                models=("nova-3", "nova-2"),
                needs_key=True,
            ),
            how="its live socket, while you speak",
        ),
    ),
)
