/**
 * Tracks how much of each reply was really played, measures the latencies that only the page can
 * know, and reports both to the server: what it keeps as heard rests on these reports.
 *
 * Points in time are seconds of the AudioContext's clock, which both worklets share.
 *
 * @import {Latency, PlaybackMessage} from "./protocol-types"
 * @import {PlaybackEnd, PlaybackProgress} from "./audio-io.js"
 *
 * @typedef {object} ReplyPlayback  The playback of one reply.
 * @property {number} playedMs
 * @property {number} underruns
 * @property {number | null} audibleAt  When its first audible sample was played.
 * @property {number | null} earMs
 * @property {number | null} yieldMs
 * @property {number | null} bargeInAt  When the person began to speak who interrupted it.
 * @property {number} reportedAt  Of performance.now(), ms.
 * @property {number} frames  Audio frames received, to detect a gap.
 * @property {boolean} paused  It waits for the person.
 * @property {boolean} heldBack  It waited for them before its first sound: how long that took says nothing of us.
 */

const REPORT_INTERVAL_MS = 250;

export class PlaybackTracker {
  /** @type {Map<string, ReplyPlayback>} */
  #playbacks = new Map();
  /** Ids of the replies whose playback has ended. @type {Set<string>} */
  #ended = new Set();
  #intervalMs = REPORT_INTERVAL_MS;
  #speechOnsetAt = 0;
  /** Null once a reply answered it. @type {number | null} */
  #speechOffsetAt = null;

  /**
   * @param {(report: PlaybackMessage) => void} sendReport
   * @param {(replyId: string, metric: keyof Latency, ms: number) => void} onLatency
   */
  constructor(sendReport, onLatency) {
    this.sendReport = sendReport;
    this.onLatency = onLatency;
  }

  /** @param {number} at  When the person began to speak. */
  onSpeechOnset(at) {
    this.#speechOnsetAt = at;
    this.#speechOffsetAt = null;
  }

  /** @param {number} at  When the person ceased to speak, or sent what they typed. */
  onSpeechOffset(at) {
    this.#speechOffsetAt = at;
  }

  /** Ids of the replies whose playback has not ended. */
  get openReplies() {
    return [...this.#playbacks.keys()];
  }

  /** @param {string} replyId */
  playedMs(replyId) {
    return this.#playbacks.get(replyId)?.playedMs ?? 0;
  }

  /**
   * Counts an audio frame that was received.
   * @param {string} replyId
   * @param {boolean} [paused]  The reply waits from the first on.
   * @returns {number | null} The frames before it; null when the reply's playback has ended.
   */
  countFrame(replyId, paused = false) {
    if (this.#ended.has(replyId)) return null;
    const playback = this.#playbackOf(replyId);
    playback.frames += 1;
    // So that nothing counts as heard that is not reported: the browser may play nothing for now.
    if (playback.frames === 1) {
      playback.paused = playback.heldBack = paused;
      this.#report(replyId, playback, false);
    }
    return playback.frames - 1;
  }

  /**
   * The person pauses a reply, or goes on with it.
   * @param {string} replyId
   * @param {boolean} paused
   */
  setPaused(replyId, paused) {
    const playback = this.#playbackOf(replyId);
    if (playback.paused === paused) return;
    playback.paused = paused;
    playback.heldBack ||= paused && playback.audibleAt === null;
    this.#report(replyId, playback, false);
  }

  /**
   * The page is being left: says once more how much was played, as far as is known now, and from now
   * on with each piece. What is sent when the page is gone does not arrive from every browser.
   */
  reportOpen() {
    this.#intervalMs = 0;
    for (const [replyId, playback] of this.#playbacks) this.#report(replyId, playback, false);
  }

  /**
   * The first audible sample of a reply was played.
   * @param {string} replyId
   * @param {number} at
   */
  onAudible(replyId, at) {
    const playback = this.#playbackOf(replyId);
    playback.audibleAt = at;
    if (this.#speechOffsetAt !== null && !playback.heldBack) {
      playback.earMs = Math.max(0, Math.round(1000 * (at - this.#speechOffsetAt)));
      this.onLatency(replyId, "ear", playback.earMs);
    }
    this.#speechOffsetAt = null;
    this.#report(replyId, playback, false);
  }

  /**
   * The server interrupted a reply. Where the person spoke after it became audible, their onset is
   * the start of the yield latency; one that was paused was silent before.
   * @param {string} replyId
   */
  onInterrupted(replyId) {
    const playback = this.#playbacks.get(replyId);
    if (playback && !playback.paused && playback.audibleAt !== null && this.#speechOnsetAt > playback.audibleAt) {
      playback.bargeInAt = this.#speechOnsetAt;
    }
  }

  /**
   * @param {PlaybackProgress} progress
   * @param {number} rate  Hz
   */
  onProgress({ reply, rendered, underruns }, rate) {
    if (reply === null) return;
    const playback = this.#playbackOf(reply);
    const before = playback.playedMs;
    playback.playedMs = Math.round((1000 * rendered) / rate);
    playback.underruns = underruns;
    // A pause is reported at once; where exactly it began is known a moment later.
    const due = playback.paused ? playback.playedMs !== before : performance.now() - playback.reportedAt >= this.#intervalMs;
    if (due) this.#report(reply, playback, false);
  }

  /**
   * @param {PlaybackEnd} end
   * @param {number} rate  Hz
   */
  onEnded({ reply, rendered, underruns, at, stopped }, rate) {
    const playback = this.#playbackOf(reply);
    playback.playedMs = Math.round((1000 * rendered) / rate);
    playback.underruns = underruns;
    if (stopped && playback.bargeInAt !== null) {
      playback.yieldMs = Math.max(0, Math.round(1000 * (at - playback.bargeInAt)));
      this.onLatency(reply, "yield", playback.yieldMs);
    }
    this.#report(reply, playback, true);
    this.#playbacks.delete(reply);
    this.#ended.add(reply);
  }

  /** The next session has a clock of its own, which starts at 0. */
  clear() {
    this.#intervalMs = REPORT_INTERVAL_MS;
    this.#playbacks.clear();
    this.#ended.clear();
    this.#speechOnsetAt = 0;
    this.#speechOffsetAt = null;
  }

  /**
   * @param {string} replyId
   * @param {ReplyPlayback} playback
   * @param {boolean} ended
   */
  #report(replyId, playback, ended) {
    playback.reportedAt = performance.now();
    this.sendReport({
      type: "playback",
      reply_id: replyId,
      played_ms: playback.playedMs,
      ended,
      underruns: playback.underruns,
      ear_ms: playback.earMs,
      yield_ms: playback.yieldMs,
      paused: playback.paused && !ended,
    });
  }

  /**
   * @param {string} replyId
   * @returns {ReplyPlayback}
   */
  #playbackOf(replyId) {
    let playback = this.#playbacks.get(replyId);
    if (!playback) {
      playback = {
        playedMs: 0,
        underruns: 0,
        audibleAt: null,
        earMs: null,
        yieldMs: null,
        bargeInAt: null,
        reportedAt: performance.now(),
        frames: 0,
        paused: false,
        heldBack: false,
      };
      this.#playbacks.set(replyId, playback);
    }
    return playback;
  }
}
