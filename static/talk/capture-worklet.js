/**
 * Hears the microphone: cuts 20 ms frames of mono s16le at the context's rate, tells their level,
 * and finds by energy where speech begins and ends, in the clock that playback uses as well.
 */

const FRAME_SECONDS = 0.02;
/** Quieter than this is never speech (RMS, full scale 1). */
const QUIETEST_SPEECH = 0.008;
const ABOVE_NOISE = 3;
const ONSET_FRAMES = 3;
const OFFSET_FRAMES = 12;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.length = Math.round(sampleRate * FRAME_SECONDS);
    this.frame = new Int16Array(this.length);
    this.filled = 0;
    this.energy = 0;
    this.noise = QUIETEST_SPEECH / ABOVE_NOISE;
    this.speaking = false;
    this.loud = 0;
    this.quiet = 0;
    this.onsetAt = 0;
    this.loudUntil = 0;
  }

  /**
   * @param {Float32Array[][]} inputs
   * @returns {boolean}
   */
  process(inputs) {
    const samples = inputs[0]?.[0];
    if (!samples) return true;
    for (let i = 0; i < samples.length; i += 1) {
      const sample = Math.max(-1, Math.min(1, samples[i] ?? 0));
      this.frame[this.filled] = sample < 0 ? sample * 0x8000 : sample * 0x7fff;
      this.filled += 1;
      this.energy += sample * sample;
      if (this.filled === this.length) this.complete(currentTime + (i + 1) / sampleRate);
    }
    return true;
  }

  /** @param {number} at  When the frame ended, in the context's seconds. */
  complete(at) {
    const level = Math.sqrt(this.energy / this.length);
    this.follow(level, at);
    const pcm = this.frame.buffer;
    this.port.postMessage({ type: "frame", pcm, level }, [pcm]);
    this.frame = new Int16Array(this.length);
    this.filled = 0;
    this.energy = 0;
  }

  /**
   * @param {number} level
   * @param {number} at
   */
  follow(level, at) {
    const loud = level > Math.max(QUIETEST_SPEECH, ABOVE_NOISE * this.noise);
    this.noise = level < this.noise ? 0.9 * this.noise + 0.1 * level : this.noise * 1.001 + 1e-7;
    if (loud) {
      if (this.loud === 0 && !this.speaking) this.onsetAt = at - FRAME_SECONDS;
      this.loud += 1;
      this.quiet = 0;
      this.loudUntil = at;
    } else {
      this.loud = 0;
      this.quiet += 1;
    }
    if (!this.speaking && this.loud >= ONSET_FRAMES) {
      this.speaking = true;
      this.port.postMessage({ type: "onset", at: this.onsetAt });
    } else if (this.speaking && this.quiet >= OFFSET_FRAMES) {
      this.speaking = false;
      this.port.postMessage({ type: "offset", at: this.loudUntil });
    }
  }
}

registerProcessor("parley-capture", Capture);
