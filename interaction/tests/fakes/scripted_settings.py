"""Settings of a server that answers by the scripted engine."""

from voiceproject.settings import *  # noqa: F403

PARLEY_ENGINES = dict.fromkeys(
    ("cascade", "realtime"), "interaction.tests.fakes.scripted_engine.ScriptedEngine"
)
