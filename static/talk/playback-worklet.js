/**
 * Speaks the replies: plays each one's pieces in order and counts the samples that were really
 * rendered. In: {type: "audio", reply, pcm, last} and {type: "stop", reply}. Out: "audible" (the
 * first sample that can be heard), "progress" (every 40 ms while one plays) and "ended".
 */

const START_SECONDS = 0.03;
/** After a gap, gather more before going on, so that it does not stutter. */
const REFILL_SECONDS = 0.12;
const FADE_SECONDS = 0.006;
const PROGRESS_SECONDS = 0.04;
const AUDIBLE = 0.003;

class Reply {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {Int16Array[]} */
    this.pieces = [];
    this.offset = 0;
    this.waiting = 0;
    this.complete = false;
    this.started = false;
    this.need = START_SECONDS * sampleRate;
    this.rendered = 0;
    this.underruns = 0;
    this.audible = false;
    /** Samples of fade that are left, once it is being stopped. */
    this.fade = -1;
  }

  /** @returns {number} The next sample, -1..1; call only while some wait. */
  next() {
    const piece = /** @type {Int16Array} */ (this.pieces[0]);
    const sample = (piece[this.offset] ?? 0) / 0x8000;
    this.offset += 1;
    this.waiting -= 1;
    this.rendered += 1;
    if (this.offset === piece.length) {
      this.pieces.shift();
      this.offset = 0;
    }
    return sample;
  }
}

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    /** @type {Reply[]} */
    this.replies = [];
    /** Replies that ended: a late piece or a second stop means nothing. @type {Set<string>} */
    this.over = new Set();
    this.energy = 0;
    this.sinceProgress = 0;
    this.loudBefore = false;
    /** What a cut leaves behind, fading: a step in the signal would click. */
    this.residue = 0;
    this.port.onmessage = ({ data }) => {
      if (data.type === "audio") this.take(data);
      else this.stop(data.reply);
    };
  }

  /** @param {{reply: string, pcm: ArrayBuffer, last: boolean}} piece */
  take({ reply: id, pcm, last }) {
    if (this.over.has(id)) return;
    let reply = this.replies.find((one) => one.id === id);
    if (!reply) {
      // Replies come one after the other: nothing more of an earlier one will arrive.
      for (const earlier of this.replies) earlier.complete = true;
      reply = new Reply(id);
      this.replies.push(reply);
    }
    if (pcm.byteLength > 0) {
      const samples = new Int16Array(pcm);
      reply.pieces.push(samples);
      reply.waiting += samples.length;
    }
    reply.complete ||= last;
  }

  /** @param {string} id */
  stop(id) {
    if (this.over.has(id)) return;
    const reply = this.replies.find((one) => one.id === id);
    if (reply && reply.fade >= 0) return;
    if (reply === this.replies[0] && reply?.started && reply.waiting > 0) {
      reply.fade = Math.round(FADE_SECONDS * sampleRate);
    } else {
      this.end(reply ?? new Reply(id), currentTime, true);
    }
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   * @returns {boolean}
   */
  process(_inputs, outputs) {
    const out = outputs[0]?.[0];
    if (!out) return true;
    for (let i = 0; i < out.length; i += 1) {
      const sample = this.sample(currentTime + i / sampleRate);
      out[i] = sample;
      this.energy += sample * sample;
    }
    this.sinceProgress += out.length;
    if (this.sinceProgress >= PROGRESS_SECONDS * sampleRate) this.progress();
    return true;
  }

  /**
   * @param {number} at
   * @returns {number}
   */
  sample(at) {
    const reply = this.replies[0];
    if (!reply || !this.flowing(reply, at)) {
      this.residue *= 0.97;
      return Math.abs(this.residue) < 1e-4 ? 0 : this.residue;
    }
    let sample = reply.next();
    if (!reply.audible && Math.abs(sample) > AUDIBLE) {
      reply.audible = true;
      this.port.postMessage({ type: "audible", reply: reply.id, at });
    }
    if (reply.fade >= 0) {
      sample *= reply.fade / (FADE_SECONDS * sampleRate);
      reply.fade -= 1;
    }
    this.residue = sample;
    if (reply.fade === 0 || (reply.complete && reply.waiting === 0)) {
      this.end(reply, at, reply.fade === 0);
    }
    return sample;
  }

  /**
   * Whether the reply has a sample to give now.
   * @param {Reply} reply
   * @param {number} at
   */
  flowing(reply, at) {
    if (reply.waiting === 0) {
      if (reply.complete || reply.fade >= 0) this.end(reply, at, reply.fade >= 0);
      else if (reply.started) {
        reply.started = false;
        reply.underruns += 1;
        reply.need = REFILL_SECONDS * sampleRate;
      }
      return false;
    }
    reply.started ||= reply.complete || reply.waiting >= reply.need;
    return reply.started;
  }

  /**
   * @param {Reply} reply
   * @param {number} at
   * @param {boolean} stopped
   */
  end(reply, at, stopped) {
    this.replies = this.replies.filter((one) => one !== reply);
    this.over.add(reply.id);
    const { id, rendered, underruns } = reply;
    this.port.postMessage({ type: "ended", reply: id, rendered, underruns, at, stopped });
  }

  progress() {
    const reply = this.replies[0];
    const level = Math.sqrt(this.energy / this.sinceProgress);
    if (reply || level > 0 || this.loudBefore) {
      this.port.postMessage({
        type: "progress",
        reply: reply?.id ?? null,
        rendered: reply?.rendered ?? 0,
        underruns: reply?.underruns ?? 0,
        level,
      });
    }
    this.loudBefore = level > 0;
    this.energy = 0;
    this.sinceProgress = 0;
  }
}

registerProcessor("parley-playback", Playback);
