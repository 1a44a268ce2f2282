"""Every setting that the environment (or .env) may give, typed and checked when it is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent


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
    tts_voice: str = ""

    parley_stt: str = ""
    parley_llm: str = ""
    parley_tts: str = ""
    parley_language: str = "en"

    parley_worker_concurrency: Annotated[int, Field(ge=1)] = 256
    parley_max_upload_seconds: Annotated[int, Field(ge=1)] = 900
    parley_max_upload_mb: Annotated[int, Field(ge=1)] = 64
    parley_log_level: str = "INFO"
    parley_token: SecretStr = SecretStr("")
