/**
 * What was really played of each reply, and when: the truth that the server's "heard" rests on.
 *
 * @import {Playback} from "./protocol.js"
 * @import {Progress, Ended} from "./sound.js"
 *
 * @typedef {object} Heard
 * @property {number} playedMs
 * @property {number} underruns
 * @property {number | null} audibleAt  Seconds of the context.
 * @property {number | null} earMs
 * @property {number | null} yieldMs
 * @property {number | null} cutAt  When the person began to speak who cut it off.
 * @property {number} reportedAt
 * @property {number} frames  Pieces that came, to see a gap.
 */

const REPORT_EVERY_MS = 250;

export class Replies {
  /** @type {Map<string, Heard>} */
  #heard = new Map();
  /** @type {Set<string>} */
  #over = new Set();
  /** The person's latest onset and end of speech, in the context's seconds. */
  #onsetAt = 0;
  /** @type {number | null} */
  #offsetAt = null;

  /**
   * @param {(report: Playback) => void} report
   * @param {(reply: string, metric: "ear"|"yield", ms: number) => void} measured
   */
  constructor(report, measured) {
    this.report = report;
    this.measured = measured;
  }

  /** @param {number} at */
  onset(at) {
    this.#onsetAt = at;
    this.#offsetAt = null;
  }

  /** @param {number} at */
  offset(at) {
    this.#offsetAt = at;
  }

  /** What comes next answers no speech: a typed turn has no end of speech. */
  forgetSpeech() {
    this.#offsetAt = null;
  }

  /** Replies whose end has not been reported. */
  get open() {
    return [...this.#heard.keys()];
  }

  /** @param {string} id */
  playedMs(id) {
    return this.#heard.get(id)?.playedMs ?? 0;
  }

  /**
   * A piece of it came.
   * @param {string} id
   * @returns {number | null} How many came before it; null when the reply is over.
   */
  came(id) {
    if (this.#over.has(id)) return null;
    const heard = this.#of(id);
    heard.frames += 1;
    return heard.frames - 1;
  }

  /**
   * @param {string} id
   * @param {number} at
   */
  audible(id, at) {
    const heard = this.#of(id);
    heard.audibleAt = at;
    if (this.#offsetAt !== null) {
      heard.earMs = Math.max(0, Math.round(1000 * (at - this.#offsetAt)));
      this.#offsetAt = null;
      this.measured(id, "ear", heard.earMs);
    }
    this.#report(id, heard, false);
  }

  /**
   * The person cut this reply off by speaking.
   * @param {string} id
   */
  cut(id) {
    const heard = this.#heard.get(id);
    if (heard && heard.audibleAt !== null && this.#onsetAt > heard.audibleAt) heard.cutAt = this.#onsetAt;
  }

  /**
   * @param {Progress} progress
   * @param {number} rate
   */
  progress({ reply, rendered, underruns }, rate) {
    if (reply === null) return;
    const heard = this.#of(reply);
    heard.playedMs = Math.round((1000 * rendered) / rate);
    heard.underruns = underruns;
    if (performance.now() - heard.reportedAt >= REPORT_EVERY_MS) this.#report(reply, heard, false);
  }

  /**
   * @param {Ended} ended
   * @param {number} rate
   */
  ended({ reply, rendered, underruns, at, stopped }, rate) {
    const heard = this.#of(reply);
    heard.playedMs = Math.round((1000 * rendered) / rate);
    heard.underruns = underruns;
    if (stopped && heard.cutAt !== null) {
      heard.yieldMs = Math.max(0, Math.round(1000 * (at - heard.cutAt)));
      this.measured(reply, "yield", heard.yieldMs);
    }
    this.#report(reply, heard, true);
    this.#heard.delete(reply);
    this.#over.add(reply);
  }

  clear() {
    this.#heard.clear();
    this.#over.clear();
    this.#offsetAt = null;
  }

  /**
   * @param {string} id
   * @param {Heard} heard
   * @param {boolean} ended
   */
  #report(id, heard, ended) {
    heard.reportedAt = performance.now();
    this.report({
      type: "playback",
      reply_id: id,
      played_ms: heard.playedMs,
      ended,
      underruns: heard.underruns,
      ear_ms: heard.earMs,
      yield_ms: heard.yieldMs,
    });
  }

  /**
   * @param {string} id
   * @returns {Heard}
   */
  #of(id) {
    let heard = this.#heard.get(id);
    if (!heard) {
      heard = {
        playedMs: 0,
        underruns: 0,
        audibleAt: null,
        earMs: null,
        yieldMs: null,
        cutAt: null,
        reportedAt: performance.now(),
        frames: 0,
      };
      this.#heard.set(id, heard);
    }
    return heard;
  }
}
