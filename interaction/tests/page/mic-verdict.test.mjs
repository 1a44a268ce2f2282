import assert from "node:assert/strict";
import { test } from "node:test";

import { isClipped, judgeMicrophone } from "../../../static/talk/mic-verdict.js";

const FRAMES = 200;
/** Frames of one loudness, as RMS. */
const of = (count, level, clipped = false) => Array.from({ length: count }, () => ({ level, clipped }));
/** A sentence of so many frames in a room of that noise. */
const sentence = (spoken, level, noise = 0.001, clipped = false) => [...of(FRAMES - spoken, noise), ...of(spoken, level, clipped)];

const CASES = {
  nothing: {
    "no frame came": [],
    "digital silence": of(FRAMES, 0),
    "the noise of a converter without a microphone": of(FRAMES, 0.0001),
    "a single click in silence": [...of(FRAMES - 1, 0), ...of(1, 0.2, true)],
    "one frame of silence": of(1, 0),
  },
  clipping: {
    "every loud frame clips": sentence(80, 0.5, 0.001, true),
    "some frames clip": [...sentence(80, 0.2), ...of(3, 0.4, true)],
    "clipped noise": of(FRAMES, 0.7, true),
  },
  noise: {
    "hum": of(FRAMES, 0.05),
    "hiss that sways": Array.from({ length: FRAMES }, (_, i) => ({ level: 0.02 + 0.005 * Math.sin(i / 9), clipped: false })),
    "quiet hum": of(FRAMES, 0.005),
    "speech that drowns": sentence(80, 0.05, 0.03),
    "a fan, and nobody speaks": of(FRAMES, 0.008),
  },
  quiet: {
    "a whisper": sentence(80, 0.004, 0.0005),
    "a far voice": sentence(100, 0.008, 0.001),
    "barely": sentence(60, 0.0119, 0.002),
  },
  good: {
    "a sentence": sentence(100, 0.08),
    "a short word": sentence(12, 0.1),
    "a loud voice that does not clip": sentence(120, 0.3, 0.01),
    "in a noisy room": sentence(100, 0.1, 0.03),
    "a knock on the table beside it": [...sentence(80, 0.1), ...of(2, 0.5, true)],
    "gated: nothing at all between the words": sentence(100, 0.08, 0),
    "just loud enough": sentence(60, 0.0121, 0.002),
    "cut short": sentence(100, 0.08).slice(70),
  },
};

for (const [verdict, cases] of Object.entries(CASES)) {
  for (const [what, frames] of Object.entries(cases)) {
    test(`${what}: ${verdict}`, () => assert.equal(judgeMicrophone(frames), verdict));
  }
}

for (const [what, samples, clipped] of [
  ["nothing", [], false],
  ["a soft wave", [0, 9_000, 15_000, 9_000], false],
  ["one sample at the top", [0, 32_767, 12, -32_768], false],
  ["two at the top", [32_767, 32_767, 30_000], false],
  ["a flat top", [20_000, 32_767, 32_767, 32_767, 20_000], true],
  ["a flat bottom", [-20_000, -32_768, -32_768, -32_768], true],
  ["a square wave", [32_767, -32_768, 32_767, -32_768], true],
  ["a flat top that is not at full scale", [9_000, 9_000, 9_000, 9_000], false],
]) {
  test(`${what} is ${clipped ? "" : "not "}clipped`, () => assert.equal(isClipped(Int16Array.from(samples)), clipped));
}
