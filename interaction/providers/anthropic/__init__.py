"""Anthropic."""

from interaction.providers.declaration import (
    Account,
    Capabilities,
    EnvVar,
    ErrorWords,
    Provider,
    StageEntry,
)

ACCOUNT = Account(
    "https://api.anthropic.com",
    api_key_variable=EnvVar("ANTHROPIC_API_KEY", secret=True),
    base_url_variable=EnvVar("ANTHROPIC_BASE_URL"),
    check_path="/v1/models?limit=1000",
    header="x-api-key",
    scheme="",
    extra_headers=(("anthropic-version", "2023-06-01"),),
    keys_page="https://platform.claude.com/settings/keys",
)

PROVIDER = Provider(
    name="anthropic",
    label="Anthropic",
    account=ACCOUNT,
    error_words=ErrorWords(
        no_key_or_quota=frozenset({"billing_error"}),
        refused=frozenset({"request_too_large"}),
    ),
    stages=(
        StageEntry(
            "llm",
            "interaction.providers.anthropic.llm:LanguageModel",
            Capabilities(
                streaming=True,
                models=("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"),
                tools=True,
                needs_key=True,
            ),
            how="`anthropic`, streamed, with tools",
        ),
    ),
)
