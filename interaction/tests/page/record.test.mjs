import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { readAudio } from "../../../static/talk/protocol.js";
import { Record, replyOf } from "../../../static/talk/record.js";

let record;
let dropped;
beforeEach(() => {
  dropped = [];
  record = new Record(() => {}, (turn) => dropped.push(turn.id));
});

const hear = (turn_id, ...texts) => {
  record.take({ type: "speech_started", turn_id });
  for (const text of texts) record.take({ type: "transcript_partial", turn_id, text });
};

test("a partial transcript firms up where two of them agree", () => {
  hear("t", "my", "my name", "my name in");
  assert.equal(record.turns[0].transcript.slice(0, record.turns[0].firm), "my name");
  record.take({ type: "transcript_partial", turn_id: "t", text: "my name is john" });
  assert.equal(record.turns[0].transcript.slice(0, record.turns[0].firm), "my name ");
  record.take({ type: "transcript_final", turn_id: "t", text: "my name is john" });
  record.take({ type: "transcript_partial", turn_id: "t", text: "late" });
  assert.equal(record.turns[0].transcript, "my name is john");
});

test("a typed turn is shown at once and gets its name with the first news of it", () => {
  record.typed("hello");
  record.take({ type: "transcript_final", turn_id: "t", text: "hello" });
  record.take({ type: "response_started", turn_id: "t", reply_id: "r" });
  assert.equal(record.turns.length, 1);
  assert.deepEqual([record.turns[0].id, record.turns[0].kind, record.turns[0].replyId], ["t", "text", "r"]);
});

test("speech while a typed turn has no name yet is a turn of its own", () => {
  record.typed("hello");
  hear("s");
  record.take({ type: "transcript_final", turn_id: "t", text: "hello" });
  assert.deepEqual(record.turns.map((turn) => turn.id), ["t", "s"]);
});

test("a turn that held no speech goes away", () => {
  hear("t");
  record.take({ type: "speech_ended", turn_id: "t", kept: false });
  assert.deepEqual([record.turns, dropped], [[], ["t"]]);
});

test("an interrupted reply is split into what was heard and what was not", () => {
  hear("t");
  record.take({ type: "response_started", turn_id: "t", reply_id: "r" });
  record.take({ type: "response_text", turn_id: "t", reply_id: "r", sentence: 0, text: "One two." });
  record.take({ type: "response_text", turn_id: "t", reply_id: "r", sentence: 1, text: "Three four." });
  record.take({ type: "interrupted", turn_id: "t", reply_id: "r", heard_ms: 700, heard_text: "One two. Three" });
  assert.deepEqual(replyOf(record.turns[0]), { heard: "One two. Three", unheard: " four." });
});

test("what the page measured stays when the server's figures come", () => {
  hear("t");
  record.take({ type: "response_started", turn_id: "t", reply_id: "r" });
  record.measured("r", "ear", 321);
  record.take({ type: "response_ended", turn_id: "t", reply_id: "r", latency: { e2e: 300, ear: null } });
  assert.deepEqual(record.turns[0].latency, { e2e: 300, ear: 321 });
});

test("another session's turns count from one and leave the earlier ones alone", () => {
  hear("t");
  record.typed("lost");
  record.begin();
  hear("u");
  record.take({ type: "response_started", turn_id: "u", reply_id: "r" });
  assert.deepEqual(record.turns.map((turn) => [turn.number, turn.over]), [[1, true], [2, true], [1, false]]);
});

test("a binary frame's header is read as the server packs it", () => {
  const frame = new ArrayBuffer(28);
  const view = new DataView(frame);
  for (let i = 0; i < 16; i += 1) view.setUint8(i, i);
  view.setUint32(16, 70_000);
  view.setUint16(20, 3);
  view.setUint16(22, 1);
  view.setInt16(24, -5, true);
  const { pcm, ...header } = readAudio(frame);
  assert.deepEqual(header, {
    replyId: "00010203-0405-0607-0809-0a0b0c0d0e0f",
    sequence: 70_000,
    sentence: 3,
    last: true,
  });
  assert.deepEqual([...new Int16Array(pcm)], [-5, 0]);
});

test("a provider that steps in and a tool that is run belong to their turn", () => {
  hear("t");
  record.take({ type: "provider_fallback", turn_id: "t", stage: "stt", failed: "a", code: "provider_timeout", provider: "b" });
  const told = { type: "tool_invocation", turn_id: "t", reply_id: "r", invocation_id: "i", tool: "current_time" };
  record.take({ ...told, status: "succeeded", result: "{}" });
  record.take({ ...told, status: "succeeded", result: "{}" });
  assert.deepEqual(record.turns[0].fallbacks.map(({ failed, provider }) => [failed, provider]), [["a", "b"]]);
  assert.deepEqual(record.turns[0].tools.map(({ invocation_id }) => invocation_id), ["i"]);
});
