"""Settings of a server that answers by the scripted engine."""

from voiceproject.settings import *  # noqa: F403

PARLEY_ENGINE = "interaction.tests.scripted_engine.ScriptedEngine"
