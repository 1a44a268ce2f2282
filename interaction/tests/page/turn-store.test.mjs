import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { TurnStore, isReplyAwaited, splitReply } from "../../../static/talk/turn-store.js";

let store;
let dropped;
beforeEach(() => {
  dropped = [];
  store = new TurnStore(() => {}, (turn) => dropped.push(turn.id));
});

const speak = (turn_id, ...texts) => {
  store.onMessage({ type: "speech_started", turn_id });
  for (const text of texts) store.onMessage({ type: "transcript_partial", turn_id, text });
};

test("a partial transcript is stable where two of them agree", () => {
  speak("t", "my", "my name", "my name in");
  assert.equal(store.turns[0].transcript.slice(0, store.turns[0].stableLength), "my name");
  store.onMessage({ type: "transcript_partial", turn_id: "t", text: "my name is john" });
  assert.equal(store.turns[0].transcript.slice(0, store.turns[0].stableLength), "my name ");
  store.onMessage({ type: "transcript_final", turn_id: "t", text: "my name is john" });
  store.onMessage({ type: "transcript_partial", turn_id: "t", text: "late" });
  assert.equal(store.turns[0].transcript, "my name is john");
});

test("a typed turn is shown at once and gets its id with the first message of it", () => {
  store.addTextTurn("hello");
  store.onMessage({ type: "transcript_final", turn_id: "t", text: "hello" });
  store.onMessage({ type: "response_started", turn_id: "t", reply_id: "r" });
  assert.equal(store.turns.length, 1);
  assert.deepEqual([store.turns[0].id, store.turns[0].kind, store.turns[0].replyId], ["t", "text", "r"]);
});

test("speech while a typed turn has no id yet is a turn of its own", () => {
  store.addTextTurn("hello");
  speak("s");
  store.onMessage({ type: "transcript_final", turn_id: "t", text: "hello" });
  assert.deepEqual(store.turns.map((turn) => turn.id), ["t", "s"]);
});

test("a turn that held no speech goes away", () => {
  speak("t");
  store.onMessage({ type: "speech_ended", turn_id: "t", kept: false });
  assert.deepEqual([store.turns, dropped], [[], ["t"]]);
});

test("an interrupted reply is split into what was heard and what was not", () => {
  speak("t");
  store.onMessage({ type: "response_started", turn_id: "t", reply_id: "r" });
  store.onMessage({ type: "response_text", turn_id: "t", reply_id: "r", sentence: 0, text: "One two." });
  store.onMessage({ type: "response_text", turn_id: "t", reply_id: "r", sentence: 1, text: "Three four." });
  store.onMessage({ type: "interrupted", turn_id: "t", reply_id: "r", heard_ms: 700, heard_text: "One two. Three" });
  assert.deepEqual(splitReply(store.turns[0]), { heard: "One two. Three", unheard: " four." });
});

const overtake = (turn_id, reply_id) => {
  const latency = { end_of_turn_delay: 600, e2e: null, ear: null };
  store.onMessage({ type: "interrupted", turn_id, reply_id, heard_ms: 0, heard_text: "", latency });
};

test("a turn that is overtaken before its reply starts awaits nothing more", () => {
  speak("t", "my", "my name");
  speak("u");
  assert.ok(isReplyAwaited(store.turns[0]));
  overtake("t", "r");
  const [turn, next] = store.turns;
  assert.deepEqual([turn.replyId, turn.heard, turn.over], ["r", { text: "", ms: 0 }, true]);
  assert.deepEqual([turn.transcript, turn.stableLength, turn.final], ["my name", 7, true]);
  assert.equal(isReplyAwaited(turn), false);
  assert.deepEqual(splitReply(turn), { heard: "", unheard: "" });
  assert.ok(isReplyAwaited(next), "the next turn goes on");
  store.onMessage({ type: "transcript_partial", turn_id: "t", text: "my name in" });
  assert.equal(turn.transcript, "my name", "a late partial transcript changes nothing");
  store.onMessage({ type: "transcript_final", turn_id: "t", text: "my name is john" });
  assert.equal(turn.transcript, "my name is john", "a late final one is still shown");
});

