/**
 * Plays one clip of sound at a time through the chosen loudspeaker: the microphone check, a reply once
 * more. What it plays counts for nothing: it is not part of the conversation.
 *
 * @import {SoundChoices} from "./sound-choices.js"
 * @import {SinkChooser} from "./speaker-output.js"
 *
 * @typedef {"played"|"stopped"|"failed"} ClipEnd  Failed: it is not there, or cannot be played.
 */
import { gainOf } from "./speaker-output.js";

const WAV_HEADER_BYTES = 44;

export class ClipPlayer {
  /** @type {HTMLAudioElement & SinkChooser} */
  #element = new Audio();
  /** What to do when the clip is over. @type {((end: ClipEnd) => void) | null} */
  #onOver = null;
  /** Of the clip, where it is held in memory. */
  #address = "";

  /** @param {SoundChoices} choices */
  constructor(choices) {
    this.choices = choices;
    this.#element.onended = () => this.#end("played");
    this.#element.onerror = () => this.#end("failed");
  }

  /**
   * Plays a clip; the one before is stopped.
   * @param {Blob | string} clip  Or its address.
   * @param {(end: ClipEnd) => void} onOver  Called once.
   */
  async play(clip, onOver) {
    this.stop();
    this.#onOver = onOver;
    if (clip instanceof Blob) this.#address = URL.createObjectURL(clip);
    this.#element.src = clip instanceof Blob ? this.#address : clip;
    await this.applyChoices();
    if (this.#onOver !== onOver) return;
    try {
      await this.#element.play();
    } catch {
      if (this.#onOver === onOver) this.#end("failed");
    }
  }

  stop() {
    if (this.#onOver) this.#end("stopped");
  }

  /** The person chose another loudspeaker or volume. */
  async applyChoices() {
    this.#element.volume = gainOf(this.choices.volume);
    try {
      await this.#element.setSinkId?.(this.choices.speaker.id);
    } catch {
      // It is gone: the system's default plays.
      await this.#element.setSinkId?.("");
    }
  }

  /** @param {ClipEnd} end */
  #end(end) {
    const onOver = this.#onOver;
    this.#onOver = null;
    this.#element.pause();
    this.#element.removeAttribute("src");
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = "";
    onOver?.(end);
  }
}

/**
 * @param {ArrayBuffer[]} pieces  Mono s16le.
 * @param {number} rate  Hz
 * @returns {Blob} A WAV file.
 */
export function toWav(pieces, rate) {
  const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const view = new DataView(new ArrayBuffer(WAV_HEADER_BYTES));
  const write = (/** @type {number} */ at, /** @type {string} */ text) => {
    for (let i = 0; i < text.length; i += 1) view.setUint8(at + i, text.charCodeAt(i));
  };
  write(0, "RIFF");
  view.setUint32(4, WAV_HEADER_BYTES - 8 + length, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the format that follows
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); // bytes a frame
  view.setUint16(34, 16, true); // bits a sample
  write(36, "data");
  view.setUint32(40, length, true);
  return new Blob([view, ...pieces], { type: "audio/wav" });
}
