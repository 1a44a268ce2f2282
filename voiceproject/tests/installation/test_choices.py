"""What a person chooses on the voice page is what the providers get."""

from __future__ import annotations

from typing import Any

from voiceproject.testing.browser import Browsing, Tab
from voiceproject.testing.installation import Installation, wait_until
from voiceproject.testing.stack import Providers


def open_settings(tab: Tab) -> None:
    tab.wait_for("document.querySelector('[data-summary]').textContent.includes(' · ')")
    if not tab.page.locator("#panel").is_visible():
        tab.page.click("[data-panel-toggle]")


def remembered(tab: Tab, choose: Any) -> None:
    """Do something and wait until the server has kept it."""
    with tab.page.expect_response(lambda answer: answer.url.endswith("/preferences")) as kept:
        choose()
    assert kept.value.ok


def choose_openai(tab: Tab) -> None:
    """As the language model, which the stand-in plays."""
    open_settings(tab)
    tab.page.click("[data-provider=llm] summary")
    remembered(tab, lambda: tab.page.select_option("#llm-name", "openai"))


def write(tab: Tab, text: str) -> None:
    if not tab.page.locator("#type-text").is_visible():
        tab.page.click("[data-type-toggle]")
    tab.page.fill("#type-text", text)
    tab.page.keyboard.press("Enter")


def say(tab: Tab, text: str, replies: int = 1) -> None:
    write(tab, text)
    tab.wait_for_replies(replies)


def stop(tab: Tab) -> None:
    tab.page.click("[data-stop]")
    tab.wait_for("document.getElementById('talk').dataset.phase === 'idle'")


def test_a_template_chosen_on_the_page_is_what_the_language_model_is_told(
    connected: Installation, standin: Providers, browsing: Browsing
) -> None:
    with browsing(connected) as tab:
        page = tab.page
        choose_openai(tab)
        texts = {
            template["title"]: template["text"]
            for template in page.request.get(f"{connected.url}/api/v1/interaction/templates").json()
        }
        requested = []
        wanted = (("Technical support", "Call me Ada."), ("語言教師", ""))
        for replies, (title, own) in enumerate(wanted, 1):  # the last conversation stays in view
            open_settings(tab)
            remembered(tab, lambda title=title: page.select_option("#template", label=title))
            page.fill("#prompt", own)
            say(tab, "hello", replies)
            stop(tab)
            requested.append(standin.requests("llm")[-1]["body"]["messages"])
        assert [messages[0]["role"] for messages in requested] == ["system", "system"]
        assert requested[0][0]["content"] == texts["Technical support"] + "\n\nCall me Ada."
        assert requested[1][0]["content"] == texts["語言教師"]
        assert [messages[-1]["content"] for messages in requested] == ["hello", "hello"]

        page.reload()
        assert page.locator("#template option:checked").inner_text() == "語言教師"
        page.goto(f"{connected.url}/history/")
        page.click("main tbody tr:nth-child(2) a")
        page.click(".prompt summary")
        assert "Call me Ada." in page.inner_text(".prompt p")
        assert texts["Technical support"].split(".")[0] in page.inner_text(".prompt p")


def test_who_steps_in_is_chosen_on_the_page_and_shown_in_the_turn(
    connected: Installation, standin: Providers, browsing: Browsing
) -> None:
    standin.always("llm", status=401, code="invalid_api_key")
    with browsing(connected) as tab:
        page = tab.page
        choose_openai(tab)
        steps_in = page.locator("[data-provider=llm] [data-fallbacks] select")
        remembered(tab, lambda: steps_in.first.select_option("demo"))
        assert steps_in.count() > 1, "another may be added"
        say(tab, "My name is Ada.")
        (turn,) = tab.turns()
        assert "Ada" in turn["agent"]
        line = page.inner_text("[data-fallback=llm]")
        assert line.startswith("Language model: OpenAI has no key that works")
        assert line.endswith("Demo agent stepped in.")
        stop(tab)
        page.reload()
        assert "or Demo agent" in page.inner_text("[data-provider=llm] summary")

        def kept() -> bool:
            page.goto(f"{connected.url}/history/")
            page.click("main tbody a")
            return page.locator("[data-fallback=llm]").count() == 1

        wait_until("the history shows it too", kept)
        assert page.inner_text("[data-fallback=llm]") == line


