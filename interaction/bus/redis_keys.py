"""Every key that Parley itself has in Redis, and how long it lives. No other file spells one.

Celery and the channel layer name their own keys there: queues without a prefix, channels that
begin with ``asgi``.
"""

from __future__ import annotations

from uuid import UUID

from interaction.bus.stage_watchdog import Job

LIFETIME = 3600
"""Seconds that what belongs to a turn lives after it was last written, if nobody deletes it."""
LIVE_FOR = 10
"""Seconds after which a turn or a session that no process has touched counts as abandoned."""
WORK_LEASE = 3
"""Seconds after its last beat, or its queueing, that a stage still counts as at work."""
WAKE_LIFETIME = 60
"""Seconds."""

PROVIDER_CALLS_LIVE = 7200
"""Seconds that a minute's counts of provider calls live after the last of them."""
WORKER_REMEMBERED = 600
"""Seconds after its last beat for which a worker that was lost is still known."""
RECORDINGS_KNOWN = 3600
"""Seconds for which a measured size of all recordings is told."""

CANCEL_CHANNEL = "parley:cancel"
"""The pub/sub channel of cancellations: a message is the 16 bytes of a turn's or a reply's id.

Published by the web side (or by whichever process discards a reply); every worker process listens.
"""

# A turn, from its opening until it is archived.


def open_turns() -> str:
    """Set of the ids of turns that are not archived yet.

    The web side adds a turn when it opens; archiving or dropping it removes it; the sweep reads.
    Never expires.
    """
    return "parley:turns:open"


def turn_notes(turn: UUID) -> str:
    """Hash of what is known of a turn: ``turn_records.turn_notes`` has its fields.

    Written by the web side and by the stages, read by the archive. Lives ``LIFETIME``; deleted
    where the turn is dropped. An archived turn's notes stay for late facts.
    """
    return f"parley:turn:{turn}"


def turn_live(turn: UUID) -> str:
    """There is a process that still works for the turn.

    Set for ``LIVE_FOR`` seconds by the web process that has it and by every beat of its stages;
    the sweep archives an open turn that lacks it.
    """
    return f"parley:turn:{turn}:live"


def turn_work(turn: UUID) -> str:
    """Hash whose fields name the stages that are queued or at work for the turn.

    Written by the stages, read by the archive, which waits until it is gone. Lives ``WORK_LEASE``
    after the last beat of any of them.
    """
    return f"parley:turn:{turn}:work"


def turn_audio(turn: UUID) -> str:
    """Stream of what the person said: mono s16le at 16 kHz, and the marks of flush and end.

    Written by the web side, read by the STT stage and the archive, which deletes it; else it
    lives ``LIFETIME``.
    """
    return f"parley:audio:{turn}"


def archiving_lock(turn: UUID) -> str:
    """Lock of the process that archives the turn, renewed by it while it does."""
    return f"parley:archiving:{turn}"


def stage_claim(job: Job) -> str:
    """This run of a stage has begun: a second delivery of its task does nothing.

    Set by the worker that runs it, which also looks whether it is still there: it is gone where
    Redis has lost its memory. Lives ``LIFETIME``.
    """
    return f"parley:claim:{job_name(job)}"


def job_name(job: Job) -> str:
    """A run of a stage as text: the end of ``stage_claim``, a field of ``turn_work``."""
    return f"{job.stage}:{job.subject}:{job.index}"


def cancelled(subject: UUID) -> str:
    """Tombstone of a turn or a reply: no stage may begin for it or go on.

    Set by the process that cancels, beside the message on ``CANCEL_CHANNEL``; read by a stage when
    it starts and at every beat. Lives ``LIFETIME``.
    """
    return f"parley:cancelled:{subject}"


# A reply.


def sentence_audio(reply: UUID, sentence: int) -> str:
    """Stream of one spoken sentence of a reply: mono s16le at 24 kHz.

    Sentences are synthesised at the same time and played in order: each has its own. Written by
    the TTS stage (in realtime mode by the web side), read by the web process that plays it and by
    the archive, which deletes it; else it lives ``LIFETIME``.
    """
    return f"parley:audio:{reply}:{sentence}"


def reply_timeline(reply: UUID) -> str:
    """Stream of when each sentence will have been played, as a duration from the entry on.

    Written and read by the reply's TTS stages, read by its LLM stage. Deleted with the turn's
    archiving, else it lives ``LIFETIME``.
    """
    return f"parley:reply:{reply}:timeline"


