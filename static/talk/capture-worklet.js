/**
 * Captures the microphone. Its option ``rate`` (Hz) is that of the frames; where the context has
 * another one, samples are interpolated, and what ``rate`` cannot hold must be filtered out before.
 * Out: {type: "frame", pcm, level}, 20 ms of mono s16le with its RMS (0..1); {type: "onset", at} and {type: "offset", at}, where speech began and
 * ended by its energy, in seconds of the context's clock, which playback uses as well.
 */

const FRAME_SECONDS = 0.02;
/** Quieter than this is never speech (RMS, full scale 1). */
const MIN_SPEECH_LEVEL = 0.008;
/** Speech is louder than the background by this factor. */
const NOISE_FACTOR = 3;
const ONSET_FRAMES = 3;
const OFFSET_FRAMES = 12;

class Capture extends AudioWorkletProcessor {
  /** @param {{processorOptions?: {rate?: number}}} [options] */
  constructor(options) {
    super();
    const rate = options?.processorOptions?.rate ?? sampleRate;
    this.frameLength = Math.round(rate * FRAME_SECONDS);
    /** Samples of the context from one sample of a frame to the next. */
    this.step = sampleRate / rate;
    /** Where the next one lies in the block, which is preceded by the last sample of the one before. */
    this.position = 0;
    this.previous = 0;
    this.frame = new Int16Array(this.frameLength);
    this.filled = 0;
    this.energy = 0;
    this.noiseLevel = MIN_SPEECH_LEVEL / NOISE_FACTOR;
    this.speaking = false;
    this.loudFrames = 0;
    this.quietFrames = 0;
    this.onsetAt = 0;
    this.lastLoudAt = 0;
  }

  /**
   * @param {Float32Array[][]} inputs
   * @returns {boolean}
   */
  process(inputs) {
    const samples = inputs[0]?.[0];
    if (!samples) return true;
    for (; this.position < samples.length; this.position += this.step) {
      const i = Math.floor(this.position);
      const before = i === 0 ? this.previous : (samples[i - 1] ?? 0);
      const share = this.position - i;
      const here = samples[i] ?? 0;
      const between = this.step === 1 ? here : before + share * (here - before);
      const sample = Math.max(-1, Math.min(1, between));
      this.frame[this.filled] = sample < 0 ? sample * 0x8000 : sample * 0x7fff;
      this.filled += 1;
      this.energy += sample * sample;
      if (this.filled === this.frameLength) this.postFrame(currentTime + (i + 1) / sampleRate);
    }
    this.position -= samples.length;
    this.previous = samples[samples.length - 1] ?? 0;
    return true;
  }

  /** @param {number} at  When the frame ended, in the context's seconds. */
  postFrame(at) {
    const level = Math.sqrt(this.energy / this.frameLength);
    this.detectSpeech(level, at);
    const pcm = this.frame.buffer;
    this.port.postMessage({ type: "frame", pcm, level }, [pcm]);
    this.frame = new Int16Array(this.frameLength);
    this.filled = 0;
    this.energy = 0;
  }

  /**
   * @param {number} level  RMS of the frame.
   * @param {number} at  When the frame ended.
   */
  detectSpeech(level, at) {
    const loud = level > Math.max(MIN_SPEECH_LEVEL, NOISE_FACTOR * this.noiseLevel);
    this.noiseLevel = level < this.noiseLevel ? 0.9 * this.noiseLevel + 0.1 * level : this.noiseLevel * 1.001 + 1e-7;
    if (loud) {
      if (this.loudFrames === 0 && !this.speaking) this.onsetAt = at - FRAME_SECONDS;
      this.loudFrames += 1;
      this.quietFrames = 0;
      this.lastLoudAt = at;
    } else {
      this.loudFrames = 0;
      this.quietFrames += 1;
    }
    if (!this.speaking && this.loudFrames >= ONSET_FRAMES) {
      this.speaking = true;
      this.port.postMessage({ type: "onset", at: this.onsetAt });
    } else if (this.speaking && this.quietFrames >= OFFSET_FRAMES) {
      this.speaking = false;
      this.port.postMessage({ type: "offset", at: this.lastLoudAt });
    }
  }
}

registerProcessor("parley-capture", Capture);
