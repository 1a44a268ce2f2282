/**
 * The microphone: opens it, has a worklet cut it into frames, releases it. Where the browser connects
 * no microphone to a context of that rate, the microphone gets a context of the device's own rate,
 * whose worklet resamples: the frames' rate holds either way.
 *
 * It shares the context that plays wherever it can. A context of its own would run no better where
 * there is no loudspeaker: Firefox then runs none at all, whatever is connected to it.
 */

/** Hz, of microphones; tried where neither the system's default rate nor what the track says fits. */
const DEVICE_RATES = [48_000, 44_100, 16_000];
/** Of the band that is left where the microphone is resampled; two filters of these make 24 dB an octave. */
const RESAMPLED_BAND = 0.45;
const BUTTERWORTH_QS = [0.541, 1.307];
const PROCESSING = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/** Why there is no microphone: keys of the page's words. */
/** @typedef {"denied"|"no_device"|"insecure"|"in_use"|"unplugged"|"failed"} MicrophoneFault */

export class MicrophoneError extends Error {
  /** @param {MicrophoneFault} fault */
  constructor(fault) {
    super(fault);
    this.fault = fault;
  }
}

/**
 * @typedef {object} MicrophoneListener  Points in time are seconds of the clock of the context that it was opened for.
 * @property {(pcm: ArrayBuffer, level: number) => void} onFrame  20 ms, mono s16le; level is its RMS, 0..1.
 * @property {(at: number) => void} onSpeechOnset  The person began to speak.
 * @property {(at: number) => void} onSpeechOffset  The person ceased to speak.
 * @property {() => void} onUnplugged  The microphone is gone.
 */

export class Microphone {
  /** The microphone's own, where it needs one. @type {AudioContext | null} */
  #ownContext = null;
  /** @type {AudioWorkletNode | null} */
  #capture = null;
  /** @type {MediaStream | null} */
  #stream = null;
  /** While it is being opened: who asks again gets the same. @type {Promise<void> | null} */
  #opening = null;
  /** Aborted when it is closed: a device permitted too late is released at once. */
  #closed = new AbortController();
  /** Frames so far. */
  frames = 0;

  /**
   * @param {string} worklet  Address of the capture worklet.
   * @param {MicrophoneListener} listener
   */
  constructor(worklet, listener) {
    this.worklet = worklet;
    this.listener = listener;
  }

  get isOpen() {
    return this.#stream !== null;
  }

  /** Whether the system gives silence in its place. */
  get isMuted() {
    return (this.#stream?.getAudioTracks() ?? []).some((track) => track.muted);
  }

  /**
   * Opens it; throws MicrophoneError.
   * @param {AudioContext} context  Its rate is that of the frames; it has the capture worklet.
   * @param {string} deviceId  Empty: the system's default, which also serves where that device is gone.
   */
  async open(context, deviceId) {
    if (this.#stream) return;
    this.#opening ??= this.#open(context, deviceId);
    await this.#opening;
  }

  /**
   * @param {AudioContext} context
   * @param {string} deviceId
   */
  async #open(context, deviceId) {
    const closed = new AbortController();
    this.#closed = closed;
    try {
      const stream = await requestStream(deviceId);
      try {
        if (!closed.signal.aborted) await this.#connect(context, stream);
      } catch {
        this.close();
      }
      if (closed.signal.aborted) {
        stopTracks(stream);
        throw new MicrophoneError("failed");
      }
      this.#keep(stream);
    } finally {
      if (this.#closed === closed) this.#opening = null;
    }
  }

  /** @param {MediaStream} stream */
  #keep(stream) {
    this.#stream = stream;
    for (const track of stream.getAudioTracks()) {
      track.onended = () => {
        this.close();
        this.listener.onUnplugged();
      };
    }
  }

  /** Releases the microphone; the browser's recording indicator disappears. */
  close() {
    this.#closed.abort();
    this.#opening = null;
    if (this.#stream) stopTracks(this.#stream);
    this.#capture?.disconnect();
    this.#capture = null;
    this.#stream = null;
    void this.#ownContext?.close();
    this.#ownContext = null;
  }

  async resume() {
    await this.#ownContext?.resume();
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   */
  async #connect(context, stream) {
    try {
      this.#capture = this.#createCapture(context.createMediaStreamSource(stream), context);
    } catch {
      // Older Firefoxes connect no microphone to a context of another rate than the device's.
      const { context: own, source } = connectAtOwnRate(stream);
      this.#ownContext = own;
      void own.resume();
      await own.audioWorklet.addModule(this.worklet);
      this.#capture = this.#createCapture(source, context);
    }
  }

  /**
   * @param {MediaStreamAudioSourceNode} source
   * @param {AudioContext} clock  The context whose rate and clock are promised.
   * @returns {AudioWorkletNode}
   */
  #createCapture(source, clock) {
    const { context } = source;
    const rate = clock.sampleRate;
    const capture = new AudioWorkletNode(context, "parley-capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { rate },
    });
    capture.port.onmessage = ({ data }) => {
      if (data.type === "frame") {
        this.frames += 1;
        this.listener.onFrame(data.pcm, data.level);
        return;
      }
      // The two contexts' clocks started at different times.
      const at = context === clock ? data.at : data.at + clock.currentTime - context.currentTime;
      if (data.type === "onset") this.listener.onSpeechOnset(at);
      else this.listener.onSpeechOffset(at);
    };
    bandLimited(source, rate).connect(capture);
    // Its output is silence; connected all the same, because Safari runs no node that leads nowhere.
    capture.connect(context.destination);
    return capture;
  }
}

