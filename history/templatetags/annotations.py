"""The owner's note on a turn, and their thumb."""

from __future__ import annotations

from django import template

from history.models import TurnAnnotation
from interaction.models import Turn

register = template.Library()


@register.simple_tag
def annotation_of(turn: Turn) -> TurnAnnotation:
    """The turn's, or an empty one."""
    return TurnAnnotation.of(turn)
