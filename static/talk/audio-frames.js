/**
 * The binary frames that the server sends: pieces of a reply's audio.
 *
 * @typedef {object} AudioFrame
 * @property {string} replyId
 * @property {number} sequence  Counts the frames of one reply from 0: a gap is a loss.
 * @property {number} sentence
 * @property {boolean} last  No audio of this reply follows.
 * @property {ArrayBuffer} pcm  Mono s16le at the session's output_sample_rate; may be empty.
 */

const HEADER_BYTES = 24;

/**
 * Decodes a frame: 24 bytes of header, big-endian, then PCM. ``AudioHeader`` in the server's
 * protocol packs it.
 *
 * @param {ArrayBuffer} frame
 * @returns {AudioFrame}
 */
export function decodeAudioFrame(frame) {
  const view = new DataView(frame);
  let hex = "";
  for (let i = 0; i < 16; i += 1) hex += view.getUint8(i).toString(16).padStart(2, "0");
  return {
    replyId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    sequence: view.getUint32(16),
    sentence: view.getUint16(20),
    last: view.getUint16(22) !== 0,
    pcm: frame.slice(HEADER_BYTES),
  };
}
