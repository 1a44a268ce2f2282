"""The Celery tasks: each runs its stage's coroutine on the worker's loop.

Stages run at most once: they are acknowledged early (Celery's default) and claimed. Archiving may
run again: it is acknowledged late, and repeating it does no harm.
"""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from interaction.bus.stage_messages import load_context, load_request
from interaction.cascade import respond as responding
from interaction.cascade import synthesize as synthesizing
from interaction.cascade import transcribe as transcribing
from interaction.cascade.provider_pool import StageKind
from interaction.cascade.stage import StageRun, run_repeatable, run_stage
from interaction.cascade.worker_loop import warm, worker_loop
from interaction.provider_calls import folding
from interaction.turn_records import archive as archiving
from interaction.turn_records import sweep as sweeping

QUEUE_KINDS: tuple[StageKind, ...] = ("stt", "llm", "tts")
"""Queues whose workers use providers, by the kind that they use."""


@shared_task  # type: ignore[untyped-decorator]
def transcribe(request: dict[str, Any]) -> None:
    work = transcribing.transcribe
    worker_loop().run(run_stage(load_request(request), work, transcribing.DEADLINE))


@shared_task  # type: ignore[untyped-decorator]
def respond(request: dict[str, Any], context: list[dict[str, Any]]) -> None:
    messages = load_context(context)
    worker_loop().run(
        run_stage(
            load_request(request),
            lambda run: responding.respond(run, messages),
            responding.DEADLINE,
        )
    )


@shared_task  # type: ignore[untyped-decorator]
def synthesize(request: dict[str, Any], text: str) -> None:
    worker_loop().run(
        run_stage(
            load_request(request),
            lambda run: synthesizing.synthesize(run, text),
            synthesizing.DEADLINE,
        )
    )


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def archive(request: dict[str, Any]) -> None:
    async def work(run: StageRun) -> None:
        await archiving.archive_turn(run.redis, run.request)

    worker_loop().run(run_repeatable(load_request(request), work, archiving.DEADLINE))


@shared_task  # type: ignore[untyped-decorator]
def sweep() -> None:
    worker_loop().run(sweeping.sweep())


@shared_task  # type: ignore[untyped-decorator]
def fold_provider_calls() -> None:
    folding.fold()


@worker_ready.connect  # type: ignore[untyped-decorator]
def warm_up(sender: Any, **_: Any) -> None:
    queues = sender.app.amqp.queues.consume_from
    kinds = tuple(kind for kind in QUEUE_KINDS if kind in queues)
    worker_loop().run(warm(kinds))
