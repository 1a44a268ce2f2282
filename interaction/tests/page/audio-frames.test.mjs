import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeAudioFrame } from "../../../static/talk/audio-frames.js";

test("a binary frame's header is read as the server packs it", () => {
  const frame = new ArrayBuffer(28);
  const view = new DataView(frame);
  for (let i = 0; i < 16; i += 1) view.setUint8(i, i);
  view.setUint32(16, 70_000);
  view.setUint16(20, 3);
  view.setUint16(22, 1);
  view.setInt16(24, -5, true);
  const { pcm, ...header } = decodeAudioFrame(frame);
  assert.deepEqual(header, {
    replyId: "00010203-0405-0607-0809-0a0b0c0d0e0f",
    sequence: 70_000,
    sentence: 3,
    last: true,
  });
  assert.deepEqual([...new Int16Array(pcm)], [-5, 0]);
});
