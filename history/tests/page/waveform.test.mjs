/** A side's peaks at any zoom, its outline, and where both sides are silent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePeaks, outline, silences, Waveform } from "../../../static/history/waveform.js";

const STEP_MS = 20;

function peaks(count, ...loud) {
  const made = new Uint8Array(count);
  for (const [from, to, peak] of loud) made.fill(peak, from, to);
  return made;
}

test("peaks come as base64", () => {
  assert.deepEqual([...decodePeaks(btoa("\x00\x7f\xff"))], [0, 127, 255]);
});

for (const msAColumn of [1, 5, 20, 33, 80, 250, 1_000, 7_321, 60_000]) {
  test(`a column of ${msAColumn} ms is as loud as the loudest in it`, () => {
    const all = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 200);
    const wave = new Waveform(all, STEP_MS);
    const columns = wave.columns(0, msAColumn, 12);
    for (const [i, found] of columns.entries()) {
      const first = Math.floor((i * msAColumn) / STEP_MS);
      const last = Math.max(first + 1, Math.ceil(((i + 1) * msAColumn) / STEP_MS));
      const exact = Math.max(0, ...all.slice(first, last));
      assert.ok(found >= exact, `column ${i}`);
    }
  });
}

test("a single click is seen however far one is away", () => {
  const wave = new Waveform(peaks(180_000, [90_001, 90_002, 255]), STEP_MS);
  for (const count of [10, 100, 1_000]) {
    const columns = wave.columns(0, 3_600_000 / count, count);
    assert.equal(Math.max(...columns), 255);
    assert.ok(columns.filter((peak) => peak === 255).length <= 2);
  }
});

test("before and after the conversation nothing sounds", () => {
  const wave = new Waveform(peaks(10, [0, 10, 200]), STEP_MS);
  assert.deepEqual(wave.columns(-100, 50, 2), [0, 0]);
  assert.deepEqual(wave.columns(200, 50, 2), [0, 0]);
});

test("an hour is reduced to columns in no more than their number of looks", () => {
  const wave = new Waveform(peaks(180_000, [0, 180_000, 90]), STEP_MS);
  assert.deepEqual(wave.columns(0, 3_600_000 / 800, 800), Array(800).fill(90));
});

test("an outline leaves silence out and mirrors what sounds", () => {
  assert.equal(outline([0, 255, 0], 1, 20, 10), "M1.0 10.0h1v20.0h-1z");
  assert.equal(outline([0, 0], 1, 20, 10), "");
  assert.match(outline([1], 2, 20, 10), /^M0\.0 19\.5h2v1\.0h-2z$/);
});

const SILENCES = {
  "at the start, in the middle and at the end": [[[100, 200, 99]], [[300, 350, 99]], 10_000, [[0, 1_850], [4_150, 5_850], [7_150, 10_000]]],
  "not where either speaks": [[[0, 250, 99]], [[250, 500, 99]], 10_000, []],
  "not a short one": [[[0, 240, 99], [274, 500, 99]], [], 10_000, []],
  "a little longer than the shortest": [[[0, 240, 99], [275, 500, 99]], [], 10_000, [[4_950, 5_350]]],
  "where it only hisses": [[[0, 500, 25]], [], 10_000, [[0, 10_000]]],
  "of everything": [[], [], 10_000, [[0, 10_000]]],
};
for (const [name, [user, agent, ms, expected]] of Object.entries(SILENCES)) {
  test(`silences: ${name}`, () => {
    const sides = [user, agent].map((loud) => new Waveform(peaks(ms / STEP_MS, ...loud), STEP_MS));
    assert.deepEqual(silences(sides, ms), expected);
  });
}
