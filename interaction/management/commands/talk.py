"""``manage.py talk FILE…``: have a spoken conversation with a running server, from files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from rich.console import Console

from interaction.audio import recordings, wav
from interaction.audio.resample import Resampler
from interaction.management.address import local_host_and_port
from interaction.management.users import get_active_user
from interaction.models import ApiToken
from interaction.talk import report
from interaction.talk.client import ObservedTurn, Talk, TalkFailed, hold_conversation, is_local

STAGES = ("stt", "llm", "tts")
RATES = range(8_000, 96_001)
LONGEST_S = 900


class Command(BaseCommand):
    help = (
        "Speak audio files to a running server, as turns of one session, and hear the replies. "
        "The token comes from --token-file, else PARLEY_TOKEN, else, on the server's own machine, "
        "from its database. Exit code 0: every file and text got a reply."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("files", nargs="*", type=Path, metavar="FILE")
        add("--text", action="append", default=[], help="a typed turn, after the files; repeatable")
        add("--url", default="", help="the server, by default the one that runs here")
        add("--token-file", help="a file that holds the token; - is standard input")
        add("--user", default="owner", help="whose session, where no token is given")
        for stage in STAGES:
            add(
                f"--{stage}",
                default="",
                metavar="NAME[/MODEL],…",
                help=f"{stage} provider, then who steps in",
            )
        add("--tool", action="append", default=[], help="the agent may use it; repeatable")
        add("--voice", default="")
        add("--language", default="")
        add("--system-prompt", default="")
        add("--title", default="")
        add("--no-recording", action="store_true", help="have no audio kept")
        add("--push-to-talk", action="store_true", help="a file's end, not silence, ends the turn")
        add("--out", type=Path, metavar="DIR", help="write the replies there as WAV files")
        add("--json", action="store_true", help="print one JSON object instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["files"] and not options["text"]:
            raise CommandError(_("Give at least one audio file, or --text."))
        sounds = [(path.name, self._read(path)) for path in options["files"]]
        self.console = Console(
            file=cast("IO[str]", self.stdout), quiet=options["json"], soft_wrap=True
        )
        results: list[tuple[str, ObservedTurn]] = []
        unanswered: list[str] = []

        async def conversation(talk: Talk) -> None:
            for name, sound in sounds:
                turns = await talk.speak(at_rate(sound, talk.rate), commit=options["push_to_talk"])
                results.extend((name, turn) for turn in turns)
                if not any(turn.answered for turn in turns):
                    unanswered.append(name)
            for text in options["text"]:
                turns = await talk.write(text)
                results.extend((text, turn) for turn in turns)
                if not any(turn.answered for turn in turns):
                    unanswered.append(text)

        talk = self._talk(conversation, session_settings(options, sounds), options)
        self._print(talk, results, unanswered, options)
        if unanswered:
            raise CommandError(_("No reply to: %(what)s") % {"what": ", ".join(unanswered)})

    def _read(self, path: Path) -> wav.Sound:
        try:
            with path.open("rb") as file:
                return asyncio.run(recordings.read(file, LONGEST_S))
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except wav.AudioRejected as rejected:
            raise CommandError(f"{path}: {rejected.message}") from rejected

    def _talk(self, conversation: Any, wanted: dict[str, Any], options: dict[str, Any]) -> Talk:
        here = f"http://{local_host_and_port()}"
        url = (options["url"] or here).rstrip("/").replace("http", "ws", 1)
        with token_for(url, options) as token:
            try:
                return asyncio.run(
                    hold_conversation(
                        url, token, report.EventList(self.console), conversation, **wanted
                    )
                )
            except TalkFailed as failed:
                raise CommandError(str(failed)) from failed

    def _print(
        self,
        talk: Talk,
        results: list[tuple[str, ObservedTurn]],
        unanswered: list[str],
        options: dict[str, Any],
    ) -> None:
        files = [self._write(options["out"], n, t) for n, (_name, t) in enumerate(results, 1)]
        for name, turn in results:
            report.print_words(self.console, name, turn)
        self.console.print()
        self.console.print(report.latency_table([turn for _name, turn in results]))
        if options["json"]:
            document = {
                "ok": not unanswered,
                "session_id": talk.started["session_id"],
                "unanswered": unanswered,
                "turns": [
                    report.as_json(name, turn, file)
                    for (name, turn), file in zip(results, files, strict=True)
                ],
                "summary": talk.summary,
            }
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))

    def _write(self, folder: Path | None, number: int, turn: ObservedTurn) -> str | None:
        if folder is None or turn.playback is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"reply-{number}.wav"
        path.write_bytes(wav.wrap(bytes(turn.playback.pcm), turn.playback.rate))
        return str(path)


def session_settings(
    options: dict[str, Any], sounds: list[tuple[str, wav.Sound]]
) -> dict[str, Any]:
    """``start_session``'s fields; the first file's own sample rate is the session's."""
    providers, fallbacks = {}, {}
    for stage in STAGES:
        wanted = [one.partition("/") for one in options[stage].split(",")]
        language = options["language"]
        choices = [
            {"name": name, "model": model, "language": language} for name, _slash, model in wanted
        ]
        providers[stage], *fallbacks[stage] = choices
    providers["tts"]["voice"] = options["voice"]
    rate = sounds[0][1].rate if sounds else 16_000
    return {
        "providers": providers,
        "fallbacks": fallbacks,
        "tools": options["tool"],
        "system_prompt": options["system_prompt"],
        "title": options["title"],
        "recording": not options["no_recording"],
        "turn_detection": {"kind": "manual" if options["push_to_talk"] else "vad"},
        "input_sample_rate": rate if rate in RATES else 16_000,
    }


def at_rate(sound: wav.Sound, rate: int) -> bytes:
    resampler = Resampler(sound.rate, rate)
    return resampler.feed(sound.pcm) + resampler.finish()


@contextlib.contextmanager
def token_for(url: str, options: dict[str, Any]) -> Iterator[str]:
    """The token; one that was made for this run alone is deleted after it."""
    if options["token_file"] == "-":
        yield sys.stdin.readline().strip()
    elif options["token_file"]:
        yield Path(options["token_file"]).read_text().strip()
    elif token := settings.ENV.parley_token.get_secret_value():
        yield token
    elif options["url"] and not is_local(url):
        raise CommandError(
            _("A server elsewhere needs a token: set PARLEY_TOKEN, or use --token-file.")
        )
    else:
        token = ApiToken.make(get_active_user(options["user"]))
        try:
            yield token
        finally:
            ApiToken.revoke(token)
