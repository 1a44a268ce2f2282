"""Echo: repeats what the person said."""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

PROVIDER = Provider(
    name="echo",
    label="Echo",
    stages=(
        StageEntry(
            "llm",
            "interaction.providers.local.echo.llm:LanguageModel",
            Capabilities(streaming=True),
            how="on this machine: says what it heard",
            tried_against="itself",
        ),
    ),
)
