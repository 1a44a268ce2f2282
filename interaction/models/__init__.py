"""The rows of a voice lab: who may talk, what was said, how long each step took."""

from interaction.models.access import ApiToken, SignInLink
from interaction.models.discarded_file import DiscardedFile
from interaction.models.keys import Endpoint, ProviderCredential
from interaction.models.preferences import Preferences
from interaction.models.prompt import PromptTemplate
from interaction.models.provider_hour import ProviderHour
from interaction.models.session import Session
from interaction.models.task import Task, ToolInvocation
from interaction.models.turn import Turn, TurnLatency

__all__ = [
    "ApiToken",
    "DiscardedFile",
    "Endpoint",
    "Preferences",
    "PromptTemplate",
    "ProviderCredential",
    "ProviderHour",
    "Session",
    "SignInLink",
    "Task",
    "ToolInvocation",
    "Turn",
    "TurnLatency",
]
