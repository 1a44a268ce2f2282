"""Share links: what they show, to whom, and for how long; and that their secrets stay secret."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from history.deletion import erase
from history.models import ShareLink
from interaction.models import Session
from voiceproject.logs import KeyValueFormatter

Recorded = Callable[..., Session]
REST = "/api/v1/interaction"


@pytest.fixture
def anybody() -> Client:
    """A browser in which nobody has signed in."""
    return Client()


def opened(secret: str) -> str:
    return f"/shared/{secret}/"


def addresses(page: str) -> list[str]:
    """Of the turns' recordings on a page."""
    return re.findall(r'href="(/shared/[^"]+/(?:user|agent)\.wav)"', page)


class TestWhatItShows:
    def test_a_session_shows_words_figures_and_recordings_to_anybody(
        self, anybody: Client, recorded: Recorded
    ) -> None:
        session = recorded(system_prompt="Be secretive.")
        _link, secret = ShareLink.make(session)
        answer = anybody.get(opened(secret))
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "It is sunny." in page
        assert "950 ms" in page
        assert "Be secretive." not in page
        assert len(addresses(page)) == 4
        for address in addresses(page):
            sound = anybody.get(address)
            assert sound.status_code == 200
            assert sound.content[:4] == b"RIFF"
            assert anybody.get(address, headers={"range": "bytes=0-3"}).status_code == 206
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "private, no-store"

    def test_it_offers_nothing_that_is_the_owners(
        self, anybody: Client, recorded: Recorded
    ) -> None:
        session = recorded()
        page = anybody.get(opened(ShareLink.make(session)[1])).content.decode()
        assert 'href="/history/' not in page
        assert "annotation" not in page
        assert "Well said." not in page
        assert "/api/" not in page
        assert "csrf" not in page.lower()

    def test_a_turn_shows_nothing_of_the_others(self, anybody: Client, recorded: Recorded) -> None:
        session = recorded(turns=3)
        first, second, _third = session.turns.all()
        for turn, words in ((first, "the first words"), (second, "the second words")):
            turn.transcript = words
            turn.save()
        _link, secret = ShareLink.make(session, second)
        page = anybody.get(opened(secret)).content.decode()
        assert "the second words" in page
        assert "the first words" not in page
        assert "=Weather" not in page
        assert len(addresses(page)) == 2
        assert all(str(second.pk) in address for address in addresses(page))
        assert anybody.get(f"/shared/{secret}/{first.pk}/user.wav").status_code == 404

    def test_a_session_shows_no_turn_of_another(self, anybody: Client, recorded: Recorded) -> None:
        secret = ShareLink.make(recorded())[1]
        turn = recorded().turns.get(sequence=1)
        assert anybody.get(f"/shared/{secret}/{turn.pk}/user.wav").status_code == 404

    def test_the_whole_is_heard_and_seen(self, anybody: Client, recorded: Recorded) -> None:
        session = recorded()
        secret = ShareLink.make(session)[1]
        page = anybody.get(opened(secret)).content.decode()
        for address, kind in (("whole.wav", "audio/wav"), ("whole.flac", "audio/flac")):
            assert f'"{opened(secret)}{address}"' in page
            answer = anybody.get(opened(secret) + address)
            assert answer["Content-Type"] == kind
            assert len(b"".join(answer)) > 1000
            assert answer["Referrer-Policy"] == "no-referrer"
        part = anybody.get(f"{opened(secret)}whole.wav", headers={"range": "bytes=0-3"})
        assert b"".join(part) == b"RIFF"
        assert f'"waveform": "{opened(secret)}waveform"' in page
        assert set(anybody.get(f"{opened(secret)}waveform").json()) >= {"user", "agent"}
        assert anybody.get(f"{opened(secret)}whole.mp3").status_code == 404
        session.revoke_recording()
        assert anybody.get(f"{opened(secret)}whole.wav").status_code == 404

    def test_a_turn_alone_begins_at_once(self, anybody: Client, recorded: Recorded) -> None:
        session = recorded(turns=2)
        later = session.turns.get(sequence=2)
        for column in ("opened_ms", "user_audio_started_ms", "speech_started_ms"):
            setattr(later, column, 500_000)
        later.speech_ended_ms = later.reply_started_ms = 501_000
        later.save()
        secret = ShareLink.make(session, later)[1]
        assert anybody.get(f"{opened(secret)}waveform").json()["duration_ms"] < 10_000
        later.refresh_from_db()
        assert later.speech_started_ms == 500_000

    def test_a_long_one_comes_by_and_by(self, anybody: Client, recorded: Recorded) -> None:
        secret = ShareLink.make(recorded(turns=3))[1]
        page = anybody.get(f"{opened(secret)}?from=3").content.decode()
        assert page.count('<li class="turn"') == 1
        part = anybody.get(f"{opened(secret)}?from=2", headers={"HX-Request": "true"})
        assert "<html" not in part.content.decode()
        assert part.content.decode().count('<li class="turn"') == 2
        assert "/history/" not in part.content.decode()

    @pytest.mark.parametrize("side", ["both", "USER", "user.wav", ".."])
    def test_a_side_that_there_is_not_is_not_there(
        self, anybody: Client, recorded: Recorded, side: str
    ) -> None:
        session = recorded()
        secret = ShareLink.make(session)[1]
        turn = session.turns.get(sequence=1)
        assert anybody.get(f"/shared/{secret}/{turn.pk}/{side}.wav").status_code == 404

    def test_nothing_is_changed_through_it(self, anybody: Client, recorded: Recorded) -> None:
        secret = ShareLink.make(recorded())[1]
        for method in (anybody.post, anybody.put, anybody.patch, anybody.delete):
            assert method(opened(secret)).status_code == 405

    def test_it_takes_the_same_queries_however_much_it_shows(
        self, anybody: Client, recorded: Recorded, django_assert_num_queries: Any
    ) -> None:
        secret = ShareLink.make(recorded(turns=6))[1]
        with django_assert_num_queries(5):  # link, session, turns, tasks, invocations
            anybody.get(opened(secret))


