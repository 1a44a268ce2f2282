from __future__ import annotations

from interaction.tests.fakes.scripted_fixtures import *  # noqa: F403
