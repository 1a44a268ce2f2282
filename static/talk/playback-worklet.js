/**
 * Plays the replies one after the other and counts the samples that were really rendered. ``reply``
 * is a reply's id, ``at`` seconds of the context's clock.
 * In: {type: "audio", reply, pcm, last}; {type: "pause" | "continue" | "stop", reply}: one may be
 * paused before its first audio comes. Out: {type: "audible", reply, at}, the first sample that can be
 * heard; {type: "progress", reply, rendered, underruns, level} every 40 ms while one plays, and when
 * one is paused; {type: "ended", reply, rendered, underruns, at, stopped}.
 */

/** Buffered before a reply starts. */
const PREBUFFER_SECONDS = 0.03;
/** Buffered before it goes on after a gap: more, so that it does not stutter. */
const REBUFFER_SECONDS = 0.12;
const FADE_SECONDS = 0.006;
const PROGRESS_SECONDS = 0.04;
/** The lowest amplitude that counts as audible, full scale 1. */
const AUDIBLE_AMPLITUDE = 0.003;

class Reply {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {Int16Array[]} */
    this.chunks = [];
    this.offset = 0;
    this.bufferedSamples = 0;
    this.complete = false;
    this.started = false;
    this.paused = false;
    /** Samples left of the fade-in, after a pause. */
    this.fadeInLeft = 0;
    this.neededSamples = PREBUFFER_SECONDS * sampleRate;
    this.rendered = 0;
    this.underruns = 0;
    this.audible = false;
    /** Samples left of the fade-out, once it is being stopped; -1 before. */
    this.fadeLeft = -1;
  }

  /** @returns {number} The next sample, -1..1; call it only while some are buffered. */
  nextSample() {
    const chunk = /** @type {Int16Array} */ (this.chunks[0]);
    const sample = (chunk[this.offset] ?? 0) / 0x8000;
    this.offset += 1;
    this.bufferedSamples -= 1;
    this.rendered += 1;
    if (this.offset === chunk.length) {
      this.chunks.shift();
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
    /** Ids of replies that ended: a late chunk or a second stop of one is ignored. @type {Set<string>} */
    this.ended = new Set();
    this.energy = 0;
    this.samplesSinceProgress = 0;
    this.wasLoud = false;
    /** The last sample, fading while nothing plays: a step in the signal would click. */
    this.residue = 0;
    this.port.onmessage = ({ data }) => {
      if (data.type === "audio") this.enqueueAudio(data);
      else if (data.type === "pause") this.pauseReply(data.reply);
      else if (data.type === "continue") this.continueReply(data.reply);
      else this.stopReply(data.reply);
    };
  }

  /** @param {{reply: string, pcm: ArrayBuffer, last: boolean}} chunk */
  enqueueAudio({ reply: id, pcm, last }) {
    if (this.ended.has(id)) return;
    const reply = this.replyOf(id);
    if (pcm.byteLength > 0) {
      const samples = new Int16Array(pcm);
      reply.chunks.push(samples);
      reply.bufferedSamples += samples.length;
    }
    reply.complete ||= last;
  }

  /**
   * @param {string} id
   * @returns {Reply}
   */
  replyOf(id) {
    const found = this.replies.find((one) => one.id === id);
    if (found) return found;
    // Replies come one after the other: nothing more of an earlier one will arrive.
    for (const earlier of this.replies) earlier.complete = true;
    const reply = new Reply(id);
    this.replies.push(reply);
    return reply;
  }

  /** @param {string} id */
  pauseReply(id) {
    if (this.ended.has(id)) return;
    const reply = this.replyOf(id);
    reply.paused = true;
    const { rendered, underruns } = reply;
    this.port.postMessage({ type: "progress", reply: id, rendered, underruns, level: 0 });
  }

  /** @param {string} id */
  continueReply(id) {
    const reply = this.replies.find((one) => one.id === id);
    if (!reply?.paused) return;
    reply.paused = false;
    if (reply.rendered > 0) reply.fadeInLeft = Math.round(FADE_SECONDS * sampleRate);
  }

  /** @param {string} id */
  stopReply(id) {
    if (this.ended.has(id)) return;
    const reply = this.replies.find((one) => one.id === id);
    if (reply && reply.fadeLeft >= 0) return;
    if (reply === this.replies[0] && reply?.started && !reply.paused && reply.bufferedSamples > 0) {
      reply.fadeLeft = Math.round(FADE_SECONDS * sampleRate);
    } else {
      this.endReply(reply ?? new Reply(id), currentTime, true);
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
      const sample = this.renderSample(currentTime + i / sampleRate);
      out[i] = sample;
      this.energy += sample * sample;
    }
    this.samplesSinceProgress += out.length;
    if (this.samplesSinceProgress >= PROGRESS_SECONDS * sampleRate) this.postProgress();
    return true;
  }

  /**
   * @param {number} at
   * @returns {number}
   */
  renderSample(at) {
    const reply = this.replies[0];
    if (!reply || !this.canPlay(reply, at)) {
      this.residue *= 0.97;
      return Math.abs(this.residue) < 1e-4 ? 0 : this.residue;
    }
    let sample = reply.nextSample();
    if (!reply.audible && Math.abs(sample) > AUDIBLE_AMPLITUDE) {
      reply.audible = true;
      this.port.postMessage({ type: "audible", reply: reply.id, at });
    }
    if (reply.fadeInLeft > 0) {
      sample *= 1 - reply.fadeInLeft / (FADE_SECONDS * sampleRate);
      reply.fadeInLeft -= 1;
    }
    if (reply.fadeLeft >= 0) {
      sample *= reply.fadeLeft / (FADE_SECONDS * sampleRate);
      reply.fadeLeft -= 1;
    }
    this.residue = sample;
    if (reply.fadeLeft === 0 || (reply.complete && reply.bufferedSamples === 0)) {
      this.endReply(reply, at, reply.fadeLeft === 0);
    }
    return sample;
  }

  /**
   * Whether the reply has a sample to play now; counts an underrun, ends a reply that has none left.
   * @param {Reply} reply
   * @param {number} at
   */
  canPlay(reply, at) {
    // One that is being stopped still fades out, paused or not.
    if (reply.paused && reply.fadeLeft < 0) return false;
    if (reply.bufferedSamples === 0) {
      if (reply.complete || reply.fadeLeft >= 0) this.endReply(reply, at, reply.fadeLeft >= 0);
      else if (reply.started) {
        reply.started = false;
        reply.underruns += 1;
        reply.neededSamples = REBUFFER_SECONDS * sampleRate;
      }
      return false;
    }
    reply.started ||= reply.complete || reply.bufferedSamples >= reply.neededSamples;
    return reply.started;
  }

  /**
   * @param {Reply} reply
   * @param {number} at
   * @param {boolean} stopped
   */
  endReply(reply, at, stopped) {
    this.replies = this.replies.filter((one) => one !== reply);
    this.ended.add(reply.id);
    const { id, rendered, underruns } = reply;
    this.port.postMessage({ type: "ended", reply: id, rendered, underruns, at, stopped });
  }

  postProgress() {
    const reply = this.replies[0];
    const level = Math.sqrt(this.energy / this.samplesSinceProgress);
    if (reply || level > 0 || this.wasLoud) {
      this.port.postMessage({
        type: "progress",
        reply: reply?.id ?? null,
        rendered: reply?.rendered ?? 0,
        underruns: reply?.underruns ?? 0,
        level,
      });
    }
    this.wasLoud = level > 0;
    this.energy = 0;
    this.samplesSinceProgress = 0;
  }
}

registerProcessor("parley-playback", Playback);
