/**
 * Microphone and loudspeaker: one AudioContext with a capture worklet and a playback worklet. They
 * share its clock, so that times measured in one compare with times of the other. Where the browser
 * connects no microphone to a context of that rate, the microphone gets a context of the device's own
 * rate, whose worklet resamples: what the server was told of the rate holds either way.
 *
 * @import {SoundState} from "./sound-watch.js"
 */

/** Hz. Replies are synthesized at this rate: nothing is resampled, and 48 kHz would double the traffic. */
const RATE = 24_000;
/** Hz, of microphones; tried where neither the system's default rate nor what the track says fits. */
const DEVICE_RATES = [48_000, 44_100, 16_000];
/** Of the band that is left where the microphone is resampled; two filters of these make 24 dB an octave. */
const RESAMPLED_BAND = 0.45;
const BUTTERWORTH_QS = [0.541, 1.307];

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
 * @typedef {object} AudioListener  Points in time are seconds of the AudioContext's clock.
 * @property {(pcm: ArrayBuffer, level: number) => void} onFrame  20 ms of the microphone, mono s16le; level is its RMS, 0..1.
 * @property {(at: number) => void} onSpeechOnset  The person began to speak.
 * @property {(at: number) => void} onSpeechOffset  The person ceased to speak.
 * @property {(replyId: string, at: number) => void} onAudible  The reply's first audible sample is played.
 * @property {(progress: PlaybackProgress) => void} onProgress
 * @property {(end: PlaybackEnd) => void} onEnded
 * @property {() => void} onUnplugged  The microphone is gone.
 * @property {(running: boolean) => void} onRunning  False while the browser wants a click before it plays.
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
  /** The microphone's own, where it needs one. @type {AudioContext | null} */
  #captureContext = null;
  #frames = 0;
  /** @type {AudioWorkletNode | null} */
  #capture = null;
  /** @type {AudioWorkletNode | null} */
  #playback = null;
  /** @type {MediaStream | null} */
  #stream = null;

  /**
   * @param {{capture: string, playback: string}} worklets  Addresses of the two scripts.
   * @param {AudioListener} listener
   */
  constructor(worklets, listener) {
    this.worklets = worklets;
    this.listener = listener;
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
    const tracks = this.#stream?.getAudioTracks() ?? [];
    return {
      running: this.running,
      currentTime: this.#context?.currentTime ?? 0,
      microphone: this.#stream !== null,
      inputMuted: tracks.some((track) => track.muted),
      frames: this.#frames,
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
    playback.connect(context.destination);
    this.#playback = playback;
  }

  /** Opens the microphone; throws MicrophoneError. */
  async openMicrophone() {
    if (this.#stream) return;
    const stream = await requestMicrophone();
    if (!this.#context) {
      for (const track of stream.getTracks()) track.stop();
      throw new MicrophoneError("failed");
    }
    try {
      await this.#connect(stream);
    } catch {
      for (const track of stream.getTracks()) track.stop();
      this.closeMicrophone();
      throw new MicrophoneError("failed");
    }
    this.#stream = stream;
    for (const track of stream.getAudioTracks()) {
      track.onended = () => {
        this.closeMicrophone();
        this.listener.onUnplugged();
      };
    }
  }

  /** @param {MediaStream} stream */
  async #connect(stream) {
    const context = /** @type {AudioContext} */ (this.#context);
    try {
      this.#capture = this.#createCapture(context.createMediaStreamSource(stream));
    } catch {
      // Older Firefoxes connect no microphone to a context of another rate than the device's.
      const { context: own, source } = connectAtOwnRate(stream);
      this.#captureContext = own;
      void own.resume();
      await own.audioWorklet.addModule(this.worklets.capture);
      this.#capture = this.#createCapture(source);
    }
  }

  /**
   * @param {MediaStreamAudioSourceNode} source
   * @returns {AudioWorkletNode}
   */
  #createCapture(source) {
    const { context } = source;
    const capture = new AudioWorkletNode(context, "parley-capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { rate: this.rate },
    });
    capture.port.onmessage = ({ data }) => {
      if (data.type === "frame") {
        this.#frames += 1;
        this.listener.onFrame(data.pcm, data.level);
        return;
      }
      // The two contexts' clocks started at different times.
      const at = context === this.#context ? data.at : data.at + (this.#context?.currentTime ?? 0) - context.currentTime;
      if (data.type === "onset") this.listener.onSpeechOnset(at);
      else this.listener.onSpeechOffset(at);
    };
    bandLimited(source, this.rate).connect(capture);
    // Its output is silence; connected all the same, because Safari runs no node that leads nowhere.
    capture.connect(context.destination);
    return capture;
  }

  /** Releases the microphone; the browser's recording indicator disappears. */
  closeMicrophone() {
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#capture?.disconnect();
    this.#capture = null;
    this.#stream = null;
    void this.#captureContext?.close();
    this.#captureContext = null;
  }

  /** Starts playback after a click, where the browser waited for one. */
  async resume() {
    await Promise.all([this.#context?.resume(), this.#captureContext?.resume()]);
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
  stopReply(replyId) {
    this.#playback?.port.postMessage({ type: "stop", reply: replyId });
  }

  async close() {
    this.closeMicrophone();
    const context = this.#context;
    this.#context = null;
    this.#playback = null;
    await context?.close();
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

/** @returns {Promise<MediaStream>} */
async function requestMicrophone() {
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
 * @param {unknown} error  Thrown by getUserMedia.
 * @returns {MicrophoneFault}
 */
function faultOf(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "no_device";
  if (name === "NotReadableError" || name === "AbortError") return "in_use";
  return "failed";
}
