"""Taking the consent to a session's recording back."""

from __future__ import annotations

from django.db import transaction

from history.models import TurnPeaks
from interaction.models import Session


def revoke(session: Session) -> None:
    """All of its audio goes, and the waveforms that were drawn of it; words and figures stay. It
    may be repeated."""
    with transaction.atomic():
        session.revoke_recording()
        TurnPeaks.objects.filter(turn__session=session).delete()
