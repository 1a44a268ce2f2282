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

test("that a reply is to be played is reported at once, before any of it is", () => {
  tracker.countFrame("r");
  tracker.countFrame("r");
  assert.deepEqual(reports.map(({ played_ms, ended, paused }) => [played_ms, ended, paused]), [[0, false, false]]);
});

test("a pause is reported when it begins and when it is over, and ends with the reply", () => {
  tracker.countFrame("r");
  tracker.setPaused("r", true);
  tracker.setPaused("r", true);
  tracker.setPaused("r", false);
  tracker.setPaused("r", true);
  tracker.onEnded({ reply: "r", rendered: 0, underruns: 0, at: 1, stopped: true }, RATE);
  assert.deepEqual(reports.map(({ paused, ended }) => [paused, ended]), [
    [false, false], [true, false], [false, false], [true, false], [false, true],
  ]);
});

test("a page that is left says how far it is with what still plays", () => {
  tracker.countFrame("r");
  tracker.onProgress({ reply: "r", rendered: 12_000, underruns: 0, level: 0 }, RATE);
  tracker.reportOpen();
  assert.deepEqual([reports.at(-1).played_ms, reports.at(-1).ended], [500, false]);
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

test("a reply that waited for the person says nothing of how long we took", () => {
  tracker.onSpeechOffset(1);
  tracker.countFrame("r", true);
  tracker.setPaused("r", false);
  tracker.onAudible("r", 60);
  tracker.onSpeechOffset(70);
  tracker.countFrame("s");
  tracker.setPaused("s", true);
  tracker.setPaused("s", false);
  tracker.onAudible("s", 75);
  assert.deepEqual(latencies, []);
  tracker.onSpeechOffset(80);
  tracker.onAudible("t", 80.5);
  tracker.setPaused("t", true);
  tracker.onSpeechOnset(81);
  stop("t", 82);
  assert.deepEqual(latencies, [["t", "ear", 500]], "nor does silence after a pause say how fast it yields");
});
