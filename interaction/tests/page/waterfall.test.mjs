import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { TurnStore } from "../../../static/talk/turn-store.js";
import { layOutSoFar, median } from "../../../static/talk/waterfall.js";

let store;
beforeEach(() => {
  store = new TurnStore(() => {}, () => {});
});
const turn = () => store.turns[0];
const stages = (now) => layOutSoFar(turn(), now).segments.map(({ stage, start, ms }) => [stage, start, ms]);

test("a spoken turn's bar begins with the end of speech and grows by the stage that is at work", () => {
  store.onMessage({ type: "speech_started", turn_id: "t" }, 0);
  assert.deepEqual(layOutSoFar(turn(), 500), { total: null, segments: [] });
  store.onMessage({ type: "speech_ended", turn_id: "t", kept: true }, 1_600, 600);
  assert.deepEqual(stages(1_650), [["end_of_turn", 0, 600], ["stt", 600, 50]]);
  store.onMessage({ type: "transcript_final", turn_id: "t", text: "hello" }, 1_700, 600);
  store.onMessage({ type: "response_started", turn_id: "t", reply_id: "r" }, 1_700, 600);
  assert.deepEqual(stages(1_900).at(-1), ["llm", 700, 200]);
  store.onMessage({ type: "response_text", turn_id: "t", reply_id: "r", sentence: 0, text: "Hi." }, 2_000, 600);
  store.onMessage({ type: "response_text", turn_id: "t", reply_id: "r", sentence: 1, text: "Ho." }, 2_050, 600);
  assert.deepEqual(stages(2_100).at(-1), ["tts", 1_000, 100]);
  assert.equal(layOutSoFar(turn(), 2_100).total, 1_100);
});

test("a typed turn's bar begins when the text is sent", () => {
  store.addTextTurn("hello", 100);
  assert.deepEqual(layOutSoFar(turn(), 150), { total: 50, segments: [{ stage: "llm", start: 0, ms: 50 }] });
});

test("at the first sound it stops, and its steps fit the figure that was measured", () => {
  store.addTextTurn("hello", 0);
  store.onMessage({ type: "response_started", turn_id: "t", reply_id: "r" }, 0);
  store.onMessage({ type: "response_text", turn_id: "t", reply_id: "r", sentence: 0, text: "Hi." }, 100);
  store.setLatency("r", "ear", 150);
  store.endWait("r", 200);
  assert.deepEqual(stages(9_000), [["llm", 0, 75], ["tts", 75, 75]]);
  assert.equal(layOutSoFar(turn(), 9_000).total, 150);
});

test("in realtime mode one provider does it all", () => {
  store.onMessage({ type: "mode_changed", mode: "realtime" }, 0);
  store.onMessage({ type: "speech_started", turn_id: "t" }, 0);
  store.onMessage({ type: "speech_ended", turn_id: "t", kept: true }, 500, 200);
  store.onMessage({ type: "transcript_final", turn_id: "t", text: "hello" }, 600);
  assert.deepEqual(stages(900), [["end_of_turn", 0, 200], ["realtime", 200, 400]]);
});

test("a median is one of the values or between two; of nothing there is none", () => {
  assert.equal(median([]), null);
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 100]), 3);
});
