"""Deleting and exporting many conversations: batches, that go on in the background."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import IO, Annotated, Any, Literal, Self
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import P, PathEx, Router, Status
from pydantic import Field, JsonValue, ValidationError

from history import batches, selections
from history.api.streaming import attachment
from history.deletion import Goes as GoesFigures
from history.deletion import what_goes
from history.export.formats import FORMATS, FormatName
from history.export.zip_file import PIECE
from history.filters import SessionFilter
from history.models import Batch as BatchRow
from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.door import refuse_unknown
from interaction.api.errors import ApiError, errors
from interaction.sessions.settings import WireModel
from interaction.sessions.validation_sentences import explain

router = Router(tags=["batches"])


BatchId = PathEx[UUID, P(description="The batch's `id`, from the list or when it was made.")]


class Goes(WireModel):
    """What a deletion takes along."""

    sessions: int
    """How many are deleted."""
    turns: int
    """How many they have together."""
    recorded_minutes: float
    """Of both sides' recordings together."""
    megabytes: float
    """How much room the recordings take."""
    share_links: int
    """How many of those that still open."""
    in_progress: int
    """Sessions that stay, since they are in progress."""

    @classmethod
    def of(cls, figures: GoesFigures) -> Self:
        return cls.model_validate({name: getattr(figures, name) for name in cls.model_fields})


class Batch(WireModel):
    """The deletion or the export of many sessions."""

    id: UUID
    """By which it is looked up and stopped."""
    kind: Literal["export", "delete"]
    """What is done to them."""
    format: Literal["json", "md", "txt", "csv", "zip"] | None
    """What an export makes of them; null of a deletion."""
    state: Literal["waiting", "running", "done", "failed"]
    """`waiting`: not begun; `running`: in progress; `done`, `failed`: over."""
    total: int
    """Sessions that it is about."""
    done: int
    """Sessions that it is past."""
    affected: int
    """Sessions that were exported or deleted: others were gone, or are in progress."""
    file_url: str | None
    """Where an export is fetched, once it is done."""
    size: int | None
    """Bytes of the file; null until there is one."""
    created_at: datetime
    """When it was asked for, ISO 8601 in UTC."""
    ended_at: datetime | None
    """When it was over, ISO 8601 in UTC; null until then."""
    expires_at: datetime | None
    """When it and its file are let go of, ISO 8601 in UTC; null until it is over."""

    @classmethod
    def of(cls, row: BatchRow) -> Self:
        fields = {name: getattr(row, name, None) for name in cls.model_fields}
        return cls.model_validate(
            fields | {"format": row.format or None, "file_url": file_url(row)}
        )


class NewBatch(WireModel):
    """Either ``sessions`` or ``filter``: its fields are the parameters by which sessions are
    listed, and an empty one means all of your sessions."""

    kind: Literal["export", "delete"]
    """What is to be done to them."""
    format: FormatName = "zip"
    """What an export makes of them: all with audio, words and figures, transcripts, timings."""
    sessions: Annotated[list[UUID], Field(max_length=selections.MOST)] | None = None
    """Their ids; those that are not the caller's are passed over."""
    filter: dict[str, JsonValue] | None = None
    """Parameters by which sessions are listed, with their values: all that they find."""
    dry_run: bool = False
    """Of a deletion: only say what would go."""


def file_url(row: BatchRow) -> str | None:
    return reverse("api:batch_file", args=[row.pk]) if row.file else None


@router.post(
    "",
    response={200: Goes, 202: Batch, **errors(403, 413, 415, 422)},
    summary="Export or delete many sessions",
    openapi_extra=answers(
        {200: "With `dry_run`: what would go.", 202: "The batch, which goes on by itself."},
        example={"kind": "export", "format": "zip", "filter": {"starred": True}},
    ),
)
def create_batch(request: Caller, wanted: NewBatch) -> Status[Any]:
    """Have many sessions dealt with in the background. A deletion begins at once: what it takes
    along is said with ``dry_run`` beforehand. Sessions in progress are not deleted."""
    session_ids = _chosen(request.auth, wanted)
    if wanted.dry_run:
        return Status(200, Goes.of(what_goes(session_ids)))
    kind = BatchRow.Kind(wanted.kind)
    form = wanted.format if kind == BatchRow.Kind.EXPORT else ""
    batch = BatchRow.of(request.auth, kind, session_ids, format=form)
    batches.start(batch)
    batch.refresh_from_db()
    return Status(202, Batch.of(batch))


def _chosen(user: Any, wanted: NewBatch) -> list[UUID]:
    match wanted:
        case NewBatch(sessions=list(session_ids), filter=None):
            return selections.chosen(user, session_ids)
        case NewBatch(sessions=None, filter=dict(values)):
            refuse_unknown(values, selections.FILTER_FIELDS)
            try:
                found = SessionFilter.model_validate(values)
            except ValidationError as error:
                raise ApiError(422, "invalid_fields", explain(error)) from error
            return selections.found(user, found)
    message = _("Give either sessions, a list of ids, or filter; {} finds all.")
    raise ApiError(422, "invalid_fields", message)


@router.get(
    "",
    response={200: list[Batch], **errors()},
    summary="List your batches",
    openapi_extra=answers({200: "The caller's batches."}),
)
def list_batches(request: Caller) -> list[Batch]:
    """Exports and deletions that go on, or were over less than a day ago, the newest first."""
    return [Batch.of(row) for row in BatchRow.objects.owned_by(request.auth).confirmed()]


@router.get(
    "/{uuid:batch_id}",
    response={200: Batch, **errors(404, 422)},
    summary="Read a batch",
    openapi_extra=answers({200: "How far it is."}),
)
def get_batch(request: Caller, batch_id: BatchId) -> Batch:
    """How far an export or a deletion is, and where its file is fetched."""
    return Batch.of(_batch(request, batch_id))


@router.delete(
    "/{uuid:batch_id}",
    response={204: None, **errors(403, 404, 422)},
    summary="Stop a batch",
    openapi_extra=answers({204: "It is gone; the answer has no body."}),
)
def delete_batch(request: Caller, batch_id: BatchId) -> Status[Any]:
    """Stop it, where it goes on, and let go of its file. What was deleted by then is gone."""
    _batch(request, batch_id).delete()
    return Status(204, None)


@router.get(
    "/{uuid:batch_id}/file",
    response={200: None, **errors(404, 422)},
    url_name="batch_file",
    summary="Fetch an export",
    openapi_extra=answers(
        {200: "The file, to be saved under the name that its headers give."},
        files={200: "application/octet-stream"},
    ),
)
def batch_file(request: Caller, batch_id: BatchId) -> HttpResponseBase:
    """What an export made of its sessions, once it is done and for a day."""
    batch = _batch(request, batch_id)
    if not batch.file:
        raise Http404
    try:
        file = batch.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    content_type = FORMATS[batch.format].content_type  # type: ignore[index] # it was made as one
    name = f"parley-{batch.created_at:%Y-%m-%d}.{batch.format}"
    return attachment(request, _pieces(file), content_type, name, batch.size)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _batch(request: Caller, batch_id: UUID) -> BatchRow:
    return get_object_or_404(BatchRow.objects.owned_by(request.auth).confirmed(), pk=batch_id)