test("a typed turn that is overtaken keeps its text", () => {
  store.addTextTurn("hello");
  overtake("t", "r");
  assert.equal(store.turns.length, 1);
  const [turn] = store.turns;
  assert.deepEqual([turn.id, turn.transcript, turn.over, isReplyAwaited(turn)], ["t", "hello", true, false]);
});

test("what was heard of a reply that had started leaves the transcript open to what is late", () => {
  speak("t", "my");
  store.onMessage({ type: "response_started", turn_id: "t", reply_id: "r" });
  overtake("t", "r");
  store.onMessage({ type: "transcript_partial", turn_id: "t", text: "my name" });
  assert.deepEqual([store.turns[0].transcript, store.turns[0].final], ["my name", false]);
});

test("a reply that sounds ends the wait, measured or not, and once", () => {
  speak("t");
  store.onMessage({ type: "response_started", turn_id: "t", reply_id: "r" });
  store.endWait("r", 700);
  store.endWait("r", 900);
  assert.equal(store.turns[0].moments.audible, 700);
  assert.equal(store.turns[0].latency.ear ?? null, null);
});

test("what the page measured stays when the server's figures come", () => {
  speak("t");
  store.onMessage({ type: "response_started", turn_id: "t", reply_id: "r" });
  store.setLatency("r", "ear", 321);
  store.onMessage({ type: "response_ended", turn_id: "t", reply_id: "r", latency: { e2e: 300, ear: null } });
  assert.deepEqual(store.turns[0].latency, { e2e: 300, ear: 321 });
});

test("another session's turns count from one and leave the earlier ones alone", () => {
  speak("t");
  store.addTextTurn("lost");
  store.startSession();
  speak("u");
  store.onMessage({ type: "response_started", turn_id: "u", reply_id: "r" });
  assert.deepEqual(store.turns.map((turn) => [turn.number, turn.over]), [[1, true], [2, true], [1, false]]);
});

test("a provider that steps in and a tool that is called belong to their turn", () => {
  speak("t");
  store.onMessage({ type: "provider_fallback", turn_id: "t", stage: "stt", failed: "a", code: "provider_timeout", provider: "b" });
  const invocation = { type: "tool_invocation", turn_id: "t", reply_id: "r", invocation_id: "i", tool: "current_time" };
  store.onMessage({ ...invocation, status: "succeeded", result: "{}" });
  store.onMessage({ ...invocation, status: "succeeded", result: "{}" });
  assert.deepEqual(store.turns[0].fallbacks.map(({ failed, provider }) => [failed, provider]), [["a", "b"]]);
  assert.deepEqual(store.turns[0].tools.map(({ invocation_id }) => invocation_id), ["i"]);
});

const fail = (turn_id, more) => store.onMessage({ type: "error", turn_id, code: "provider_timeout", message: "", ...more });

test("an error costs its turn, and nothing more of it is awaited", () => {
  speak("t", "my", "my name");
  fail("t", { stage: "stt" });
  const [turn] = store.turns;
  assert.deepEqual([turn.error.stage, turn.over, turn.final, turn.stableLength], ["stt", true, true, 7]);
  assert.equal(isReplyAwaited(turn), false);
});

for (const more of [{ stage: "archive", code: "stage_lost" }, { stage: "archive", code: "redis_unavailable" }, { stage: "stt", code: "audio_dropped" }]) {
  test(`${more.code} of ${more.stage} costs a turn nothing`, () => {
    speak("t", "my");
    fail("t", more);
    const [turn] = store.turns;
    assert.deepEqual([turn.error, turn.over, turn.final], [null, false, false]);
    assert.deepEqual(turn.remarks.map(({ code }) => code), [more.code]);
    assert.ok(isReplyAwaited(turn));
  });
}
