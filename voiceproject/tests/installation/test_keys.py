"""The page of keys in a browser: it changes in place, and the keyboard stays where it was."""

from __future__ import annotations

from voiceproject.testing.browser import Browsing
from voiceproject.testing.installation import Installation

KEY = "sk-live-0123456789abcdefWXYZ"


def test_a_key_is_saved_and_deleted_without_leaving_the_page(
    parley: Installation, browsing: Browsing
) -> None:
    with browsing(parley) as tab:
        page = tab.page
        page.goto(f"{parley.url}/settings/")
        page.on("dialog", lambda question: question.accept())
        page.fill("#deepgram-key", KEY)
        page.route("**/settings/keys/**", lambda route: route.abort())
        page.press("#deepgram-key", "Enter")
        page.wait_for_selector("[data-failed-requests] :text('The server cannot be reached.')")
        page.unroute("**/settings/keys/**")
        page.locator("[data-failed-requests] button").press("Enter")
        page.wait_for_selector("#key-deepgram :text('Your key ends in')")
        assert page.locator("[data-failed-requests] p").count() == 0
        assert page.text_content("#said") == "The key is kept, encrypted."
        assert page.evaluate("document.activeElement.id") == "deepgram-key"
        assert page.input_value("#deepgram-key") == ""
        assert KEY not in page.content()
        page.click("#key-deepgram button:has-text('Delete')")
        page.wait_for_selector("#key-deepgram :text('No key yet.')")
        assert page.text_content("#said") == "The key is deleted."


def test_an_endpoint_is_added_tested_and_offered(parley: Installation, browsing: Browsing) -> None:
    with browsing(parley) as tab:
        page = tab.page
        page.goto(f"{parley.url}/settings/")
        page.on("dialog", lambda question: question.accept())
        page.click(".add summary")
        page.fill("#endpoint-new-name", "home")
        page.fill("#endpoint-new-base_url", "http://127.0.0.1:1/v1")
        page.click("#endpoint-new-name-save")
        page.wait_for_selector(".add :text('Name a model for at least one stage.')")
        page.fill("#endpoint-new-llm_models", "llama3.2")
        page.click("#endpoint-new-name-save")
        page.wait_for_selector("h3:text('home')")
        page.click("#endpoints [id$='-try']")
        page.wait_for_selector(".said:text('home cannot be reached.')")
        assert page.evaluate("document.activeElement.textContent").startswith("Test")
        page.goto(f"{parley.url}/")
        options = page.eval_on_selector_all("#llm-name option", "all => all.map(o => o.value)")
        assert "endpoint:home" in options
        page.goto(f"{parley.url}/settings/")
        page.click("#endpoints form[action$='delete/'] button")
        page.wait_for_selector("h3:text('home')", state="detached")
