/**
 * What a few seconds of the microphone tell of it.
 *
 * @typedef {{level: number, peak: number}} FrameLoudness  Of a frame of 20 ms: RMS and highest amplitude, 0..1.
 * @typedef {"nothing"|"clipping"|"quiet"|"noise"|"good"} MicVerdict
 */

/** Quieter than this is a microphone that gives nothing: the noise of the poorest is louder. */
const SILENCE_LEVEL = 0.0003;
/** Speech below this is easily taken for background: twice what ever counts as loud in the worklet would be safe. */
const QUIET_LEVEL = 0.012;
const CLIPPED_AMPLITUDE = 0.985;
/** One frame may be a knock on the table. */
const CLIPPED_FRAMES = 3;
/** Speech has pauses: its loud frames are louder than its quiet ones by more than this. Hum and hiss are even. */
const SPEECH_CONTRAST = 2;
/** Shares of the frames: the loudest 200 ms of four seconds, and the quietest tenth. */
const LOUD_SHARE = 0.95;
const FLOOR_SHARE = 0.1;

/**
 * @param {FrameLoudness[]} frames
 * @returns {MicVerdict}
 */
export function judgeMicrophone(frames) {
  const levels = frames.map(({ level }) => level).sort((a, b) => a - b);
  const loud = levels[Math.min(levels.length - 1, Math.floor(LOUD_SHARE * levels.length))] ?? 0;
  const floor = levels[Math.floor(FLOOR_SHARE * levels.length)] ?? 0;
  if (loud < SILENCE_LEVEL) return "nothing";
  if (frames.filter(({ peak }) => peak >= CLIPPED_AMPLITUDE).length >= CLIPPED_FRAMES) return "clipping";
  if (loud < SPEECH_CONTRAST * floor) return "noise";
  return loud < QUIET_LEVEL ? "quiet" : "good";
}
