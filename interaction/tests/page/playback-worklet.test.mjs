import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const RATE = 8000;
const QUANTUM = 128;
/** @type {any} */
let Playback;
globalThis.sampleRate = RATE;
globalThis.currentTime = 0;
globalThis.AudioWorkletProcessor = class {
  port = { posted: [], postMessage(message) { this.posted.push(message); }, onmessage: null };
};
globalThis.registerProcessor = (_name, kind) => { Playback = kind; };
await import("../../../static/talk/playback-worklet.js");

let player;
let out;
beforeEach(() => {
  globalThis.currentTime = 0;
  player = new Playback();
  out = [];
});

function play(seconds) {
  for (let left = seconds * RATE; left > 0; left -= QUANTUM) {
    const quantum = new Float32Array(QUANTUM);
    player.process([], [[quantum]]);
    out.push(...quantum);
    globalThis.currentTime += QUANTUM / RATE;
  }
}

function send(reply, seconds, { last = false, level = 8000 } = {}) {
  const pcm = new Int16Array(seconds * RATE).fill(level).buffer;
  player.port.onmessage({ data: { type: "audio", reply, pcm, last } });
}

const stop = (reply) => player.port.onmessage({ data: { type: "stop", reply } });
const posted = (type) => player.port.posted.filter((message) => message.type === type);

test("a reply is played whole and its samples are counted", () => {
  send("a", 0.1);
  send("a", 0.1, { last: true });
  play(0.3);
  assert.equal(posted("ended").length, 1);
  assert.equal(posted("ended")[0].rendered, 0.2 * RATE);
  assert.equal(posted("ended")[0].stopped, false);
});

test("the first audible sample is reported with its time, silence before it does not count", () => {
  send("a", 0.1, { level: 0 });
  send("a", 0.1, { last: true });
  play(0.3);
  assert.ok(Math.abs(posted("audible")[0].at - 0.1) < 1 / RATE);
});

test("a gap is silence, counted once, and never a sample of the reply", () => {
  send("a", 0.1);
  play(0.3);
  send("a", 0.2, { last: true });
  play(0.3);
  const [ended] = posted("ended");
  assert.equal(ended.underruns, 1);
  assert.equal(ended.rendered, Math.round(0.3 * RATE));
});

test("a stopped reply fades within milliseconds and stays silent whatever still comes", () => {
  send("a", 1);
  play(0.2);
  const before = out.length;
  stop("a");
  play(0.02);
  assert.equal(posted("ended").length, 1);
  assert.equal(posted("ended")[0].stopped, true);
  assert.ok(posted("ended")[0].rendered <= before + 0.01 * RATE);
  out = [];
  send("a", 1, { last: true });
  play(0.2);
  assert.deepEqual(out.filter((sample) => sample !== 0), []);
  stop("a");
  assert.equal(posted("ended").length, 1);
});

test("a stop leaves no step in the signal", () => {
  send("a", 1);
  play(0.2);
  stop("a");
  play(0.1);
  let step = 0;
  for (let i = 1; i < out.length; i += 1) if (out[i] < out[i - 1]) step = Math.max(step, out[i - 1] - out[i]);
  assert.ok(step < 0.02, `the largest fall is ${step}`);
});

test("a reply that broke off does not hold up the next one", () => {
  send("a", 0.1);
  play(0.2);
  send("b", 0.1, { last: true });
  play(0.2);
  assert.deepEqual(posted("ended").map((message) => message.reply), ["a", "b"]);
});

test("a reply that is stopped before a sample of it came ends with none rendered", () => {
  stop("a");
  assert.deepEqual(posted("ended").map(({ reply, rendered }) => [reply, rendered]), [["a", 0]]);
});

const pause = (reply) => player.port.onmessage({ data: { type: "pause", reply } });
const goOn = (reply) => player.port.onmessage({ data: { type: "continue", reply } });

test("a paused reply is silent at once, says where it is, and goes on with the next sample", () => {
  send("a", 1, { last: true });
  play(0.4);
  pause("a");
  const { rendered } = posted("progress").at(-1);
  out = [];
  play(0.5);
  assert.ok(Math.abs(rendered - 0.4 * RATE) <= QUANTUM);
  assert.ok(out.slice(0.05 * RATE).every((sample) => sample === 0));
  assert.equal(posted("progress").at(-1).rendered, rendered);
  assert.equal(posted("ended").length, 0);
  goOn("a");
  play(1);
  assert.deepEqual(posted("ended").map((one) => [one.rendered, one.stopped, one.underruns]), [[RATE, false, 0]]);
});

test("a reply that is paused before its first audio waits, and the one behind it with it", () => {
  pause("a");
  send("a", 0.1, { last: true });
  send("b", 0.1, { last: true });
  play(0.5);
  assert.deepEqual([posted("ended").length, out.some((sample) => sample !== 0)], [0, false]);
  goOn("a");
  play(0.5);
  assert.deepEqual(posted("ended").map(({ reply }) => reply), ["a", "b"]);
});

test("neither a pause nor its end leaves a step in the signal", () => {
  send("a", 1);
  play(0.2);
  pause("a");
  play(0.1);
  goOn("a");
  play(0.1);
  const start = out.findIndex((sample) => sample !== 0);
  const steps = out.slice(start + 1).map((sample, i) => Math.abs(sample - out[start + i]));
  assert.ok(Math.max(...steps) < 0.02, `the largest step is ${Math.max(...steps)}`);
});

test("a paused reply that is stopped ends at once and counts what was played", () => {
  send("a", 1);
  play(0.2);
  pause("a");
  play(0.1);
  stop("a");
  const [ended] = posted("ended");
  assert.equal(ended.stopped, true);
  assert.ok(Math.abs(ended.rendered - 0.2 * RATE) <= QUANTUM);
});

test("a reply can be paused while it fades out, and ends all the same", () => {
  send("a", 1);
  play(0.2);
  stop("a");
  pause("a");
  play(0.1);
  assert.equal(posted("ended").length, 1);
});

test("an underrun while paused is none", () => {
  send("a", 0.1);
  play(0.05);
  pause("a");
  play(1);
  send("a", 0.1, { last: true });
  goOn("a");
  play(0.5);
  assert.equal(posted("ended")[0].underruns, 0);
});

test("to pause or go on with a reply that has ended, or to go on with one that plays, is nothing", () => {
  send("a", 0.1, { last: true });
  goOn("a");
  play(0.2);
  pause("a");
  goOn("a");
  goOn("never");
  play(0.2);
  assert.deepEqual(posted("ended").map(({ rendered }) => rendered), [0.1 * RATE]);
});
