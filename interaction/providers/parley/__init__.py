"""This server itself as a realtime provider, over its own ``/v1/realtime``.

Its address and a key for one person come from ``interaction.realtime``, which knows where this
server listens.
"""

from interaction.providers.declaration import Capabilities, Provider, StageEntry

OURSELVES = "parley"
"""The name by which sessions choose it."""

PROVIDER = Provider(
    name=OURSELVES,
    label="Parley itself",
    stages=(
        StageEntry(
            "realtime",
            "interaction.providers.openai.realtime:RealtimeModel",
            Capabilities(streaming=True, sample_rate=24_000, models=("default",), tools=True),
            default_order=100,
            how=(
                "this server's own [`/v1/realtime`](openai-realtime.md): realtime mode without a"
                " key"
            ),
            tried_against="itself",
        ),
    ),
)
