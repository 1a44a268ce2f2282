/**
 * Where a context's sound goes: through a volume to the loudspeaker that the person has chosen.
 * Chromium gives a context its loudspeaker; Firefox gives one to media elements alone, so there the
 * sound leads through one, but only where a loudspeaker was chosen: the way is a little longer.
 */

/** @typedef {{setSinkId?: (id: string) => Promise<void>}} SinkChooser  Not in every browser. */

/** Whether this browser lets a page choose a loudspeaker. */
export function canChooseSpeaker() {
  return [AudioContext, HTMLMediaElement].some(({ prototype }) => "setSinkId" in prototype);
}

/**
 * Loudness as people judge it is not proportional to amplitude.
 * @param {number} volume  0..1
 * @returns {number} A factor of amplitude.
 */
export function gainOf(volume) {
  return volume * volume;
}

export class SpeakerOutput {
  /** @type {HTMLAudioElement | null} */
  #element = null;

  /** @param {AudioContext & SinkChooser} context */
  constructor(context) {
    this.context = context;
    /** Connect here what is to be heard. */
    this.input = new GainNode(context);
    this.input.connect(context.destination);
  }

  /** @param {number} volume  0..1 */
  setVolume(volume) {
    this.input.gain.value = gainOf(volume);
  }

  /**
   * Plays through this loudspeaker, and where it is not there, through the system's default.
   * @param {string} deviceId  Empty: the default.
   */
  async setSpeaker(deviceId) {
    try {
      await this.#setSink(deviceId);
    } catch {
      if (this.#element) this.#leadDirectly();
      else if (deviceId !== "") await this.setSpeaker("");
    }
  }

  /** @param {string} deviceId */
  async #setSink(deviceId) {
    if (this.context.setSinkId) {
      await this.context.setSinkId(deviceId);
      return;
    }
    if (this.#element === null && deviceId === "") return;
    const element = this.#element ?? this.#leadThroughElement();
    await /** @type {SinkChooser} */ (element).setSinkId?.(deviceId);
    await element.play();
  }

  #leadThroughElement() {
    const stream = new MediaStreamAudioDestinationNode(this.context);
    this.input.disconnect();
    this.input.connect(stream);
    const element = new Audio();
    element.srcObject = stream.stream;
    this.#element = element;
    return element;
  }

  #leadDirectly() {
    this.close();
    this.input.disconnect();
    this.input.connect(this.context.destination);
  }

  close() {
    if (!this.#element) return;
    this.#element.srcObject = null;
    this.#element = null;
  }
}
