"""``manage.py up``: start everything that Parley needs, keep it running, stop it all at the end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from voiceproject.parts import all_parts, drained
from voiceproject.redis_server import NoRedis
from voiceproject.sign_in import link_for
from voiceproject.supervisor import Supervisor

LAST_RUN_ENDS = 12.0
"""Seconds that an earlier run on the same data may still take to end."""


class Command(BaseCommand):
    help = "Start Redis (unless REDIS_URL names one), workers, beat and web; keep them running."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        self._check_database()
        lock = self._lock()
        self._check_port()
        try:
            parts = all_parts()
        except NoRedis as error:
            raise CommandError(str(error)) from error
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._supervise(Supervisor(parts, self._say, keep_open=(lock,))))
        self._say("parley", _("stopped"))

    async def _supervise(self, supervisor: Supervisor) -> None:
        task = asyncio.current_task()
        assert task
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop_once, task)
        link = await asyncio.to_thread(self._sign_in_link)

        def announce() -> None:
            self._say("parley", link)

        await supervisor.run(announce, drained)

    def _stop_once(self, task: asyncio.Task[Any]) -> None:
        """Stopping takes a few seconds; a second Ctrl-C must not break it off half-way."""
        if not task.cancelling():
            task.cancel()

    def _say(self, part: str, what: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stdout.write(f"{part:<8} {what}")
            self.stdout.flush()

    def _check_database(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(_("The database is not up to date: run `manage.py migrate` first."))

    def _sign_in_link(self) -> str:
        try:
            user = get_user_model().objects.filter(is_superuser=True, is_active=True).first()
            if user is None:
                return _("Nobody can sign in yet: run `manage.py seed` first.")
            return _("ready at %(link)s (signs you in, once, for ten minutes)") % {
                "link": link_for(user)
            }
        finally:
            connection.close()

    def _lock(self) -> int:
        """One run at a time on one data folder; the lock lasts until the last part has gone."""
        lock = os.open(settings.DATA_DIR / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LAST_RUN_ENDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise CommandError(
                        _("Parley runs on %(folder)s already.") % {"folder": settings.DATA_DIR}
                    ) from None
                time.sleep(0.1)
            else:
                return lock

    def _check_port(self) -> None:
        """Say it once, rather than have the web server die again and again."""
        address = (settings.ENV.parley_host, settings.ENV.port)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                raise CommandError(
                    _("Cannot listen on %(host)s:%(port)s: %(why)s. Choose another PORT.")
                    % {"host": address[0], "port": address[1], "why": error.strerror}
                ) from error
