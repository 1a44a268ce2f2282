import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** A browser's storage; null: it keeps nothing and says so by throwing. */
let kept;
globalThis.localStorage = {
  getItem: (key) => {
    if (kept === null) throw new DOMException("denied", "SecurityError");
    return kept[key] ?? null;
  },
  setItem: (key, value) => {
    if (kept === null) throw new DOMException("full", "QuotaExceededError");
    kept[key] = value;
  },
};
const { findDevice, usableDevices } = await import("../../../static/talk/devices.js");
const { loadSoundChoices, saveSoundChoices } = await import("../../../static/talk/sound-choices.js");

beforeEach(() => {
  kept = {};
});

const NONE = { id: "", label: "" };
const UNTOUCHED = { microphone: NONE, speaker: NONE, volume: 1, byHand: false };
const input = (deviceId, label = "") => ({ kind: "audioinput", deviceId, label });
const output = (deviceId, label = "") => ({ kind: "audiooutput", deviceId, label });

const DEVICES = [input("1", "Headset"), input("2", "Webcam"), input("3", "Webcam")];
for (const [what, choice, found] of [
  ["nothing chosen: the default", NONE, undefined],
  ["by its id", { id: "2", label: "Webcam" }, "2"],
  ["by its id among equal names", { id: "3", label: "Webcam" }, "3"],
  ["by its id though its name has changed", { id: "1", label: "Headset (2)" }, "1"],
  ["by its name where the ids are new", { id: "old", label: "Headset" }, "1"],
  ["gone", { id: "old", label: "Studio" }, undefined],
  ["gone, and it never had a name", { id: "old", label: "" }, undefined],
]) {
  test(`a device is found again, ${what}`, () => assert.equal(findDevice(DEVICES, choice)?.deviceId, found));
}

for (const [what, devices, microphones, speakers] of [
  ["none", [], [], []],
  ["no leave yet: a nameless one without an id", [input(""), output("")], [], []],
  ["Chromium's aliases", [input("default", "Default - Headset"), input("communications", "x"), input("1", "Headset"), output("default")], ["1"], []],
  ["Firefox: no loudspeakers are listed", [input("1", "Headset")], ["1"], []],
  ["cameras are none of ours", [{ kind: "videoinput", deviceId: "9", label: "Camera" }, output("4", "Desk")], [], ["4"]],
]) {
  test(`usable devices: ${what}`, () => {
    assert.deepEqual(usableDevices(devices, "microphone").map(({ deviceId }) => deviceId), microphones);
    assert.deepEqual(usableDevices(devices, "speaker").map(({ deviceId }) => deviceId), speakers);
  });
}

test("what was chosen is remembered", () => {
  const chosen = { microphone: { id: "1", label: "Headset" }, speaker: NONE, volume: 0.35, byHand: true };
  saveSoundChoices(chosen);
  assert.deepEqual(loadSoundChoices(), chosen);
});

test("a browser that keeps nothing is no error", () => {
  kept = null;
  saveSoundChoices(UNTOUCHED);
  assert.deepEqual(loadSoundChoices(), UNTOUCHED);
});

for (const left of [
  "", "null", "7", "[]", "{", '"x"', "true", '{"volume": 2}', '{"volume": -0.1}', '{"volume": "1"}', '{"volume": null}',
  '{"byHand": 1}', '{"byHand": "true"}', '{"microphone": "1"}', '{"microphone": null}', '{"speaker": {"id": 4, "label": "x"}}',
  '{"microphone": {"id": "1"}}', '{"speaker": []}', '{"other": 1}',
]) {
  test(`what cannot be ours is left out: ${left || "nothing"}`, () => {
    kept["parley.sound"] = left;
    assert.deepEqual(loadSoundChoices(), UNTOUCHED);
  });
}
