"""Whether a lost connection to a realtime provider is opened anew, and how the loss is reported.

Sans-IO. The pause between attempts to open one is ``ProviderConnection``'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from interaction.providers.errors import ProviderError


@dataclass(frozen=True, slots=True)
class FailureReason:
    """Why a turn, or the whole engine, has failed: the fields that their events share."""

    code: str
    message: str
    """For the person."""
    retryable: bool

    @classmethod
    def of(cls, error: Exception) -> FailureReason:
        """What is reported of ``error``; one that no provider raises is a bug of this program."""
        if isinstance(error, ProviderError):
            return cls(error.code, error.message, error.retryable)
        message = _("An error of this program; its log says where.")
        return cls("engine_crashed", message, retryable=False)


class RecoveryPolicy:
    """One loss costs the turn at hand; a second one before a reply was completed, the engine."""

    def __init__(self) -> None:
        self._recovering = False
        """The connection was opened anew, and no reply has been completed since."""

    def on_reply_completed(self) -> None:
        self._recovering = False

    def should_reconnect(self, error: Exception, *, was_open: bool) -> bool:
        """Whether to open the connection anew at once, which counts as the one attempt.

        ``was_open``: a connection was lost, rather than none could be opened. What the provider
        says is not worth repeating (a bad key, say) is not tried again; a bug is, once.
        """
        retryable = error.retryable if isinstance(error, ProviderError) else True
        reconnect = was_open and retryable and not self._recovering
        self._recovering = self._recovering or reconnect
        return reconnect
