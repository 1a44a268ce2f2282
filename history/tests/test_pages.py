from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from history.tests.conftest import add_turn
from interaction.models import Session, Task, ToolInvocation, Turn, TurnLatency

Talked = Callable[..., Session]


def test_history_needs_sign_in(client: Client, talked: Talked) -> None:
    for address in ("/history/", f"/history/{talked().pk}/"):
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/sign-in/")


def test_an_empty_history_shows_the_first_step(at_home: Client) -> None:
    page = at_home.get("/history/").content.decode()
    assert "Nothing here yet." in page
    assert re.search(r'class="button primary" href="/"', page)


def test_the_list_shows_what_was_said_first_how_many_turns_and_how_long(
    at_home: Client, talked: Talked
) -> None:
    session = talked(turns=2)
    page = at_home.get("/history/").content.decode()
    assert f'href="/history/{session.pk}/"' in page
    assert "my name is john" in page
    assert "1:05" in page
    assert re.search(r'>2</span> <span class="unit">turns<', page)


def test_a_title_goes_before_the_first_words(at_home: Client, talked: Talked) -> None:
    talked(title="A trip to Paris")
    page = at_home.get("/history/").content.decode()
    assert page.index("A trip to Paris") < page.index("my name is john")


def test_nobody_sees_another_persons_conversations(elsewhere: Client, talked: Talked) -> None:
    session = talked()
    assert "my name is john" not in elsewhere.get("/history/").content.decode()
    assert elsewhere.get(f"/history/{session.pk}/").status_code == 404


def test_the_list_takes_the_same_queries_however_long_it_is(
    at_home: Client, talked: Talked, django_assert_num_queries: Any
) -> None:
    for _ in range(8):
        talked(turns=3)
    # session, user, what is offered (3), ids, count, rows, tags
    with django_assert_num_queries(9):
        at_home.get("/history/")


def test_what_is_found_comes_alone_to_htmx_and_in_its_page_to_everyone_else(
    at_home: Client, talked: Talked
) -> None:
    for _ in range(30):
        talked()
    first = at_home.get("/history/").content.decode()
    assert 'href="?page=2"' in first
    assert 'hx-get="?page=2"' in first
    answer = at_home.get("/history/?page=2", headers={"HX-Request": "true"})
    found = answer.content.decode()
    assert found.count("my name is john") == 5
    assert "<html" not in found
    assert answer["Vary"].split(", ").count("HX-Request") == 1
    assert "<html" in at_home.get("/history/?page=2").content.decode()
    restored = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in at_home.get("/history/?page=2", headers=restored).content.decode()


def test_the_detail_takes_the_same_queries_however_many_turns_it_has(
    at_home: Client, talked: Talked, django_assert_num_queries: Any
) -> None:
    session = talked(turns=12)
    with django_assert_num_queries(
        6
    ):  # session, user, conversation, turns with latencies, tasks, one alike
        at_home.get(f"/history/{session.pk}/")


def test_a_turn_shows_its_words_its_bar_and_both_recordings(
    at_home: Client, talked: Talked
) -> None:
    session = talked(turns=0)
    turn = add_turn(session, user_audio="audio/u.wav", agent_audio="audio/a.wav")
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert "my name is john" in page
    assert "Hello John. Nice to meet you." in page
    for side in ("user", "agent"):
        address = f"/api/v1/interaction/sessions/{session.pk}/turns/{turn.pk}/audio?side={side}"
        assert address in page
    assert 'aria-label="End of turn 600 ms, Playout 50 ms"' in page
    assert re.search(r"950 ms</span>\s*<span[^>]*>to first sound", page)
    assert "Played to its end" in page


def test_without_recordings_there_are_no_players(at_home: Client, talked: Talked) -> None:
    page = at_home.get(f"/history/{talked(recording=False).pk}/").content.decode()
    assert "<audio" not in page
    assert "not kept, recording was off" in page


