from __future__ import annotations

from interaction.tests.cascade.conftest import session as session
