import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { SoundWatch } from "../../../static/talk/sound-watch.js";

globalThis.window = { setInterval: () => 1, clearInterval: () => {} };
const FINE = { running: true, currentTime: 0, microphone: true, inputMuted: false, frames: 0 };
let state;
let said;
let watch;
beforeEach(() => {
  state = { ...FINE };
  said = [];
  watch = new SoundWatch(() => ({ ...state }), (fault) => said.push(fault));
});

/** Half-seconds pass, in which ``advance`` changes what the browser shows. */
function pass(checks, advance) {
  for (let i = 0; i < checks; i += 1) {
    advance(state);
    watch.check();
  }
}
const fine = (now) => {
  now.running = true;
  now.inputMuted = false;
  now.currentTime += 0.5;
  now.frames += 25;
};
const FAULTS = {
  "a context that stays suspended": ["suspended", (now) => (now.running = false)],
  "a suspended context without a microphone": [
    "suspended",
    (now) => Object.assign(now, { running: false, microphone: false }),
  ],
  "a clock that stands still without a microphone": ["suspended", (now) => (now.microphone = false)],
  "a suspended playback while the microphone is heard": [
    "suspended",
    (now) => Object.assign(now, { running: false, frames: now.frames + 25 }),
  ],
  "a clock that stands still while the microphone is heard": ["suspended", (now) => (now.frames += 25)],
  "a context that runs without frames": ["no_input", (now) => (now.currentTime += 0.5)],
  "everything standing still in a context said to run": ["no_input", () => {}],
  "a microphone that the system muted": [
    "input_muted",
    (now) => {
      fine(now);
      now.inputMuted = true;
    },
  ],
};

for (const [what, [fault, advance]] of Object.entries(FAULTS)) {
  test(`${what} is said within two seconds`, () => {
    pass(4, advance);
    assert.deepEqual(said, [fault]);
  });
  test(`${what} in mid-conversation is said once, and taken back when it is over`, () => {
    pass(10, fine);
    assert.deepEqual(said, []);
    pass(10, advance);
    pass(2, (now) => {
      now.microphone = true;
      fine(now);
    });
    assert.deepEqual(said, [fault, null]);
  });
}

test("a moment without sound is not worth a word", () => {
  pass(3, fine);
  pass(2, () => {});
  pass(5, fine);
  assert.deepEqual(said, []);
});

test("an end takes back what was said", () => {
  pass(5, () => {});
  watch.stop();
  assert.deepEqual(said, ["no_input", null]);
});
