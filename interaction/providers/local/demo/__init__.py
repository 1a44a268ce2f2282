"""The demo agent: a set of rules, for conversations without a language model."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

PROVIDER = Provider(
    name="demo",
    label="Demo agent",
    stages=(
        StageEntry(
            "llm",
            "interaction.providers.local.demo.llm:LanguageModel",
            Capabilities(
                streaming=True, languages=("en", "zh-Hant", "yue"), tools=True, tells_time=True
            ),
            default_order=100,
            how="on this machine: a set of rules, which calls tools too",
            tried_against="itself",
        ),
    ),
)
