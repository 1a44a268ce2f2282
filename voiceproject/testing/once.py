"""What Django does anew for every test, and no test looks at: it is done once a run, or not at all.

Nothing of it is Parley's own: the same code runs, on what it found the first time.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_migrate

from voiceproject.middleware import StaticFiles


def apply() -> None:
    _find_static_files_once()
    _fill_no_permissions()


def _find_static_files_once() -> None:
    """Each test client makes its middleware, which looks for all static files."""
    find, found = StaticFiles.add_files_from_finders, dict[str, Any]()

    def add_files_from_finders(self: StaticFiles) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    StaticFiles.add_files_from_finders = add_files_from_finders


def _fill_no_permissions() -> None:
    """Emptying the database after a test that commits counts as a migration, which would list all
    permissions. Nobody has any here but superusers, who have all."""
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