def reply_commitment(reply: UUID) -> str:
    """Stream of one entry: the turn was committed, this reply is the one that it gets.

    Written by the web side where the reply was prepared early, read by its LLM stage, which holds
    side effects back until then. Deleted with the turn's archiving, else it lives ``LIFETIME``.
    """
    return f"parley:reply:{reply}:commitment"


def reply_voice(reply: UUID) -> str:
    """Which of the session's TTS providers speaks the reply: a place in their list.

    Written and read by the TTS stages of its sentences, which agree by it. Deleted with the turn's
    archiving, else it lives ``LIFETIME``.
    """
    return f"parley:reply:{reply}:voice"


def of_reply(reply: UUID) -> list[str]:
    """What is deleted with a reply, beside the audio of its sentences."""
    return [reply_timeline(reply), reply_commitment(reply), reply_voice(reply)]


# Processes.


def session_live(session: UUID) -> str:
    """A web process has the session.

    Set for ``LIVE_FOR`` seconds by that process, again and again; read by the stages, which need
    not keep pace with a playback that nobody hears, and by the sweep.
    """
    return f"parley:session:{session}:live"


def session_suspect(session: UUID) -> str:
    """A sweep has found no process that has the session; the next one that finds none ends it.

    Written, read and deleted by the sweep. Lives for three sweeps.
    """
    return f"parley:session:{session}:suspect"


def reader_wake(reader: UUID) -> str:
    """Stream of one entry, which wakes the blocking read of a web process when it is to follow
    another reply. Written and read by that process. Lives ``WAKE_LIFETIME``."""
    return f"parley:wake:{reader}"


def worker_alive(queue: str) -> str:
    """Process id of a worker that serves the queue.

    Written every second by each worker, read by the health check and by ``manage.py up``. Lives
    for ``voiceproject.heartbeat.LASTS`` seconds.
    """
    return f"parley:alive:{queue}"


def workers() -> str:
    """Set of the names of workers, those that were lost not long ago included.

    A worker adds itself with each beat, and takes out at its start those that ``worker`` has
    nothing of; the status page reads it. Never expires.
    """
    return "parley:workers"


def worker(name: str) -> str:
    """JSON of what a worker says of itself: ``voiceproject.heartbeat`` has its fields.

    Written every second by that worker, deleted when it stops in an orderly way, read by the
    status page, for which what is left of its life says when it was written. Lives
    ``WORKER_REMEMBERED``.
    """
    return f"parley:worker:{name}"


def recordings_size() -> str:
    """Bytes of all recordings together.

    Written every few minutes by a worker, read by the status page. Lives ``RECORDINGS_KNOWN``.
    """
    return "parley:recordings:size"


# Providers.


def provider_calls(minute: int | None = None) -> str:
    """Hash of how many calls of providers ended in a minute, counted since 1970:
    ``interaction.provider_calls.tally`` has its fields. Without a minute: how all of them begin.

    Written by the stages and the web side, read by the folding into rows and the status page.
    Lives ``PROVIDER_CALLS_LIVE`` after it was last written.
    """
    return f"parley:calls:{'' if minute is None else minute}"


def provider_calls_folded() -> str:
    """The last minute of ``provider_calls`` that rows have, like all before it.

    Written by the folding once they have it, read by the status page, which then need not read
    those minutes. Lives ``PROVIDER_CALLS_LIVE``.
    """
    return "parley:calls-folded"


# People.


def provider_health(owner: int, provider: str) -> str:
    """Hash of a provider's failures running, as one person met them: ``failures`` and ``code``.

    ``provider`` is ``stage:name:model``. Written and read by the stages; deleted by a success and
    when the person changes a key. Lives for a minute or as long as the provider asked for.
    """
    return f"parley:health:{owner}:{provider}"


def credentials_version(owner: int) -> str:
    """A random value that changes whenever the person's keys or endpoints do.

    Written by the web process that changes them, or by the first reader; read by every process
    that keeps them in memory. Lives for a day.
    """
    return f"parley:holdings:{owner}"


def client_secret(digest: str) -> str:
    """What a client secret grants, as JSON, by the secret's hash.

    Written when it is minted, read when it is shown. Lives as long as the secret is valid.
    """
    return f"parley:client-secret:{digest}"
