"""ElevenLabs."""

from interaction.providers.declaration import (
    Account,
    Capabilities,
    EnvVar,
    ErrorWords,
    Provider,
    StageEntry,
)

ACCOUNT = Account(
    "https://api.elevenlabs.io",
    api_key_variable=EnvVar("ELEVENLABS_API_KEY", secret=True),
    base_url_variable=EnvVar("ELEVENLABS_BASE_URL"),
    check_path="/v1/models",
    header="xi-api-key",
    scheme="",
    keys_page="https://elevenlabs.io/app/settings/api-keys",
)
VOICE_IDS = {
    "Sarah": "EXAVITQu4vr4xnSDxMaL",
    "George": "JBFqnCBsd6RMkjVDRZzb",
    "Alice": "Xb7hH8MSUJpSbSDYk0k2",
    "Brian": "nPczCjzI2devNBz1zQrb",
    "Daniel": "onwK4e9ZLuTAKqWD03F9",
    "Jessica": "cgSgspJ2msm6clMCkdW9",
    "Liam": "TX3LPaxmHKxFdv7VOQHJ",
    "Lily": "pFZP5JQG7iQjIQuC4Bku",
}
"""Ids of voices that every account has, by name. A voice of no such name is taken for an id."""

PROVIDER = Provider(
    name="elevenlabs",
    label="ElevenLabs",
    account=ACCOUNT,
    error_words=ErrorWords(
        no_key_or_quota=frozenset({"quota_exceeded", "missing_permissions"}),
        rate_limited=frozenset({"concurrent_limit_exceeded", "too_many_concurrent_requests"}),
    ),
    stages=(
        StageEntry(
            "tts",
            "interaction.providers.elevenlabs.tts:TextToSpeech",
            Capabilities(
                streaming=True,
                sample_rate=24_000,
                models=("eleven_flash_v2_5", "eleven_multilingual_v2"),
                voices=tuple(VOICE_IDS),
                needs_key=True,
            ),
            how="raw PCM at 24 kHz, streamed over HTTP",
        ),
    ),
)
