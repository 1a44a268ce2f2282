/**
 * Microphone and loudspeaker: one AudioContext with a capture worklet and a playback worklet. They
 * share its clock, so that times measured in one compare with times of the other.
 */

/** Hz. Replies are synthesized at this rate: nothing is resampled, and 48 kHz would double the traffic. */
const RATE = 24_000;

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

  /**
   * Opens the context with its playback. Call it from a click or a key: without one, browsers play
   * nothing.
   * @param {number | undefined} rate  Hz; undefined for the device's own.
   */
  async open(rate = RATE) {
    if (this.#context) return;
    const context = new AudioContext({ latencyHint: "interactive", sampleRate: rate });
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
      this.#connect(stream);
    } catch {
      // Firefox connects no microphone to a context of another rate than the device's.
      await this.close();
      await this.open(undefined);
      this.#connect(stream);
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
  #connect(stream) {
    const context = /** @type {AudioContext} */ (this.#context);
    const source = context.createMediaStreamSource(stream);
    const capture = new AudioWorkletNode(context, "parley-capture", {
      channelCount: 1,
      channelCountMode: "explicit",
    });
    capture.port.onmessage = ({ data }) => {
      if (data.type === "frame") this.listener.onFrame(data.pcm, data.level);
      else if (data.type === "onset") this.listener.onSpeechOnset(data.at);
      else this.listener.onSpeechOffset(data.at);
    };
    source.connect(capture);
    // Its output is silence; connected all the same, because Safari runs no node that leads nowhere.
    capture.connect(context.destination);
    this.#capture = capture;
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
  }

  /** Starts playback after a click, where the browser waited for one. */
  async resume() {
    await this.#context?.resume();
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
