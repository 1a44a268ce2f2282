import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const RATE = 16000;
const QUANTUM = 128;
/** @type {any} */
let Capture;
globalThis.sampleRate = RATE;
globalThis.currentTime = 0;
globalThis.AudioWorkletProcessor = class {
  port = { posted: [], postMessage(message) { this.posted.push(message); } };
};
globalThis.registerProcessor = (_name, kind) => { Capture = kind; };
await import("../../../static/talk/capture-worklet.js");

let capture;
beforeEach(() => {
  globalThis.currentTime = 0;
  capture = new Capture();
});

function feed(seconds, level) {
  for (let left = Math.round(seconds * RATE); left > 0; left -= QUANTUM) {
    const quantum = Float32Array.from({ length: QUANTUM }, (_, i) => (i % 2 ? level : -level));
    capture.process([[quantum]]);
    globalThis.currentTime += QUANTUM / RATE;
  }
}

const posted = (type) => capture.port.posted.filter((message) => message.type === type);

test("frames are 20 ms of s16le with their level", () => {
  feed(1, 0.5);
  const frames = posted("frame");
  assert.equal(frames.length, 50);
  assert.equal(frames[0].pcm.byteLength, 2 * 0.02 * RATE);
  assert.ok(Math.abs(frames[0].level - 0.5) < 0.001);
  assert.deepEqual([...new Int16Array(frames[0].pcm).slice(0, 2)], [-16384, 16383]);
});

test("speech begins where it was first loud and ends where it was last loud", () => {
  feed(1, 0);
  feed(0.8, 0.2);
  feed(1, 0);
  assert.ok(Math.abs(posted("onset")[0].at - 1) < 0.03);
  assert.ok(Math.abs(posted("offset")[0].at - 1.8) < 0.03);
});

test("a click is no speech, and a breath between words is no end", () => {
  feed(0.5, 0);
  feed(0.02, 0.5);
  feed(0.5, 0);
  assert.equal(posted("onset").length, 0);
  feed(0.4, 0.2);
  feed(0.16, 0);
  feed(0.4, 0.2);
  feed(0.5, 0);
  assert.equal(posted("onset").length, 1);
  assert.equal(posted("offset").length, 1);
});

test("a steady hum becomes background", () => {
  feed(0.5, 0.006);
  feed(3, 0.006);
  assert.equal(posted("onset").length, 0);
});

test("a microphone of another rate is resampled to the frames' rate, whatever the block's length", () => {
  for (const rate of [24_000, 8000, 11_025]) {
    capture = new Capture({ processorOptions: { rate } });
    for (let done = 0; done < 2 * RATE; done += QUANTUM) {
      const quantum = Float32Array.from({ length: QUANTUM }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * (done + i)) / RATE));
      capture.process([[quantum]]);
    }
    const frames = posted("frame");
    assert.ok(Math.abs(frames.length - 100) <= 1);
    const samples = frames.slice(1).flatMap(({ pcm }) => [...new Int16Array(pcm)]);
    const step = 2 * 0.5 * 0x7fff * Math.sin((Math.PI * 440) / rate) * 1.05;
    assert.ok(samples.every((sample, i) => i === 0 || Math.abs(sample - samples[i - 1]) <= step), `a step at ${rate} Hz`);
    const crossings = samples.filter((sample, i) => i > 0 && sample >= 0 && samples[i - 1] < 0).length;
    assert.ok(Math.abs(crossings / (samples.length / rate) - 440) < 3);
  }
});
