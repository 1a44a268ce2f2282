"""Notes and thumbs: over REST, and on the session's page with and without scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.models import TurnAnnotation
from interaction.models import ApiToken, Session, Turn
from interaction.tests.edges.client import validator

Talked = Callable[..., Session]


@pytest.fixture
def turn(talked: Talked) -> Turn:
    turn = talked().turns.get()
    assert isinstance(turn, Turn)
    return turn


class TestRest:
    @pytest.fixture
    def change(self, owner: User, turn: Turn) -> Callable[..., Any]:
        program = Client(headers={"authorization": f"Bearer {ApiToken.make(owner)}"})
        address = f"/api/v1/interaction/sessions/{turn.session_id}/turns/{turn.pk}"
        return lambda body: program.patch(address, body, content_type="application/json")

    def test_a_note_and_a_thumb_are_kept_and_shown_with_the_turn(
        self, change: Callable[..., Any], turn: Turn
    ) -> None:
        answered = change({"note": "Too slow.", "rating": "down"})
        assert answered.status_code == 200
        validator("turn").validate(answered.json())
        assert (answered.json()["note"], answered.json()["rating"]) == ("Too slow.", "down")
        row = TurnAnnotation.objects.get(turn=turn)
        assert (row.note, row.rating) == ("Too slow.", "down")

    def test_what_is_left_out_stays_and_null_takes_the_thumb_away(
        self, change: Callable[..., Any]
    ) -> None:
        change({"note": "Fine.", "rating": "up"})
        assert change({"rating": "down"}).json()["note"] == "Fine."
        assert change({"note": "Or not."}).json()["rating"] == "down"
        assert change({}).json()["note"] == "Or not."
        assert change({"rating": None}).json()["rating"] is None
        assert change({"note": ""}).json()["note"] == ""
        assert not TurnAnnotation.objects.exists(), "nothing is left to keep"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"note": "x" * 2_000}, 200),
            ({"note": "好" * 2_000}, 200),
            ({"note": "x" * 2_001}, 422),
            ({"note": None}, 422),
            ({"note": "\0"}, 422),
            ({"note": 5}, 422),
            ({"rating": "sideways"}, 422),
            ({"rating": ""}, 422),
            ({"notes": "x"}, 422),
            ({"transcript": "what I never said"}, 422),
        ],
    )
    def test_it_takes_what_fits(
        self, change: Callable[..., Any], body: dict[str, Any], status: int
    ) -> None:
        assert change(body).status_code == status

    def test_a_turn_of_another_session_is_not_there(self, owner: User, talked: Talked) -> None:
        program = Client(headers={"authorization": f"Bearer {ApiToken.make(owner)}"})
        turn, other = talked().turns.get(), talked()
        address = f"/api/v1/interaction/sessions/{other.pk}/turns/{turn.pk}"
        answered = program.patch(address, {"note": "x"}, content_type="application/json")
        assert answered.status_code == 404

    def test_archiving_the_turn_again_leaves_it_alone(
        self, change: Callable[..., Any], turn: Turn
    ) -> None:
        change({"note": "Fine.", "rating": "up"})
        turn.save()
        assert TurnAnnotation.objects.get().note == "Fine."
