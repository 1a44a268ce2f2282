/**
 * Watches whether sound really runs while a conversation goes on. Browsers stop an AudioContext
 * without a word: one without an output device stays suspended, another stands still though it
 * says that it runs, a microphone that the system has muted gives silence.
 *
 * @typedef {"suspended"|"no_input"|"input_muted"} SoundFault
 *
 * @typedef {object} SoundState
 * @property {boolean} running  The context that plays says that it runs.
 * @property {number} currentTime  Of that context, in seconds.
 * @property {boolean} microphone  It is open.
 * @property {boolean} inputMuted  The system gives silence in the microphone's place.
 * @property {number} frames  Frames of the microphone so far.
 */

const CHECK_INTERVAL_MS = 500;
/** Checks in a row that find the same before it is said: the first sound may take a moment. */
const CHECKS_UNTIL_SAID = 3;

export class SoundWatch {
  /** @type {SoundState | null} */
  #before = null;
  /** @type {SoundFault | null} */
  #suspected = null;
  #checks = 0;
  /** @type {SoundFault | null} */
  #said = null;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {() => SoundState} read
   * @param {(fault: SoundFault | null) => void} onChange  Null: sound runs again.
   */
  constructor(read, onChange) {
    this.read = read;
    this.onChange = onChange;
  }

  start() {
    if (this.#timer === undefined) this.#timer = window.setInterval(() => this.check(), CHECK_INTERVAL_MS);
  }

  stop() {
    window.clearInterval(this.#timer);
    this.#timer = undefined;
    this.#before = null;
    this.#suspected = null;
    this.#checks = 0;
    this.#say(null);
  }

  /** Compares what there is now with the check before. */
  check() {
    const now = this.read();
    const fault = this.#before && findFault(this.#before, now);
    this.#before = now;
    this.#checks = fault === this.#suspected ? this.#checks + 1 : 1;
    this.#suspected = fault;
    if (!fault || this.#checks >= CHECKS_UNTIL_SAID) this.#say(fault);
  }

  /** @param {SoundFault | null} fault */
  #say(fault) {
    if (fault === this.#said) return;
    this.#said = fault;
    this.onChange(fault);
  }
}

/**
 * @param {SoundState} before
 * @param {SoundState} now
 * @returns {SoundFault | null}
 */
function findFault(before, now) {
  const listened = before.microphone && now.microphone;
  if (listened && now.frames === before.frames) return now.running ? "no_input" : "suspended";
  if (!now.running || now.currentTime === before.currentTime) return "suspended";
  return listened && now.inputMuted ? "input_muted" : null;
}
