import assert from "node:assert/strict";
import { test } from "node:test";

import { explainError, inARow, providerLabel } from "../../../static/talk/error-explanations.js";
import { failureText } from "../../../static/talk/failure-block.js";

const explanation = (happened, more) => ({ happened, advice: "Try again.", actions: ["try_again"], quiet: false, stage: "", detail: false, ...more });
const config = {
  words: { stage_llm: "Language model", stage_tts: "Text to speech", kept_words: "Your words are kept.", kept_before: "Before is kept." },
  stages: { stt: { providers: [] }, llm: { providers: [{ name: "openai", label: "OpenAI" }] }, tts: { providers: [{ name: "espeak", label: "eSpeak NG" }] } },
  errors: {
    by_code: {
      provider_timeout: explanation("{provider} did not answer in time."),
      stage_lost: explanation("{part} stopped."),
      language_not_spoken: explanation("No voice.", { stage: "tts" }),
      no_speech: explanation("No words were understood.", { quiet: true, advice: "Say it again." }),
    },
    general: explanation("{provider} failed.", { detail: true }),
    late_archive: explanation("Not in your history yet.", { quiet: true }),
    parts: { "": "A part of the server", llm: "The language model", tts: "The voice" },
    of_stage: "{stage}: {happened}",
    gap: " ",
  },
};

for (const [error, said] of [
  [{ code: "provider_timeout", stage: "llm", provider: "openai" }, "Language model: OpenAI did not answer in time."],
  [{ code: "provider_timeout", provider: "openai" }, "OpenAI did not answer in time."],
  [{ code: "provider_timeout", stage: "llm", provider: "endpoint:home" }, "Language model: home did not answer in time."],
  [{ code: "provider_timeout", stage: "llm", provider: "" }, "The language model did not answer in time."],
  [{ code: "provider_timeout", stage: null, provider: null }, "A part of the server did not answer in time."],
  [{ code: "stage_lost", stage: "tts", provider: "espeak" }, "The voice stopped."],
  [{ code: "of_tomorrow", stage: "tts", provider: "espeak" }, "Text to speech: eSpeak NG failed."],
  [{ code: "stage_crashed", stage: "archive", provider: "" }, "Not in your history yet."],
]) {
  test(`${JSON.stringify(error)} is said by name`, () => assert.equal(explainError(error, config).happened, said));
}

test("its own message is the detail of an error that nothing is known of, and of no other", () => {
  assert.equal(explainError({ code: "of_tomorrow", message: "Odd." }, config).detail, "Odd.");
  assert.equal(explainError({ code: "stage_lost", message: "Odd." }, config).detail, "");
});

test("another provider is chosen for the stage that failed, or for the one that would help", () => {
  assert.equal(explainError({ code: "provider_timeout", stage: "llm" }, config).stage, "llm");
  assert.equal(explainError({ code: "language_not_spoken", stage: null }, config).stage, "tts");
  assert.equal(explainError({ code: "stage_lost", stage: null }, config).stage, "");
});

test("a provider that is not on the page has its own name", () => {
  assert.equal(providerLabel("openai", "tts", config), "openai");
  assert.equal(providerLabel("openai", null, config), "OpenAI");
});

test("sentences follow one another and empty ones are left out", () => {
  assert.equal(inARow(config, "One.", "", undefined, "Two."), "One. Two.");
});

test("a turn says what of it is kept, and what is no failure says no more than what to do", () => {
  const timeout = { code: "provider_timeout", stage: "llm", provider: "openai" };
  const happened = "Language model: OpenAI did not answer in time.";
  assert.equal(failureText({ error: timeout, transcript: "hello" }, config), `${happened} Your words are kept. Try again.`);
  assert.equal(failureText({ error: timeout, transcript: "" }, config), `${happened} Before is kept. Try again.`);
  assert.equal(failureText({ error: { code: "no_speech", stage: "stt" }, transcript: "" }, config), "Say it again.");
  assert.equal(failureText({ error: null, transcript: "" }, config), "");
});
