import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** What the last sound was led to, and the loudspeakers there are. */
let led;
let there;
let mayPlay;
class Sink {
  sink = "";
  async setSinkId(id) {
    if (id !== "" && !there.includes(id)) throw new DOMException("gone", "NotFoundError");
    this.sink = id;
  }
}
class FakeElement extends Sink {
  async play() {
    if (!mayPlay) throw new DOMException("no click", "NotAllowedError");
  }
}
globalThis.GainNode = class {
  gain = { value: 1 };
  connect(to) {
    led = to;
  }
  disconnect() {
    led = null;
  }
};
globalThis.MediaStreamAudioDestinationNode = class {
  stream = "stream";
};
globalThis.Audio = FakeElement;
const { SpeakerOutput, gainOf } = await import("../../../static/talk/speaker-output.js");

beforeEach(() => {
  led = null;
  there = ["desk"];
  mayPlay = true;
});
const chromium = () => Object.assign(new Sink(), { destination: "destination" });
const firefox = () => ({ destination: "destination" });

for (const [what, chosen, sink] of [["one that is there", "desk", "desk"], ["one that is gone", "old", ""], ["the default", "", ""]]) {
  test(`a context that can choose plays through it: ${what}`, async () => {
    const context = chromium();
    await new SpeakerOutput(context).setSpeaker(chosen);
    assert.deepEqual([context.sink, led], [sink, "destination"]);
  });
}

test("without a choice, sound takes the direct way in every browser", async () => {
  await new SpeakerOutput(firefox()).setSpeaker("");
  assert.equal(led, "destination");
});

test("where elements alone can choose, a choice leads through one, and back to the default by it", async () => {
  const output = new SpeakerOutput(firefox());
  await output.setSpeaker("desk");
  assert.equal(led.stream, "stream");
  await output.setSpeaker("");
  assert.equal(led.stream, "stream");
});

test("a loudspeaker that is gone, or an element that may not play, leads back to the direct way", async () => {
  const output = new SpeakerOutput(firefox());
  await output.setSpeaker("old");
  assert.equal(led, "destination");
  mayPlay = false;
  await output.setSpeaker("desk");
  assert.equal(led, "destination");
  mayPlay = true;
  await output.setSpeaker("desk");
  assert.equal(led.stream, "stream");
  there = [];
  await output.setSpeaker("desk");
  assert.equal(led, "destination");
});

test("the volume is judged by ear: silent at nothing, unchanged at full", () => {
  assert.deepEqual([0, 0.5, 1].map(gainOf), [0, 0.25, 1]);
});