class TestHowItEnds:
    def ends(self, anybody: Client, recorded: Recorded, end: Callable[[ShareLink], Any]) -> None:
        session = recorded()
        link, secret = ShareLink.make(session, lasts=timedelta(days=1))
        audio = f"/shared/{secret}/{session.turns.get(sequence=1).pk}/user.wav"
        assert anybody.get(opened(secret)).status_code == 200
        end(link)
        assert anybody.get(opened(secret)).status_code == 404
        assert anybody.get(audio).status_code == 404

    def test_revoked_it_opens_nothing(self, anybody: Client, recorded: Recorded) -> None:
        self.ends(anybody, recorded, lambda link: link.revoke())

    def test_expired_it_opens_nothing(self, anybody: Client, recorded: Recorded) -> None:
        now = timezone.now()
        self.ends(anybody, recorded, lambda link: ShareLink.objects.update(expires_at=now))

    def test_with_the_session_it_goes(self, anybody: Client, recorded: Recorded) -> None:
        self.ends(anybody, recorded, lambda link: erase([link.session_id]))

    def test_of_somebody_who_may_not_come_in_any_more_it_opens_nothing(
        self, anybody: Client, recorded: Recorded
    ) -> None:
        self.ends(anybody, recorded, lambda link: User.objects.update(is_active=False))

    def test_another_secret_opens_nothing(self, anybody: Client, recorded: Recorded) -> None:
        link, secret = ShareLink.make(recorded())
        for wrong in (secret[:-1], f"{secret}x", link.hashed, str(link.pk), "x", secret.lower()):
            assert anybody.get(opened(wrong)).status_code == 404


