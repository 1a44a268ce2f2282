/**
 * Keeps the sound of the latest replies in memory, as it came, so that they can be played again. The
 * oldest go first; the history keeps them longer, where the conversation is recorded.
 *
 * @typedef {{pieces: ArrayBuffer[], bytes: number, rate: number}} StoredReply  Mono s16le.
 */
import { toWav } from "./clip-player.js";

/** Bytes, of all replies together: nearly six minutes at 24 kHz. */
const MAX_BYTES = 16 * 1024 * 1024;

export class ReplyStore {
  /** Id of a reply to its sound, the oldest first. @type {Map<string, StoredReply>} */
  #replies = new Map();
  #bytes = 0;

  /** @param {number} [maxBytes] */
  constructor(maxBytes = MAX_BYTES) {
    this.maxBytes = maxBytes;
  }

  /**
   * @param {string} replyId
   * @param {ArrayBuffer} pcm  Mono s16le; copied.
   * @param {number} rate  Hz
   */
  add(replyId, pcm, rate) {
    let reply = this.#replies.get(replyId);
    if (!reply) {
      reply = { pieces: [], bytes: 0, rate };
      this.#replies.set(replyId, reply);
    }
    reply.pieces.push(pcm.slice(0));
    reply.bytes += pcm.byteLength;
    this.#bytes += pcm.byteLength;
    for (const [oldest, { bytes }] of this.#replies) {
      if (this.#bytes <= this.maxBytes) break;
      this.#replies.delete(oldest);
      this.#bytes -= bytes;
    }
  }

  /**
   * @param {string} replyId
   * @returns {Blob | null} A WAV file of what came of it; null where nothing did, or it is gone.
   */
  get(replyId) {
    const reply = this.#replies.get(replyId);
    return reply?.bytes ? toWav(reply.pieces, reply.rate) : null;
  }

  /** @param {string} replyId */
  has(replyId) {
    return Boolean(this.#replies.get(replyId)?.bytes);
  }
}
