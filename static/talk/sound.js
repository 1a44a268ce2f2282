/**
 * The browser's ears and mouth: one AudioContext, a capture worklet and a playback worklet, which
 * share its clock, so that what is measured between them is exact.
 */

/** Replies are made at this rate: at it nothing is resampled, and half of what 48 kHz needs is sent. */
const RATE = 24_000;

/** Why a microphone cannot be had: the names are keys of the page's words. */
/** @typedef {"denied"|"no_device"|"insecure"|"in_use"|"unplugged"|"failed"} MicrophoneFault */

export class MicrophoneError extends Error {
  /** @param {MicrophoneFault} fault */
  constructor(fault) {
    super(fault);
    this.fault = fault;
  }
}

/**
 * @typedef {object} SoundEvents
 * @property {(pcm: ArrayBuffer, level: number) => void} frame  20 ms of mono s16le; level is its RMS, 0..1.
 * @property {(at: number) => void} onset  The person began to speak; times are seconds of the context.
 * @property {(at: number) => void} offset
 * @property {(reply: string, at: number) => void} audible  The reply's first sample that can be heard.
 * @property {(progress: Progress) => void} progress
 * @property {(ended: Ended) => void} ended
 * @property {() => void} unplugged
 * @property {(running: boolean) => void} running  False while the browser wants a click before it plays.
 *
 * @typedef {{reply: string|null, rendered: number, underruns: number, level: number}} Progress
 * @typedef {{reply: string, rendered: number, underruns: number, at: number, stopped: boolean}} Ended
 */

export class Sound {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #capture = null;
  /** @type {AudioWorkletNode | null} */
  #playback = null;
  /** @type {MediaStream | null} */
  #stream = null;

  /**
   * @param {{capture: string, playback: string}} worklets
   * @param {SoundEvents} on
   */
  constructor(worklets, on) {
    this.worklets = worklets;
    this.on = on;
  }

  get rate() {
    return this.#context?.sampleRate ?? RATE;
  }

  get listening() {
    return this.#stream !== null;
  }

  get running() {
    return this.#context?.state === "running";
  }

  /**
   * Gets ready to play. Call it from a click or a key: browsers are silent without one.
   * @param {number | undefined} rate  Undefined: the device's own.
   */
  async open(rate = RATE) {
    if (this.#context) return;
    const context = new AudioContext({ latencyHint: "interactive", sampleRate: rate });
    this.#context = context;
    context.onstatechange = () => {
      if (this.#context === context) this.on.running(this.running);
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
      if (data.type === "audible") this.on.audible(data.reply, data.at);
      else if (data.type === "ended") this.on.ended(data);
      else this.on.progress(data);
    };
    playback.connect(context.destination);
    this.#playback = playback;
  }

  /** Opens the microphone; raises MicrophoneError. */
  async listen() {
    if (this.#stream) return;
    const stream = await microphone();
    if (!this.#context) {
      for (const track of stream.getTracks()) track.stop();
      throw new MicrophoneError("failed");
    }
    try {
      this.#connect(stream);
    } catch {
      // Firefox cannot take a microphone into a context of another rate than the device's.
      await this.close();
      await this.open(undefined);
      this.#connect(stream);
    }
    this.#stream = stream;
    for (const track of stream.getAudioTracks()) {
      track.onended = () => {
        this.deafen();
        this.on.unplugged();
      };
    }
  }

  /** @param {MediaStream} stream */
  #connect(stream) {
    const context = /** @type {AudioContext} */ (this.#context);
    const source = context.createMediaStreamSource(stream);
    const capture = new AudioWorkletNode(context, "parley-capture", {
      channelCount: 1,
      channelCountMode: "explicit",
    });
    capture.port.onmessage = ({ data }) => {
      if (data.type === "frame") this.on.frame(data.pcm, data.level);
      else if (data.type === "onset") this.on.onset(data.at);
      else this.on.offset(data.at);
    };
    source.connect(capture);
    // It gives silence; connected all the same, because Safari runs no node that leads nowhere.
    capture.connect(context.destination);
    this.#capture = capture;
  }

  /** Gives the microphone back; the browser's sign of it goes out. */
  deafen() {
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#capture?.disconnect();
    this.#capture = null;
    this.#stream = null;
  }

  /** After a click, where the browser waited for one. */
  async resume() {
    await this.#context?.resume();
  }

  /**
   * @param {string} reply
   * @param {ArrayBuffer} pcm  Mono s16le at ``rate``; it is taken over.
   * @param {boolean} last
   */
  play(reply, pcm, last) {
    this.#playback?.port.postMessage({ type: "audio", reply, pcm, last }, [pcm]);
  }

  /** @param {string} reply */
  stop(reply) {
    this.#playback?.port.postMessage({ type: "stop", reply });
  }

  async close() {
    this.deafen();
    const context = this.#context;
    this.#context = null;
    this.#playback = null;
    await context?.close();
  }
}

/** @returns {Promise<MediaStream>} */
async function microphone() {
  if (!window.isSecureContext || !navigator.mediaDevices) throw new MicrophoneError("insecure");
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
    });
  } catch (error) {
    throw new MicrophoneError(faultOf(error));
  }
}

/**
 * @param {unknown} error
 * @returns {MicrophoneFault}
 */
function faultOf(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "no_device";
  if (name === "NotReadableError" || name === "AbortError") return "in_use";
  return "failed";
}
