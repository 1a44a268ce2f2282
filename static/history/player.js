/**
 * Plays the whole conversation: one audio element, whose time is the time on the axis.
 *
 * Events: ``place`` whenever the place may have changed, ``state`` when it begins or stops to play,
 * ``failed`` when the sound cannot be had.
 */

/** A silence with less left than this is not worth a jump, ms. */
const WORTH_SKIPPING_MS = 250;

export class Player extends EventTarget {
  /** @type {[number, number][]} */
  silences = [];
  skipsSilence = false;
  /** Where it is without sound, ms. */
  #place = 0;
  #frame = 0;

  /**
   * @param {HTMLAudioElement | null} audio  Null: nothing was recorded; there is a place all the same.
   * @param {number} wholeMs
   */
  constructor(audio, wholeMs) {
    super();
    this.audio = audio;
    this.wholeMs = wholeMs;
    if (!audio) return;
    for (const event of ["play", "playing", "pause", "ended"]) audio.addEventListener(event, () => this.#onState());
    for (const event of ["timeupdate", "seeked"]) audio.addEventListener(event, () => this.#onTime());
    audio.addEventListener("error", () => this.dispatchEvent(new Event("failed")));
  }

  get isPlaying() {
    return this.audio !== null && !this.audio.paused && !this.audio.ended;
  }

  /** Where it is on the axis, ms. */
  get place() {
    return this.audio && this.audio.readyState > 0 ? this.audio.currentTime * 1000 : this.#place;
  }

  /** @param {number} ms */
  seek(ms) {
    this.#place = Math.min(Math.max(ms, 0), this.wholeMs);
    // Before the file is known, this is where it will begin.
    if (this.audio) this.audio.currentTime = this.#place / 1000;
    this.dispatchEvent(new Event("place"));
  }

  /** @param {number} [fromMs]  From here; else from where it is. */
  play(fromMs) {
    if (fromMs !== undefined) this.seek(fromMs);
    else if (this.place >= this.wholeMs - 50) this.seek(0);
    // It is refused where the sound cannot be had, which the element tells, too.
    this.audio?.play().catch(() => {});
  }

  toggle() {
    if (this.isPlaying) this.audio?.pause();
    else this.play();
  }

  /** @param {number} rate */
  setSpeed(rate) {
    if (!this.audio) return;
    // Loading sets the rate back to the default.
    this.audio.defaultPlaybackRate = this.audio.playbackRate = rate;
  }

  #onState() {
    this.dispatchEvent(new Event("state"));
    cancelAnimationFrame(this.#frame);
    if (this.isPlaying) this.#tick();
    else this.dispatchEvent(new Event("place"));
  }

  #tick() {
    this.#onTime();
    this.#frame = requestAnimationFrame(() => this.#tick());
  }

  #onTime() {
    this.#place = this.place;
    if (this.isPlaying && this.skipsSilence && !this.audio?.seeking) this.#skip();
    this.dispatchEvent(new Event("place"));
    if (!this.isPlaying) cancelAnimationFrame(this.#frame);
  }

  #skip() {
    const silence = this.silences.find(([from, to]) => this.#place >= from && this.#place < to - WORTH_SKIPPING_MS);
    if (silence) this.seek(silence[1]);
  }
}