def test_a_turn_that_failed_says_why_by_name_and_its_buttons_mend_it(
    connected: Installation, standin: Providers, browsing: Browsing
) -> None:
    standin.always("llm", status=401, code="invalid_api_key")
    with browsing(connected) as tab:
        page = tab.page
        choose_openai(tab)
        write(tab, "My name is Ada.")
        failure = page.locator(".failure:visible")
        failure.wait_for()
        said = failure.locator("p").first.inner_text()
        assert said.startswith("Language model: OpenAI has no key that works")
        assert "Your words are kept." in said
        assert page.locator("[data-announce] p", has_text=said).count() == 1
        assert page.evaluate("document.activeElement.id") == "type-text", "the focus stays"
        assert failure.get_by_role("link").get_attribute("href") == "/settings/"
        failure.locator("summary").click()
        assert "invalid_api_key" in failure.locator("[lang=en]").inner_text()

        standin.reset()
        failure.get_by_role("button", name="Try again").focus()
        page.keyboard.press("Enter")
        tab.wait_for("document.querySelectorAll('li.turn').length === 2")
        assert page.evaluate("document.activeElement.matches('[data-scroll]')")
        assert page.locator(".offers:visible").count() == 0, "that turn is past"
        tab.wait_for("document.querySelectorAll('.agent .said')[1].textContent.includes('Ada')")
        stop(tab)


def test_the_settings_are_reached_and_changed_by_the_keyboard_alone(
    parley: Installation, browsing: Browsing
) -> None:
    def focused(selector: str) -> bool:
        found: bool = tab.page.evaluate("one => document.activeElement.matches(one)", selector)
        return found

    with browsing(parley, viewport={"width": 1000, "height": 800}) as tab:
        press = tab.page.keyboard.press
        open_settings(tab)
        assert focused("[data-panel-close]")
        press("Tab")
        assert focused("#mode")
        press("Tab")
        assert focused("[data-provider=stt] summary")
        press("Tab")
        press("Space")
        assert tab.page.locator("[data-provider=llm][open]").count() == 1
        press("Tab")
        assert focused("#llm-name")
        remembered(tab, lambda: press("e"))  # to the option that begins with it
        assert "Echo" in tab.page.inner_text("[data-provider=llm] summary")
        press("Escape")
        assert focused("[data-panel-toggle]")
        assert not tab.page.locator("#panel").is_visible()
        assert "Echo" in tab.page.inner_text("[data-summary]")
        assert tab.page.get_attribute("#talk", "data-phase") == "idle", "no key began to talk"


def test_a_tool_that_is_run_is_shown_in_the_turn_and_none_where_it_is_switched_off(
    parley: Installation,
    browsing: Browsing,
) -> None:
    with browsing(parley) as tab:
        page = tab.page
        say(tab, "What time is it?")
        tool = page.locator("[data-tool=current_time]")
        assert tool.get_attribute("data-status") == "succeeded"
        tool.locator("summary").click()
        assert '"time"' in tool.inner_text()
        stop(tab)

        open_settings(tab)
        remembered(tab, lambda: page.uncheck("[name=tools][value=current_time]"))
        page.reload()
        open_settings(tab)
        assert not page.is_checked("[name=tools][value=current_time]")
        say(tab, "What time is it?")
        assert page.locator("[data-tool]").count() == 0
        open_settings(tab)
        assert page.locator("[name=tools][value=current_time]").is_disabled(), "while it talks"
