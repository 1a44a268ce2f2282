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
    return {
        path_of(name): json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"
        for name in NAMES
    }


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of a resource or a message: as it is sent, or as the server takes it."""
    if name in CLIENT:
        schema = CLIENT[name].model_json_schema(mode="validation")
    else:
        schema = (RESOURCES | SERVER)[name].model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/api/v1/schemas/{name}.json",
        **schema,
    }
