import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { toWav } from "../../../static/talk/clip-player.js";
import { PlaybackTracker } from "../../../static/talk/playback-tracker.js";
import { ReplyPlayer } from "../../../static/talk/reply-player.js";
import { ReplyStore } from "../../../static/talk/reply-store.js";

const RATE = 24_000;
let told;
let reports;
let states;
let choices;
let player;
beforeEach(() => {
  told = [];
  reports = [];
  states = [];
  choices = { byHand: false };
  const tell = (name) => (reply) => told.push([name, reply]);
  const audio = {
    rate: RATE, running: true,
    enqueueAudio: tell("audio"), pauseReply: tell("pause"), continueReply: tell("continue"), stopReply: tell("stop"),
  };
  const tracker = new PlaybackTracker((report) => reports.push(report), () => {});
  player = new ReplyPlayer(audio, tracker, choices, {
    onReplyState: (...state) => states.push(state),
    onReplyAudio: () => {}, onWireAudio: () => {}, onPlaybackBlocked: () => {},
  });
});

const receive = (replyId, sequence = 0) => player.onAudio({ replyId, sequence, sentence: 0, last: false, pcm: new ArrayBuffer(8) }, 32);
const progress = (reply, ms) => player.onProgress({ reply, rendered: (ms * RATE) / 1000, underruns: 0, level: 0.1 });
const end = (reply, ms, stopped = true) => player.onEnded({ reply, rendered: (ms * RATE) / 1000, underruns: 0, at: 9, stopped });
const reported = () => reports.map(({ played_ms, paused, ended }) => [played_ms, paused, ended]);

test("a reply plays as it comes", () => {
  receive("a");
  receive("a", 1);
  assert.deepEqual(told, [["audio", "a"], ["audio", "a"]]);
  assert.deepEqual(states, [["a", "playing"]]);
  assert.equal(player.held, null);
});

test("by hand, it is paused before its first audio, and reported as that and nothing else", () => {
  choices.byHand = true;
  receive("a");
  receive("a", 1);
  assert.deepEqual(told, [["pause", "a"], ["audio", "a"], ["audio", "a"]]);
  assert.deepEqual(reported(), [[0, true, false]]);
  assert.equal(player.held, "waiting");
  player.play("a");
  assert.deepEqual(reported().at(-1), [0, false, false]);
  assert.deepEqual(states, [["a", "waiting"], ["a", "playing"]]);
  assert.equal(player.held, null);
});

test("the switch holds from the next reply on", () => {
  receive("a");
  choices.byHand = true;
  receive("a", 1);
  receive("b");
  assert.deepEqual(states, [["a", "playing"], ["b", "waiting"]]);
  choices.byHand = false;
  receive("b", 1);
  assert.equal(states.length, 2);
});

test("a pause is reported at once, and once more with where it really began", () => {
  receive("a");
  progress("a", 1000);
  player.pause("a");
  progress("a", 1040);
  progress("a", 1040);
  progress("a", 1040);
  assert.deepEqual(reported().slice(1), [[1000, true, false], [1040, true, false]]);
  assert.equal(player.held, "paused");
});

test("pausing and playing do nothing out of turn", () => {
  for (const act of ["pause", "play"]) player[act]("never");
  receive("a");
  player.play("a");
  player.pause("a");
  player.pause("a");
  player.play("a");
  player.play("a");
  end("a", 500);
  player.pause("a");
  player.play("a");
  assert.deepEqual(told.filter(([name]) => name !== "audio"), [["pause", "a"], ["continue", "a"]]);
  assert.deepEqual(states.map(([, state]) => state), ["playing", "paused", "playing", "over"]);
});

test("a paused reply that is stopped counts as far as it was played", () => {
  receive("a");
  progress("a", 700);
  player.pause("a");
  end("a", 720);
  assert.deepEqual(reported().at(-1), [720, false, true]);
  assert.equal(player.held, null);
});

test("the end of the conversation ends what waits", () => {
  choices.byHand = true;
  receive("a");
  player.clear();
  assert.deepEqual(states.at(-1), ["a", "over"]);
  assert.equal(player.held, null);
});

test("everything that plays can be paused at once, and only that", () => {
  receive("a");
  receive("b");
  player.pause("a");
  player.pauseAll();
  assert.deepEqual(told.filter(([name]) => name === "pause"), [["pause", "a"], ["pause", "b"]]);
});

test("frames of a reply that has ended are neither played nor kept", () => {
  receive("a");
  end("a", 10);
  receive("a", 1);
  assert.equal(told.filter(([name]) => name === "audio").length, 1);
});

test("replies are kept in memory, the oldest go first, and one that is too long goes too", () => {
  const store = new ReplyStore(100);
  store.add("a", new ArrayBuffer(40), RATE);
  store.add("b", new ArrayBuffer(40), RATE);
  assert.deepEqual(["a", "b"].map((id) => store.has(id)), [true, true]);
  store.add("b", new ArrayBuffer(40), RATE);
  assert.deepEqual(["a", "b"].map((id) => store.has(id)), [false, true]);
  store.add("c", new ArrayBuffer(101), RATE);
  assert.deepEqual(["a", "b", "c"].map((id) => store.get(id)), [null, null, null]);
});

test("what is kept is a copy, since playing takes the audio away", async () => {
  const store = new ReplyStore();
  const pcm = new Int16Array([1, -2, 3]).buffer;
  store.add("a", pcm, RATE);
  structuredClone(pcm, { transfer: [pcm] });
  store.add("a", new Int16Array([4]).buffer, RATE);
  const wav = await store.get("a").arrayBuffer();
  assert.deepEqual([...new Int16Array(wav, 44)], [1, -2, 3, 4]);
});

test("a reply of which no sound came cannot be played again", () => {
  const store = new ReplyStore();
  store.add("a", new ArrayBuffer(0), RATE);
  assert.deepEqual([store.has("a"), store.get("a"), store.get("never")], [false, null, null]);
});

test("a clip is a WAV file that says what it holds", async () => {
  const view = new DataView(await toWav([new ArrayBuffer(4), new ArrayBuffer(6)], 16_000).arrayBuffer());
  const text = (at) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
  assert.deepEqual([0, 8, 12, 36].map(text), ["RIFF", "WAVE", "fmt ", "data"]);
  assert.deepEqual([4, 24, 28, 40].map((at) => view.getUint32(at, true)), [46, 16_000, 32_000, 10]);
  assert.deepEqual([20, 22, 32, 34].map((at) => view.getUint16(at, true)), [1, 1, 2, 16]);
  assert.equal(view.byteLength, 54);
});
