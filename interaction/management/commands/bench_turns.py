"""``manage.py bench_turns``: whether the conversation core takes turns as people do."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast, get_args

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from interaction.core.config import (
    TURN_DETECTION_CHOICES,
    ConversationConfig,
    choose_turn_detection,
)
from interaction.core.types import BargeIn
from interaction.management import turn_corpus
from interaction.management.turn_corpus import Line, OpenUtterance, read_cases, run_case
from interaction.providers.local._shared.model_files import models_folder
from interaction.providers.local.moonshine.models import MODELS
from interaction.providers.local.moonshine.transcriber import Transcriber
from interaction.providers.local.moonshine.utterance import Utterance

PARTS = {
    "while a reply plays": ("yielded", "early", "talked through"),
    "while nothing plays": ("whole", "cut", "no end"),
    "between turn and reply": ("answered", "joined", "reply lost"),
}
"""The tables, each with its outcomes."""


class Command(BaseCommand):
    help = (
        "Run a corpus of turn-taking through the conversation core, with the recogniser of this"
        " machine, and print what came of each class of cases."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("corpus", type=Path, help="a folder with cases.jsonl and mic/<id>.wav")
        parser.add_argument("--turns", choices=TURN_DETECTION_CHOICES, default="vad")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a setting of the turn detection, e.g. silence_ms=400",
        )
        parser.add_argument("--barge-in", choices=get_args(BargeIn), default="considered")
        parser.add_argument("--no-words", action="store_true", help="without the recogniser")
        parser.add_argument("--class", dest="classes", action="append", metavar="NAME")
        parser.add_argument("--json", action="store_true", help="settings, rows and every case")

    def handle(self, **options: Any) -> None:
        corpus: Path = options["corpus"]
        if not (corpus / "cases.jsonl").is_file():
            raise CommandError(f"There is no cases.jsonl in {corpus}.")
        settings = dict(_setting(text) for text in options["set"])
        try:
            detection = choose_turn_detection(options["turns"], settings).without_engine()
        except TypeError as error:
            raise CommandError(str(error)) from None
        config = ConversationConfig(barge_in=options["barge_in"], turn_detection=detection)
        open_utterance = _Unheard if options["no_words"] else _recogniser()
        results = [
            run_case(case, pcm, config, open_utterance)
            for case, pcm in read_cases(corpus)
            if not options["classes"] or case.cls in options["classes"]
        ]
        rows = turn_corpus.table(results)
        if options["json"]:
            told = {
                "turn_detection": asdict(detection),
                "barge_in": config.barge_in,
                "rows": {row: asdict(line) for row, line in rows.items()},
                "cases": [asdict(result) for result in results],
            }
            self.stdout.write(json.dumps(told, indent=1))
        else:
            _show(Console(file=cast("IO[str]", self.stdout)), rows)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--set {text}: write it as NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _recogniser() -> OpenUtterance:
    model = MODELS["tiny-en"]
    if not model.present:
        raise CommandError(
            "The recogniser's model is not here: run `manage.py models tiny-en`, or try --no-words."
        )
    transcriber = Transcriber(model.verified(models_folder()))
    return lambda: _Heard(Utterance(0, transcriber))


class _Heard:
    """Implements ``turn_corpus.Utterance`` with the recogniser of this machine."""

    def __init__(self, utterance: Utterance) -> None:
        self._utterance = utterance

    def feed(self, pcm: bytes) -> Iterable[str]:
        self._utterance.work.append(pcm)
        before = self._utterance.text
        while self._utterance.due:
            _, text, _ = self._utterance.step()
            if text != before:
                before = text
                yield text

    def finish(self) -> str:
        self._utterance.work.append("flush")
        text = ""
        while self._utterance.due:
            _, text, _ = self._utterance.step()
        return text


class _Unheard:
    """Nothing is understood before the turn's end."""

    def feed(self, pcm: bytes) -> Iterable[str]:
        return ()

    def finish(self) -> str:
        return "something was said"


def _show(console: Console, rows: Mapping[str, Line]) -> None:
    for title, outcomes in PARTS.items():
        shown = {row: line for row, line in rows.items() if line.shares.keys() <= set(outcomes)}
        if not shown:
            continue
        grid = Table(title=title, title_justify="left")
        grid.add_column("")
        for name in ("n", *outcomes, "p50/p95 ms", "spoke over", "ducked", "p50/p95 ms"):
            grid.add_column(name, justify="right")
        for row, line in shown.items():
            grid.add_row(
                row,
                str(line.count),
                *(f"{line.shares.get(outcome, 0):.0%}" for outcome in outcomes),
                _times(line.yield_ms or line.delay_ms),
                "–" if line.spoke_over is None else f"{line.spoke_over:.0%}",
                f"{line.ducked:.0%}" if line.ducked else "–",
                _times(line.duck_ms),
            )
        console.print(grid)


def _times(percentiles: tuple[int, int] | None) -> str:
    return f"{percentiles[0]}/{percentiles[1]}" if percentiles else "–"
