import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { PlaybackTracker } from "../../../static/talk/playback-tracker.js";

const RATE = 24_000;
let tracker;
let reports;
let latencies;
beforeEach(() => {
  reports = [];
  latencies = [];
  tracker = new PlaybackTracker((report) => reports.push(report), (...latency) => latencies.push(latency));
});

const stop = (reply, at) => {
  tracker.onInterrupted(reply);
  tracker.onEnded({ reply, rendered: RATE, underruns: 0, at, stopped: true }, RATE);
};

test("speech over a reply is measured from its onset to silence", () => {
  tracker.onAudible("r", 5);
  tracker.onSpeechOnset(5.5);
  stop("r", 5.75);
  assert.deepEqual(latencies, [["r", "yield", 250]]);
  assert.deepEqual([reports.at(-1).yield_ms, reports.at(-1).played_ms], [250, 1000]);
});

test("speech of the session before interrupts no reply: its clock was another one", () => {
  tracker.onSpeechOnset(300);
  tracker.clear();
  tracker.onAudible("r", 5);
  stop("r", 6);
  assert.deepEqual(latencies, []);
  assert.equal(reports.at(-1).yield_ms, null);
});
