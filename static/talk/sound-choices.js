/**
 * What the person chose of sound. This browser remembers it and the server does not: devices differ
 * from machine to machine, and their ids from browser to browser.
 *
 * @typedef {object} DeviceChoice
 * @property {string} id  Of this browser; empty for the system's default.
 * @property {string} label  Finds the device again where its id has changed.
 *
 * @typedef {object} SoundChoices
 * @property {DeviceChoice} microphone
 * @property {DeviceChoice} speaker
 * @property {number} volume  0..1
 * @property {boolean} byHand  Replies wait until the person plays them.
 */

const KEY = "parley.sound";

/** @returns {SoundChoices} */
export function loadSoundChoices() {
  const kept = readKept();
  const { volume, byHand } = kept;
  return {
    microphone: toDevice(kept.microphone),
    speaker: toDevice(kept.speaker),
    volume: typeof volume === "number" && volume >= 0 && volume <= 1 ? volume : 1,
    byHand: byHand === true,
  };
}

/** @param {SoundChoices} choices */
export function saveSoundChoices(choices) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choices));
  } catch {
    // A browser that keeps nothing: they still hold on this page.
  }
}

/** @returns {Record<string, unknown>}  Whatever an earlier version, or a person, has left there. */
function readKept() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {};
  }
}

/**
 * @param {unknown} kept
 * @returns {DeviceChoice}
 */
function toDevice(kept) {
  const { id, label } = /** @type {Record<string, unknown>} */ (kept ?? {});
  return typeof id === "string" && typeof label === "string" ? { id, label } : { id: "", label: "" };
}