def test_unheard_words_are_struck_through_where_the_reply_was_cut_off(
    at_home: Client, talked: Talked
) -> None:
    session = talked(turns=0)
    add_turn(
        session,
        heard_text="Hello John.",
        heard_ms=1240,
        interrupted=True,
        end_reason=Turn.EndReason.INTERRUPTED,
    )
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert '<del class="unheard">Nice to meet you.</del>' in page
    assert "Interrupted after 1.2 s" in page


@pytest.mark.parametrize(
    ("end_reason", "heard_ms", "mark"),
    [
        ("stopped", 1240, "Stopped after 1.2 s"),
        ("client_left", 1240, "Heard for 1.2 s"),
        ("session_ended", 1240, "Heard for 1.2 s"),
        ("mode_changed", 1240, "Heard for 1.2 s"),
        ("timeout", 1240, "Heard for 1.2 s"),
        ("abandoned", 1240, "Heard for 1.2 s"),
        ("failed", 1240, "Heard for 1.2 s"),
        ("superseded", 0, "Cut off before a sound was heard"),
        ("abandoned", None, None),
        ("played", 2000, None),
    ],
)
def test_what_was_not_heard_is_struck_through_however_the_reply_ended(
    at_home: Client, talked: Talked, end_reason: str, heard_ms: int | None, mark: str | None
) -> None:
    session = talked(turns=0)
    heard = "Hello John." if heard_ms else ""
    add_turn(session, heard_text=heard, heard_ms=heard_ms, end_reason=end_reason)
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert ('<del class="unheard">' in page) is (mark is not None)
    if mark:
        assert mark in page


@pytest.mark.parametrize(
    ("cut", "words"),
    [("length", "reached its length limit"), ("content_filter", "content filter stopped it")],
)
def test_a_reply_that_is_less_than_the_whole_answer_says_so(
    at_home: Client, talked: Talked, cut: str, words: str
) -> None:
    session = talked(turns=0)
    add_turn(session, cut=cut)
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert words in page
    assert f'data-cut="{cut}"' in page


@pytest.mark.parametrize(
    ("stage", "provider", "code", "text", "has_detail", "has_keys"),
    [
        ("tts", "espeak", "stage_lost", "The voice stopped in the middle of the turn.", 0, 0),
        ("llm", "openai", "provider_unauthorized", "Language model: OpenAI has no key that", 1, 1),
        ("llm", "endpoint:home", "provider_timeout", "Language model: home did not answer", 0, 0),
        ("llm", "", "provider_timeout", "The language model did not answer in time.", 0, 0),
        ("llm", "openai", "of_tomorrow", "Language model: OpenAI failed.", 1, 0),
        (None, None, "turn_timeout", "Nothing came back for this turn.", 0, 0),
    ],
)
def test_a_failed_turn_says_what_happened_by_name_and_leads_to_what_mends_it(
    at_home: Client,
    talked: Talked,
    stage: str | None,
    provider: str | None,
    code: str,
    text: str,
    has_detail: bool,
    has_keys: bool,
) -> None:
    session = talked(turns=0)
    error = {"stage": stage, "provider": provider, "code": code, "message": "It is <gone>."}
    add_turn(session, reply="", error=error, end_reason=Turn.EndReason.FAILED)
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    failure = page.partition(f'data-error="{code}"')[2].partition("</li>")[0]
    assert text in failure
    assert ("It is &lt;gone&gt;." in failure) is bool(has_detail)
    assert ('href="/settings/"' in failure) is bool(has_keys)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ended", ""),
        ("ended_by_agent", ""),
        ("server_stopped", "(the server was stopped)"),
        ("session_expired", "(it had lasted as long as it may)"),
        ("of_tomorrow", ""),
    ],
)
def test_a_conversation_that_nobody_ended_says_why_it_is_over(
    at_home: Client, talked: Talked, reason: str, said: str
) -> None:
    page = at_home.get(f"/history/{talked(end_reason=reason).pk}/").content.decode()
    state = page.partition("<dt>State</dt>")[2].partition("</dd>")[0]
    assert re.sub("<[^>]*>", "", state).split() == ["Ended", *said.split()]


