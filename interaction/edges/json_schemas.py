"""The JSON Schemas of everything that Parley sends and takes, generated from the models.

They are kept in the repository, so that a change of the contract shows in a review.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from django.conf import settings
from django.utils.module_loading import import_string
from pydantic import BaseModel

from interaction.edges.parley import messages

FOLDER = Path(__file__).parent / "schemas"

RESOURCES: dict[str, type[BaseModel]] = {
    name: model
    for table in settings.PARLEY_REST_RESOURCES
    for name, model in import_string(table).items()
}


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    """The messages of an annotated union, by the name in their field ``type``."""
    models = get_args(get_args(union)[0])
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}


CLIENT = _by_type(messages.ClientMessage)
SERVER = _by_type(messages.ServerMessage)
NAMES = frozenset(RESOURCES | CLIENT | SERVER)


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


def generated() -> dict[Path, str]:
    """Every schema file as it should be."""
    sent = {**RESOURCES, **SERVER}
    schemas = {name: _schema(name, model, "serialization") for name, model in sent.items()}
    schemas |= {name: _schema(name, model, "validation") for name, model in CLIENT.items()}
    return {
        path_of(name): json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def _schema(name: str, model: type[BaseModel], mode: Any) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/api/v1/schemas/{name}.json",
        **model.model_json_schema(mode=mode),
    }
