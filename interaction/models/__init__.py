"""The rows of a voice lab: who may talk, what was said, how long each step took."""

from interaction.models.access import ApiToken, SignInLink
from interaction.models.prompt import PromptTemplate
from interaction.models.session import Session
from interaction.models.turn import Turn, TurnLatency

__all__ = ["ApiToken", "PromptTemplate", "Session", "SignInLink", "Turn", "TurnLatency"]