class TestSecrets:
    def test_the_database_has_none(self, recorded: Recorded) -> None:
        link, secret = ShareLink.make(recorded())
        row = ShareLink.objects.filter(pk=link.pk).values().get()
        assert not any(secret in str(value) for value in row.values())

    @pytest.mark.parametrize(
        "text",
        [
            "Internal Server Error: /shared/SeCrEt/",
            "Not Found: /shared/SeCrEt/b7c1/user.wav",
            "GET http://localhost/shared/SeCrEt?x=1 HTTP/1.1",
            '"/shared/SeCrEt"',
            "first line\nthen /shared/SeCrEt/",
        ],
    )
    def test_no_log_has_one(self, text: str) -> None:
        record = logging.LogRecord("django.request", logging.ERROR, "", 0, text, None, None)
        line = KeyValueFormatter().format(record)
        assert "SeCrEt" not in line
        assert "/shared/…" in line

    def test_a_view_that_breaks_logs_none(
        self, anybody: Client, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        secret = ShareLink.make(recorded())[1]
        anybody.raise_request_exception = False

        def breaks(*args: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr("history.sharing.page_of", breaks)
        assert anybody.get(opened(secret)).status_code == 500
        lines = [KeyValueFormatter().format(record) for record in caplog.records]
        assert lines
        assert not any(secret in line for line in lines)


class TestOwnersPages:
    def test_a_link_is_made_shown_once_and_revoked(
        self, at_home: Client, anybody: Client, recorded: Recorded
    ) -> None:
        session = recorded()
        address = f"/history/{session.pk}/share/"
        page = at_home.post(address, {"what": "", "days": "7"})
        found = re.search(r'value="http://testserver(/shared/[^"]+)"', page.content.decode())
        assert found
        assert page["Cache-Control"] == "no-store"
        assert anybody.get(found[1]).status_code == 200
        assert found[1] not in at_home.get(address).content.decode()
        link = ShareLink.objects.get()
        assert link.expires_at
        assert timedelta(days=6) < link.expires_at - timezone.now() < timedelta(days=8)
        revoke = f"/history/share-links/{link.pk}/revoke/"
        page = at_home.post(revoke, {"back": "session"}, follow=True)
        assert "The link opens nothing any more." in page.content.decode()
        assert anybody.get(found[1]).status_code == 404
        assert "revoked" in at_home.get("/history/data/").content.decode()

    def test_one_turn_for_ever(self, at_home: Client, recorded: Recorded) -> None:
        session = recorded()
        turn = session.turns.get(sequence=2)
        at_home.post(f"/history/{session.pk}/share/", {"what": str(turn.pk), "days": ""})
        link = ShareLink.objects.get()
        assert link.turn == turn
        assert link.expires_at is None

    @pytest.mark.parametrize("form", [{"what": "x"}, {"days": "8"}, {"days": "-1"}])
    def test_what_is_not_offered_is_refused(
        self, at_home: Client, recorded: Recorded, form: dict[str, str]
    ) -> None:
        answer = at_home.post(f"/history/{recorded().pk}/share/", form)
        assert "errorlist" in answer.content.decode()
        assert not ShareLink.objects.exists()

    def test_the_list_takes_the_same_queries_however_long_it_is(
        self, at_home: Client, recorded: Recorded, django_assert_max_num_queries: Any
    ) -> None:
        session = recorded()
        for _ in range(6):
            ShareLink.make(session, session.turns.get(sequence=1))
        with django_assert_max_num_queries(8):
            at_home.get("/history/data/")


class TestRest:
    def make(self, browser: Client, session: Session, **body: Any) -> Any:
        address = f"{REST}/sessions/{session.pk}/share-links"
        return browser.post(address, body, content_type="application/json")

    def test_a_link_is_made_listed_and_revoked(
        self, at_home: Client, anybody: Client, recorded: Recorded
    ) -> None:
        session = recorded()
        answer = self.make(
            at_home, session, turn_id=str(session.turns.get(sequence=1).pk), days=None
        )
        assert answer.status_code == 201
        link = answer.json()
        url = link.pop("url").removeprefix("http://testserver")
        assert anybody.get(url).status_code == 200
        assert at_home.get(f"{REST}/share-links").json() == [link]
        for _ in range(2):
            assert at_home.delete(f"{REST}/share-links/{link['id']}").status_code == 204
        assert anybody.get(url).status_code == 404
        [kept] = at_home.get(f"{REST}/share-links").json()
        assert kept["revoked_at"] is not None

    @pytest.mark.parametrize("body", [{"days": 0}, {"days": 4000}, {"turn_id": "x"}, {"x": 1}])
    def test_what_makes_no_sense_is_refused(
        self, at_home: Client, recorded: Recorded, body: dict[str, Any]
    ) -> None:
        assert self.make(at_home, recorded(), **body).status_code == 422

    def test_a_turn_of_another_session_is_not_there(
        self, at_home: Client, recorded: Recorded
    ) -> None:
        turn = recorded().turns.get(sequence=1)
        assert self.make(at_home, recorded(), turn_id=str(turn.pk)).status_code == 404
