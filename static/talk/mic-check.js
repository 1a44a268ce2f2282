/**
 * The microphone check: listens for some seconds, says what it heard and what to do, and plays it back
 * through the chosen loudspeaker. Nothing of it leaves this page.
 *
 * @import {ClipPlayer} from "./clip-player.js"
 * @import {Words} from "./i18n.js"
 * @import {FrameLoudness} from "./mic-verdict.js"
 * @import {SessionState} from "./session.js"
 * @import {SoundChoices} from "./sound-choices.js"
 */
import { toWav } from "./clip-player.js";
import { findElement } from "./dom.js";
import { loudness } from "./level-meter.js";
import { isClipped, judgeMicrophone } from "./mic-verdict.js";
import { Microphone, MicrophoneError } from "./microphone.js";

/** Hz. As in a conversation, so that one sounds as there. */
const RATE = 24_000;
/** Of 20 ms: four seconds. */
const FRAMES = 200;
/** A browser whose sound does not run gives no frames at all: what there is by then is judged. */
const PATIENCE_MS = 7_000;

export class MicCheck {
  /** Ends the check that is going on. @type {AbortController | null} */
  #running = null;
  /** What was heard last. @type {Blob | null} */
  #heard = null;

  /**
   * @param {HTMLElement} root
   * @param {Words} words
   * @param {string} worklet  Address of the capture worklet.
   * @param {SoundChoices} choices
   * @param {ClipPlayer} clips
   * @param {() => void} onOpened  The microphone was given: devices have names from now on.
   */
  constructor(root, words, worklet, choices, clips, onOpened) {
    this.words = words;
    this.worklet = worklet;
    this.choices = choices;
    this.clips = clips;
    this.onOpened = onOpened;
    const part = findElement(root, "[data-mic-check]", HTMLElement);
    this.part = part;
    this.button = findElement(part, "[data-mic-check-start]", HTMLButtonElement);
    this.again = findElement(part, "[data-mic-check-again]", HTMLButtonElement);
    this.said = findElement(part, "[data-mic-check-said]", HTMLElement);
    this.button.addEventListener("click", () => {
      if (this.part.dataset.check === "idle") void this.#start();
      else this.stop();
    });
    this.again.addEventListener("click", () => this.#playBack());
  }

  /** @param {SessionState} state  While a conversation goes on, the agent would be told what is said here. */
  onSessionState({ phase }) {
    if (phase !== "idle") this.stop();
    this.button.disabled = phase !== "idle";
  }

  /** Ends it, and what it plays. */
  stop() {
    const { check } = this.part.dataset;
    if (check === "playing") this.clips.stop();
    else if (check !== "idle") {
      this.#running?.abort();
      this.#running = null;
      this.#draw("idle", "");
    }
  }

  async #start() {
    const running = new AbortController();
    this.#running = running;
    this.clips.stop();
    this.#heard = null;
    this.again.hidden = true;
    this.#draw("opening", this.words.check_opening);
    try {
      const { pieces, frames } = await this.#listen(running.signal);
      if (running.signal.aborted) return;
      this.#running = null;
      const verdict = judgeMicrophone(frames);
      this.part.dataset.verdict = verdict;
      this.#draw("idle", this.words[`check_${verdict}`]);
      if (verdict === "nothing") return;
      this.#heard = toWav(pieces, RATE);
      this.#playBack();
    } catch (error) {
      if (running.signal.aborted) return;
      this.#running = null;
      const fault = error instanceof MicrophoneError ? error.fault : "failed";
      this.#draw("idle", this.words[`mic_${fault}`]);
    }
  }

  /**
   * @param {AbortSignal} stopped
   * @returns {Promise<{pieces: ArrayBuffer[], frames: FrameLoudness[]}>}
   */
  async #listen(stopped) {
    const context = new AudioContext({ sampleRate: RATE });
    /** @type {ArrayBuffer[]} */
    const pieces = [];
    /** @type {FrameLoudness[]} */
    const frames = [];
    /** @type {(fault?: MicrophoneError) => void} */
    let end = () => {};
    const ended = new Promise((/** @type {(fault?: MicrophoneError) => void} */ resolve) => {
      end = resolve;
    });
    const microphone = new Microphone(this.worklet, {
      onFrame: (pcm, level) => {
        pieces.push(pcm);
        frames.push({ level, clipped: isClipped(new Int16Array(pcm)) });
        this.part.style.setProperty("--level", loudness(level).toFixed(3));
        if (frames.length === FRAMES) end();
      },
      onSpeechOnset: () => {},
      onSpeechOffset: () => {},
      onUnplugged: () => end(new MicrophoneError("unplugged")),
    });
    stopped.addEventListener("abort", () => {
      microphone.close();
      end();
    });
    try {
      await this.#open(context, microphone);
      if (!stopped.aborted) this.#draw("listening", this.words.check_listening);
      window.setTimeout(end, PATIENCE_MS);
      const fault = await ended;
      if (fault) throw fault;
    } finally {
      microphone.close();
      void context.close();
    }
    return { pieces, frames };
  }

  /**
   * @param {AudioContext} context
   * @param {Microphone} microphone
   */
  async #open(context, microphone) {
    void context.resume();
    await context.audioWorklet.addModule(this.worklet);
    await microphone.open(context, this.choices.microphone.id);
    this.onOpened();
  }

  #playBack() {
    if (!this.#heard) return;
    this.again.hidden = true;
    this.#draw("playing");
    void this.clips.play(this.#heard, () => {
      if (this.part.dataset.check !== "playing") return;
      this.again.hidden = false;
      this.#draw("idle");
    });
  }

  /**
   * @param {"idle"|"opening"|"listening"|"playing"} state
   * @param {string} [text]  Said; what was said before stays without it.
   */
  #draw(state, text) {
    this.part.dataset.check = state;
    this.part.style.setProperty("--level", "0");
    this.button.textContent = (state === "idle" ? this.words.check_start : this.words.check_stop) ?? "";
    if (text !== undefined) this.said.textContent = text;
    if (state === "opening" || state === "listening") delete this.part.dataset.verdict;
  }
}
