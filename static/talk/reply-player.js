/**
 * Plays the replies of a conversation as their audio comes, and lets the person pause them. With
 * ``byHand`` each waits until it is played; the tracker reports either as a pause.
 *
 * @import {AudioFrame} from "./audio-frames.js"
 * @import {AudioIO, PlaybackEnd, PlaybackProgress} from "./audio-io.js"
 * @import {PlaybackTracker} from "./playback-tracker.js"
 * @import {SoundChoices} from "./sound-choices.js"
 *
 * @typedef {"waiting"|"playing"|"paused"|"over"} ReplyState  Waiting: nothing of it was played yet.
 *
 * @typedef {object} ReplyPlayerListener
 * @property {(replyId: string, state: ReplyState) => void} onReplyState
 * @property {(replyId: string, pcm: ArrayBuffer, rate: number) => void} onReplyAudio  Copy what is to be kept.
 * @property {(direction: "up"|"down", bytes: number, gap: boolean) => void} onWireAudio
 * @property {(blocked: boolean) => void} onPlaybackBlocked  The browser wants a click before it plays.
 */

/** The sequence number of the frame that ends a reply which broke off; it is outside the count. */
const BROKEN_OFF_SEQUENCE = 0xffffffff;
const STOP_TIMEOUT_MS = 200;
const STOP_POLL_MS = 10;

export class ReplyPlayer {
  /** Those whose playback has begun, or waits to begin. @type {Map<string, ReplyState>} */
  #states = new Map();

  /**
   * @param {AudioIO} audio
   * @param {PlaybackTracker} tracker
   * @param {SoundChoices} choices
   * @param {ReplyPlayerListener} listener
   */
  constructor(audio, tracker, choices, listener) {
    this.audio = audio;
    this.tracker = tracker;
    this.choices = choices;
    this.listener = listener;
  }

  /** How the reply that is played next waits for the person; null where it does not. */
  get held() {
    const [first] = this.#states.values();
    return first === "waiting" || first === "paused" ? first : null;
  }

  /**
   * @param {AudioFrame} frame
   * @param {number} bytes  With its header.
   */
  onAudio({ replyId, sequence, last, pcm }, bytes) {
    const expected = this.tracker.countFrame(replyId, this.choices.byHand);
    if (expected === null) return;
    if (expected === 0) {
      if (this.choices.byHand) this.audio.pauseReply(replyId);
      this.#setState(replyId, this.choices.byHand ? "waiting" : "playing");
    }
    this.listener.onWireAudio("down", bytes, sequence !== expected && sequence !== BROKEN_OFF_SEQUENCE);
    this.listener.onReplyAudio(replyId, pcm, this.audio.rate);
    this.audio.enqueueAudio(replyId, pcm, last);
    if (!this.audio.running) this.listener.onPlaybackBlocked(true);
  }

  /** @param {PlaybackProgress} progress */
  onProgress(progress) {
    this.tracker.onProgress(progress, this.audio.rate);
  }

  /** @param {PlaybackEnd} end */
  onEnded(end) {
    this.tracker.onEnded(end, this.audio.rate);
    this.#setState(end.reply, "over");
  }

  /** @param {string} replyId */
  pause(replyId) {
    if (this.#states.get(replyId) !== "playing") return;
    this.audio.pauseReply(replyId);
    this.tracker.setPaused(replyId, true);
    this.#setState(replyId, "paused");
  }

  /** Pauses what plays now. */
  pauseAll() {
    for (const replyId of this.#states.keys()) this.pause(replyId);
  }

  /**
   * Plays one that waits, or goes on with one.
   * @param {string} replyId
   */
  play(replyId) {
    const state = this.#states.get(replyId);
    if (state !== "waiting" && state !== "paused") return;
    this.audio.continueReply(replyId);
    this.tracker.setPaused(replyId, false);
    this.#setState(replyId, "playing");
  }

  /** @param {string} replyId */
  stop(replyId) {
    this.audio.stopReply(replyId);
  }

  stopAll() {
    for (const replyId of this.tracker.openReplies) this.audio.stopReply(replyId);
  }

  /** Stops what plays, and waits until the tracker has reported how much was played. */
  async silence() {
    this.stopAll();
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (this.tracker.openReplies.length > 0 && performance.now() < deadline) {
      await new Promise((done) => window.setTimeout(done, STOP_POLL_MS));
    }
  }

  /** The conversation is over. */
  clear() {
    for (const replyId of [...this.#states.keys()]) this.#setState(replyId, "over");
    this.tracker.clear();
  }

  /**
   * @param {string} replyId
   * @param {ReplyState} state
   */
  #setState(replyId, state) {
    if (state === "over") this.#states.delete(replyId);
    else this.#states.set(replyId, state);
    this.listener.onReplyState(replyId, state);
  }
}