/**
 * Connects a microphone to a context of its own: at the system's rate, which is that of the output
 * and may be another one, else at the microphone's. Throws where it fits none.
 * @param {MediaStream} stream
 */
function connectAtOwnRate(stream) {
  const said = stream.getAudioTracks()[0]?.getSettings().sampleRate;
  /** @type {unknown} */
  let refused;
  for (const sampleRate of [undefined, ...(said ? [said] : []), ...DEVICE_RATES]) {
    const context = new AudioContext({ latencyHint: "interactive", ...(sampleRate && { sampleRate }) });
    try {
      return { context, source: context.createMediaStreamSource(stream) };
    } catch (error) {
      refused = error;
      void context.close();
    }
  }
  throw refused;
}

/**
 * Without what a lower rate cannot hold, which would come back as noise.
 * @param {AudioNode} source
 * @param {number} rate  Hz, to which it will be resampled.
 * @returns {AudioNode}
 */
function bandLimited(source, rate) {
  const { context } = source;
  if (context.sampleRate <= rate) return source;
  return BUTTERWORTH_QS.reduce((/** @type {AudioNode} */ node, q) => {
    // A low-pass takes its Q in decibels.
    const filter = new BiquadFilterNode(context, { type: "lowpass", frequency: RESAMPLED_BAND * rate, Q: 20 * Math.log10(q) });
    return node.connect(filter);
  }, source);
}

/**
 * @param {string} deviceId
 * @returns {Promise<MediaStream>}
 */
async function requestStream(deviceId) {
  if (!window.isSecureContext || !navigator.mediaDevices) throw new MicrophoneError("insecure");
  try {
    return await requestDevice(deviceId);
  } catch (error) {
    throw new MicrophoneError(faultOf(error));
  }
}

/**
 * @param {string} deviceId
 * @returns {Promise<MediaStream>}
 */
async function requestDevice(deviceId) {
  const { mediaDevices } = navigator;
  if (deviceId === "") return mediaDevices.getUserMedia({ audio: PROCESSING });
  try {
    return await mediaDevices.getUserMedia({ audio: { ...PROCESSING, deviceId: { exact: deviceId } } });
  } catch (error) {
    if (faultOf(error) !== "no_device") throw error;
    return mediaDevices.getUserMedia({ audio: PROCESSING });
  }
}

/** @param {MediaStream} stream */
function stopTracks(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}

/**
 * @param {unknown} error  Thrown by getUserMedia.
 * @returns {MicrophoneFault}
 */
function faultOf(error) {
  // Not every browser's OverconstrainedError is a DOMException.
  const { name = "" } = /** @type {{name?: string}} */ (error ?? {});
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "no_device";
  if (name === "NotReadableError" || name === "AbortError") return "in_use";
  return "failed";
}
