/**
 * Microphone and loudspeaker: one AudioContext with a capture worklet and a playback worklet. They
 * share its clock, so that times measured in one compare with times of the other.
 *
 * @import {MicrophoneListener} from "./microphone.js"
 * @import {SoundChoices} from "./sound-choices.js"
 * @import {SoundState} from "./sound-watch.js"
 */
import { Microphone, MicrophoneError } from "./microphone.js";
import { SpeakerOutput } from "./speaker-output.js";

/** Hz. Replies are synthesized at this rate: nothing is resampled, and 48 kHz would double the traffic. */
const RATE = 24_000;

/** While somebody speaks over a reply it is played softer: 18 dB. */
const DUCKED_GAIN = 0.125;
const DUCK_SECONDS = 0.02;

/**
 * @typedef {object} PlaybackListener  Points in time are seconds of the AudioContext's clock.
 * @property {(replyId: string, at: number) => void} onAudible  The reply's first audible sample is played.
 * @property {(progress: PlaybackProgress) => void} onProgress
 * @property {(end: PlaybackEnd) => void} onEnded
 * @property {(running: boolean) => void} onRunning  False while the browser wants a click before it plays.
 *
 * @typedef {MicrophoneListener & PlaybackListener} AudioListener
 *
 * @typedef {object} PlaybackProgress
 * @property {string | null} reply  Id of the reply that is played; null in silence.
 * @property {number} rendered  Samples of it that were played.
 * @property {number} underruns
 * @property {number} level  RMS of the last 40 ms, 0..1.
 *
 * @typedef {object} PlaybackEnd
 * @property {string} reply  Id of the reply.
 * @property {number} rendered  Samples of it that were played.
 * @property {number} underruns
 * @property {number} at  When its last sample was played.
 * @property {boolean} stopped  Before its end.
 */

export class AudioIO {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #playback = null;
  /** @type {GainNode | null} */
  #duck = null;
  /** @type {SpeakerOutput | null} */
  #output = null;

  /**
   * @param {{capture: string, playback: string}} worklets  Addresses of the two scripts.
   * @param {SoundChoices} choices  Read when something is opened; see ``applyChoices``.
   * @param {AudioListener} listener
   */
  constructor(worklets, choices, listener) {
    this.worklets = worklets;
    this.choices = choices;
    this.listener = listener;
    this.microphone = new Microphone(worklets.capture, listener);
  }

  /** Hz, of both directions. */
  get rate() {
    return this.#context?.sampleRate ?? RATE;
  }

  /** Seconds, on the clock of everything that is reported with ``at``. */
  get now() {
    return this.#context?.currentTime ?? 0;
  }

  get running() {
    return this.#context?.state === "running";
  }

  /** @returns {SoundState} */
  get state() {
    return {
      running: this.running,
      currentTime: this.#context?.currentTime ?? 0,
      microphone: this.microphone.isOpen,
      inputMuted: this.microphone.isMuted,
      frames: this.microphone.frames,
    };
  }

  /** Opens the context with its playback. Call it from a click or a key: without one, browsers play nothing. */
  async open() {
    if (this.#context) return;
    const context = new AudioContext({ latencyHint: "interactive", sampleRate: RATE });
    this.#context = context;
    context.onstatechange = () => {
      if (this.#context === context) this.listener.onRunning(this.running);
    };
    void context.resume();
    await Promise.all([
      context.audioWorklet.addModule(this.worklets.capture),
      context.audioWorklet.addModule(this.worklets.playback),
    ]);
    const playback = new AudioWorkletNode(context, "parley-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    playback.port.onmessage = ({ data }) => {
      if (data.type === "audible") this.listener.onAudible(data.reply, data.at);
      else if (data.type === "ended") this.listener.onEnded(data);
      else this.listener.onProgress(data);
    };
    this.#output = new SpeakerOutput(context);
    this.#duck = new GainNode(context);
    playback.connect(this.#duck).connect(this.#output.input);
    this.#playback = playback;
    this.applyChoices();
  }

  /** The person chose another loudspeaker or volume. */
  applyChoices() {
    this.#output?.setVolume(this.choices.volume);
    void this.#output?.setSpeaker(this.choices.speaker.id);
  }

  /** Opens the microphone; throws MicrophoneError. */
  async openMicrophone() {
    if (!this.#context) throw new MicrophoneError("failed");
    await this.microphone.open(this.#context, this.choices.microphone.id);
  }

  /** Releases the microphone; the browser's recording indicator disappears. */
  closeMicrophone() {
    this.microphone.close();
  }

  /** Starts playback after a click, where the browser waited for one. */
  async resume() {
    await Promise.all([this.#context?.resume(), this.microphone.resume()]);
  }

  /**
   * @param {string} replyId
   * @param {ArrayBuffer} pcm  Mono s16le at ``rate``; transferred, so that the caller's is empty after.
   * @param {boolean} last  Nothing more of the reply follows.
   */
  enqueueAudio(replyId, pcm, last) {
    this.#playback?.port.postMessage({ type: "audio", reply: replyId, pcm, last }, [pcm]);
  }

  /** @param {string} replyId */
  pauseReply(replyId) {
    this.#playback?.port.postMessage({ type: "pause", reply: replyId });
  }

  /** @param {string} replyId */
  continueReply(replyId) {
    this.#playback?.port.postMessage({ type: "continue", reply: replyId });
  }

  /** @param {string} replyId */
  stopReply(replyId) {
    this.#playback?.port.postMessage({ type: "stop", reply: replyId });
  }

  /**
   * Plays softer, or as before again, without a gap.
   * @param {boolean} ducked
   * @param {number} [afterSeconds]
   */
  setDucked(ducked, afterSeconds = 0) {
    if (!this.#duck) return;
    const { gain } = this.#duck;
    const at = this.now + afterSeconds;
    gain.cancelScheduledValues(this.now);
    gain.setValueAtTime(gain.value, at);
    gain.linearRampToValueAtTime(ducked ? DUCKED_GAIN : 1, at + DUCK_SECONDS);
  }

  async close() {
    this.closeMicrophone();
    const context = this.#context;
    this.#output?.close();
    this.#output = null;
    this.#duck = null;
    this.#context = null;
    this.#playback = null;
    await context?.close();
  }
}
