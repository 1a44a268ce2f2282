/**
 * What a few seconds of the microphone tell of it.
 *
 * @typedef {{level: number, clipped: boolean}} FrameLoudness  Of a frame of 20 ms; level is its RMS, 0..1.
 * @typedef {"nothing"|"clipping"|"quiet"|"noise"|"good"} MicVerdict
 */

/** Quieter than this is a microphone that gives nothing: the noise of the poorest is louder. */
const SILENCE_LEVEL = 0.0003;
/** Speech below this is easily taken for background. */
const QUIET_LEVEL = 0.012;
/** Of 16 bits. A single sample up there is what the browser's own gain control does; a run of them is cut off. */
const FULL_SCALE = 32_700;
const CLIPPED_RUN = 3;
/** One frame may be a knock on the table. */
const CLIPPED_FRAMES = 3;
/** Speech has pauses: its loud frames are louder than its quiet ones by more than this. Hum and hiss are even. */
const SPEECH_CONTRAST = 2;
/** Shares of the frames: the loudest 200 ms of four seconds, and the quietest tenth. */
const LOUD_SHARE = 0.95;
const FLOOR_SHARE = 0.1;

/** @param {Int16Array} samples  Of a frame. */
export function isClipped(samples) {
  let run = 0;
  for (const sample of samples) {
    run = Math.abs(sample) >= FULL_SCALE ? run + 1 : 0;
    if (run === CLIPPED_RUN) return true;
  }
  return false;
}

/**
 * @param {FrameLoudness[]} frames
 * @returns {MicVerdict}
 */
export function judgeMicrophone(frames) {
  const levels = frames.map(({ level }) => level).sort((a, b) => a - b);
  const loud = levels[Math.min(levels.length - 1, Math.floor(LOUD_SHARE * levels.length))] ?? 0;
  const floor = levels[Math.floor(FLOOR_SHARE * levels.length)] ?? 0;
  if (loud < SILENCE_LEVEL) return "nothing";
  if (frames.filter(({ clipped }) => clipped).length >= CLIPPED_FRAMES) return "clipping";
  if (loud < SPEECH_CONTRAST * floor) return "noise";
  return loud < QUIET_LEVEL ? "quiet" : "good";
}
