"""``manage.py up``: start everything that Parley needs, keep it running, stop it all at the end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voiceproject.instances import LOCK_NAME, REMEMBERED, remember
from voiceproject.management.commands.migrate import let_the_database_be_made, make_data_folder
from voiceproject.parts import all_parts, drained
from voiceproject.redis_server import NoRedis
from voiceproject.sign_in import link_for
from voiceproject.supervisor import Supervisor

LAST_RUN_ENDS = 12.0
"""Seconds that an earlier run on the same data may still take to end."""


class Command(BaseCommand):
    help = "Start Redis (unless REDIS_URL names one), workers, beat and web; keep them running."
    requires_migrations_checks = False
    requires_system_checks = ()  # they come after what can be said more plainly

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--prepare",
            action="store_true",
            help=str(gettext_lazy("first migrate and seed, as `make run` does")),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["prepare"]:
            make_data_folder()
        else:
            self._check_database()
        lock = self._lock()
        self._check_port()
        self.check()
        if options["prepare"]:
            self._prepare()
        self._remember()
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

    def _prepare(self) -> None:
        """Quiet where there is nothing to be done."""
        began = time.monotonic()
        let_the_database_be_made(DEFAULT_DB_ALIAS)
        if self._lacks_migrations():
            self._say("database", _("is being prepared"))
            call_command("migrate", verbosity=0)
            seconds = f"{time.monotonic() - began:.1f}"
            self._say("database", _("prepared after %(seconds)s s") % {"seconds": seconds})
        call_command("seed", stdout=self.stdout)

    def _remember(self) -> None:
        """So that commands in another shell find this installation."""
        env = settings.ENV
        values = {name: str(getattr(env, name.lower()) or "") for name in REMEMBERED}
        try:
            remember(settings.DATA_DIR, values, time.time())
        except OSError as error:
            self._say(
                "parley",
                _("Other commands want PARLEY_DATA_DIR and PORT from you: no note of them could be"
                  " left (%(why)s).") % {"why": error.strerror},
            )  # fmt: skip

    def _lacks_migrations(self) -> bool:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))

    def _check_database(self) -> None:
        if self._lacks_migrations():
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
        try:
            lock = os.open(settings.DATA_DIR / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CommandError(
                _("The data folder %(folder)s cannot be written: %(why)s. Set PARLEY_DATA_DIR to a"
                  " folder of yours.")
                % {"folder": settings.DATA_DIR, "why": error.strerror}
            ) from error  # fmt: skip
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