def test_a_turn_without_figures_shows_no_bar_and_an_unknown_figure_is_a_dash(
    at_home: Client, talked: Talked
) -> None:
    session = talked(turns=0)
    bare = add_turn(session, sequence=1)
    TurnLatency.objects.filter(turn=bare).delete()
    add_turn(session, sequence=2)
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert page.count('class="waterfall"') == 1
    assert re.search(r"You cut in → silence</dt><dd class=\"figure\">–<", page)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b"])
def test_what_was_said_is_text_and_never_markup(at_home: Client, talked: Talked, text: str) -> None:
    session = talked(turns=0)
    add_turn(session, transcript=text, reply=text, heard_text=text)
    for address in ("/history/", f"/history/{session.pk}/"):
        assert text not in at_home.get(address).content.decode()


def test_a_turn_shows_who_stepped_in_and_which_tools_were_run(
    at_home: Client, talked: Talked, django_assert_num_queries: Any
) -> None:
    session = talked(turns=0)
    for sequence in (1, 2):
        turn = add_turn(
            session,
            sequence=sequence,
            fallbacks=[
                {"stage": "stt", "failed": "openai", "code": "provider_timeout", "provider": "x"},
                {"stage": "tts", "failed": "endpoint:home", "code": "new", "provider": "espeak"},
            ],
        )
        task = Task.objects.create(turn=turn)
        for place, (tool, status) in enumerate(
            (("current_time", "succeeded"), ("lights_out", "timed_out"))
        ):
            ToolInvocation.objects.create(
                task=task,
                sequence=place,
                tool=tool,
                arguments='{"<b>": 1}',
                status=status,
                result="",
                ms=12.4,
            )
    with django_assert_num_queries(7):  # session, user, conversation, turns, tasks, invocations
        page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert "Speech to text: OpenAI did not answer in time. x stepped in." in page
    assert "Text to speech: home failed. eSpeak NG stepped in." in page
    assert page.index("x stepped in") < page.index("Hello John") < page.index("NG stepped in")
    assert re.search(r'class="name">Current time</span><span class="figure ms">12 ms', page)
    assert re.search(r'class="name">lights_out</span><span class="outcome">took too long<', page)
    assert "{&quot;&lt;b&gt;&quot;: 1}" in page


def test_the_prompt_and_the_choices_that_were_really_used_are_shown(
    at_home: Client, talked: Talked
) -> None:
    chosen = {"name": "openai", "model": "gpt-6", "voice": "", "language": "en"}
    session = talked(
        system_prompt="You are a guide.\n\nCall me Ada.",
        settings={
            "providers": {"llm": chosen},
            "fallbacks": {"llm": [chosen | {"name": "demo", "model": ""}]},
            "tools": ["current_time", "forgotten"],
        },
    )
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    assert "You are a guide.<br><br>Call me Ada." in page
    assert 'OpenAI <span class="soft">gpt-6</span> <span class="soft">or</span> Demo agent' in page
    assert "Current time, forgotten" in page


@pytest.mark.parametrize(
    ("modes", "shown"),
    [
        (["cascade"], ["OpenAI → Demo agent"]),
        (["realtime"], ["Parley itself"]),
        (["realtime", "cascade"], ["Parley itself", "OpenAI → Demo agent"]),
    ],
)
def test_only_the_providers_of_the_modes_that_were_talked_in_are_shown(
    at_home: Client, talked: Talked, modes: list[str], shown: list[str]
) -> None:
    providers = {"stt": {"name": "openai"}, "llm": {"name": "demo"}, "realtime": {"name": "parley"}}
    session = talked(turns=2, mode=modes[0], settings={"providers": providers})
    session.turns.filter(sequence=1).update(mode=modes[0])
    session.turns.filter(sequence=2).update(mode=modes[-1])
    page = at_home.get(f"/history/{session.pk}/").content.decode()
    facts = page.partition('<dl class="facts">')[2].partition("</dl>")[0]
    row = re.sub(r"<dt>.*?</dt>", "", facts.partition("Providers</dt>")[2].partition("</div>")[0])
    assert re.findall(r"<dd>(.*?)</dd>", row) == shown
    assert ("Cascade · Spoken" in page) is (len(modes) > 1)
