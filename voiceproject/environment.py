"""Every setting that the environment (or .env) may give, typed and checked when it is read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, create_model
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from interaction.providers.declaration import EnvVar
from interaction.providers.endpoints import NamedEndpoint

BASE_DIR = Path(__file__).resolve().parent.parent
ENV_FILE = Path(os.environ.get("PARLEY_ENV_FILE") or BASE_DIR / ".env")


def user_folder(variable: str, usual: str) -> Path | None:
    """A folder of the XDG base directories: the variable's, or the usual one below the home.
    None for a user without a home, as in some containers."""
    if named := os.environ.get(variable):
        return Path(named)
    home = os.path.expanduser("~")
    return None if home == "~" else Path(home) / usual


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


def _models_dir() -> Path:
    """One folder for a user of this machine, whatever the data folder."""
    shared = user_folder("XDG_DATA_HOME", ".local/share")
    return shared / "parley" / "models" if shared else BASE_DIR / "data" / "models"


class Environment(BaseSettings):
    """Names are the environment's, in capitals. ``.env.example`` explains each one.

    Providers declare further variables themselves: see ``with_variables``.
    """

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    parley_data_dir: Path = BASE_DIR / "data"
    parley_models_dir: Path = Field(default_factory=_models_dir)
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

    tts_voice: str = ""
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

    parley_keep_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    parley_keep_mb: Annotated[int, Field(ge=0)] = 0
    parley_silent_hours: Annotated[int, Field(ge=0, le=24 * 3650)] = 24

    parley_worker_concurrency: Annotated[int, Field(ge=1)] = 256
    parley_max_upload_seconds: Annotated[int, Field(ge=1)] = 900
    parley_max_upload_mb: Annotated[int, Field(ge=1)] = 64
    parley_log_level: str = "INFO"
    parley_token: SecretStr = SecretStr("")


def with_variables(variables: Iterable[EnvVar]) -> type[Environment]:
    """The settings with a field for each variable that a provider declares, named as it in small
    letters: ``openai_api_key``. A secret is a ``SecretStr``."""
    fields: dict[str, Any] = {
        variable.field: (
            (SecretStr, SecretStr(str(variable.default)))
            if variable.secret
            else (type(variable.default), variable.default)
        )
        for variable in variables
    }
    return create_model("Environment", __base__=Environment, **fields)
