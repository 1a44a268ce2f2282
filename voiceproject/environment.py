"""Every setting that the environment (or .env) may give, typed and checked when it is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from interaction.providers.addresses import http_address

BASE_DIR = Path(__file__).resolve().parent.parent


class NamedEndpoint(BaseModel):
    """A server that speaks OpenAI's protocol, for everybody who may use this installation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
    base_url: Annotated[str, AfterValidator(http_address)]
    api_key: SecretStr = SecretStr("")
    models: dict[Literal["stt", "llm", "tts", "realtime"], tuple[str, ...]]
    """For the stages that it serves; the first one is the default."""
    voices: tuple[str, ...] = ()
    sample_rate: Annotated[int, Field(ge=8_000, le=96_000)] = 24_000
    """Of its speech, Hz."""


def _endpoints(value: object) -> object:
    """JSON, or the path of a file that holds it."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        try:
            value = (BASE_DIR / Path(value).expanduser()).read_text()
        except OSError as error:
            raise ValueError(f"the file cannot be read ({error.strerror})") from None
    return json.loads(value)


class Environment(BaseSettings):
    """Names are the environment's, in capitals. ``.env.example`` explains each one."""

    model_config = SettingsConfigDict(
        env_file=os.environ.get("PARLEY_ENV_FILE") or BASE_DIR / ".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    parley_data_dir: Path = BASE_DIR / "data"
    parley_host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    debug: bool = False
    secret_key: SecretStr | None = None
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    csrf_trusted_origins: str = ""
    https: bool = False
    database_url: str = ""
    redis_url: str = ""
    s3_bucket: str = ""
    s3_endpoint_url: str = ""
    time_zone: str = "UTC"

    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-5-mini"
    openai_stt_model: str = "gpt-transcribe"
    openai_tts_model: str = "gpt-4o-mini-tts"
    openai_tts_rate: int = 24_000
    openai_realtime_model: str = "gpt-realtime-2.1"
    tts_voice: str = ""

    gemini_api_key: SecretStr = SecretStr("")
    gemini_base_url: str = ""
    anthropic_api_key: SecretStr = SecretStr("")
    anthropic_base_url: str = ""
    deepgram_api_key: SecretStr = SecretStr("")
    deepgram_base_url: str = ""
    elevenlabs_api_key: SecretStr = SecretStr("")
    elevenlabs_base_url: str = ""
    parley_endpoints: Annotated[
        tuple[NamedEndpoint, ...], NoDecode, BeforeValidator(_endpoints)
    ] = ()
    parley_credentials_key: SecretStr = SecretStr("")

    parley_stt: str = ""
    parley_llm: str = ""
    parley_tts: str = ""
    parley_realtime: str = ""
    parley_language: str = "en"

    parley_redact: bool = True
    parley_context_turns: Annotated[int, Field(ge=1, le=500)] = 20
    parley_context_tokens: Annotated[int, Field(ge=200)] = 6_000

    parley_worker_concurrency: Annotated[int, Field(ge=1)] = 256
    parley_max_upload_seconds: Annotated[int, Field(ge=1)] = 900
    parley_max_upload_mb: Annotated[int, Field(ge=1)] = 64
    parley_log_level: str = "INFO"
    parley_token: SecretStr = SecretStr("")
