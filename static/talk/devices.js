/**
 * The pickers of microphone and loudspeaker, the volume, and the switch by which replies wait. What is
 * chosen holds at once, and this browser remembers it.
 *
 * @import {Words} from "./i18n.js"
 * @import {DeviceChoice, SoundChoices} from "./sound-choices.js"
 *
 * @typedef {"microphone"|"speaker"} DeviceUse
 * @typedef {Pick<MediaDeviceInfo, "deviceId"|"label"|"kind">} Device
 * @typedef {{selectAudioOutput?: () => Promise<MediaDeviceInfo>}} SpeakerRequester  Firefox alone.
 *
 * @typedef {object} DeviceListener
 * @property {(use: DeviceUse) => void} onChosen  Or the one that was chosen is there again.
 * @property {() => void} onVolume
 * @property {(use: DeviceUse, label: string | null) => void} onLost  The chosen one is gone; null: there again, or another one was chosen.
 */
import { findElement } from "./dom.js";
import { formatText } from "./i18n.js";
import { saveSoundChoices } from "./sound-choices.js";
import { canChooseSpeaker } from "./speaker-output.js";

/** @type {Record<DeviceUse, MediaDeviceKind>} */
const KINDS = { microphone: "audioinput", speaker: "audiooutput" };
/** Chromium lists the system's default ones once more, under these ids. */
const ALIASES = ["default", "communications"];

/**
 * The device that was chosen: by its id, or, where the browser has made new ids, by its name.
 * @param {Device[]} devices
 * @param {DeviceChoice} choice
 */
export function findDevice(devices, { id, label }) {
  if (id === "") return undefined;
  return devices.find((one) => one.deviceId === id) ?? devices.find((one) => label !== "" && one.label === label);
}

/**
 * Those of a kind that can be told apart: without leave to use a microphone, browsers give no ids.
 * @param {Device[]} devices
 * @param {DeviceUse} use
 */
export function usableDevices(devices, use) {
  return devices.filter(({ kind, deviceId }) => kind === KINDS[use] && deviceId !== "" && !ALIASES.includes(deviceId));
}

export class DevicePickers {
  /** @type {Record<DeviceUse, boolean>} */
  #lost = { microphone: false, speaker: false };

  /**
   * @param {HTMLElement} root
   * @param {Words} words
   * @param {SoundChoices} choices  Changed as the person chooses.
   * @param {DeviceListener} listener
   */
  constructor(root, words, choices, listener) {
    this.words = words;
    this.choices = choices;
    this.listener = listener;
    const part = findElement(root, "[data-sound]", HTMLElement);
    this.pickers = {
      microphone: findElement(part, "[data-device=microphone]", HTMLSelectElement),
      speaker: findElement(part, "[data-device=speaker]", HTMLSelectElement),
    };
    this.speakerField = findElement(part, "[data-speaker-field]", HTMLElement);
    this.speakerRequest = findElement(part, "[data-speaker-request]", HTMLButtonElement);
    this.noSpeakers = findElement(part, "[data-no-speakers]", HTMLElement);
    this.namesNote = findElement(part, "[data-names-note]", HTMLElement);
    this.volume = findElement(part, "[data-volume]", HTMLInputElement);
    this.volumeOutput = findElement(part, "[data-volume-out]", HTMLElement);
    this.byHand = findElement(part, "[data-by-hand]", HTMLInputElement);
    this.#bindEvents();
    this.volume.value = String(Math.round(100 * choices.volume));
    this.byHand.checked = choices.byHand;
    this.#drawVolume();
    void this.refresh();
  }

  #bindEvents() {
    for (const use of /** @type {DeviceUse[]} */ (["microphone", "speaker"])) {
      this.pickers[use].addEventListener("change", () => {
        const { value, selectedOptions } = this.pickers[use];
        this.#choose(use, { id: value, label: value ? (selectedOptions[0]?.dataset.label ?? "") : "" });
      });
    }
    this.speakerRequest.addEventListener("click", () => void this.#requestSpeaker());
    this.volume.addEventListener("input", () => {
      this.choices.volume = Number(this.volume.value) / 100;
      this.#drawVolume();
      this.listener.onVolume();
    });
    this.volume.addEventListener("change", () => saveSoundChoices(this.choices));
    this.byHand.addEventListener("change", () => {
      this.choices.byHand = this.byHand.checked;
      saveSoundChoices(this.choices);
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refresh());
  }

  /** Looks what there is: names come with the leave to use the microphone. */
  async refresh() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const microphones = usableDevices(devices, "microphone");
    const speakers = usableDevices(devices, "speaker");
    this.namesNote.hidden = microphones.length > 0 || speakers.length > 0;
    this.#draw("microphone", microphones);
    const choosable = canChooseSpeaker();
    const requestable = "selectAudioOutput" in (navigator.mediaDevices ?? {});
    this.noSpeakers.hidden = choosable;
    this.speakerField.hidden = !choosable;
    this.speakerRequest.hidden = !choosable || !requestable || speakers.length > 0;
    if (choosable) this.#draw("speaker", speakers);
  }

  /**
   * The keyboard goes to a picker.
   * @param {DeviceUse} use
   */
  focus(use) {
    this.pickers[use].focus();
    this.pickers[use].scrollIntoView({ block: "center" });
  }

  /**
   * @param {DeviceUse} use
   * @param {Device[]} devices
   */
  #draw(use, devices) {
    const choice = this.choices[use];
    const found = findDevice(devices, choice);
    if (found && found.deviceId !== choice.id) {
      choice.id = found.deviceId;
      saveSoundChoices(this.choices);
    }
    const gone = choice.id !== "" && !found;
    const picker = this.pickers[use];
    const options = devices.map(({ deviceId, label }, i) => this.#createOption(deviceId, label, label || this.#numbered(use, i)));
    // Without any name it is not known whether it is there.
    const missing = gone && devices.length > 0;
    if (gone) options.push(this.#createOption(choice.id, choice.label, missing ? formatText(this.words.device_gone, { name: choice.label }) : choice.label));
    picker.replaceChildren(this.#createOption("", "", this.words.device_default ?? ""), ...options);
    picker.value = choice.id;
    this.#setLost(use, missing);
  }

  /**
   * @param {DeviceUse} use
   * @param {boolean} lost
   */
  #setLost(use, lost) {
    if (lost === this.#lost[use]) return;
    this.#lost[use] = lost;
    this.listener.onLost(use, lost ? this.choices[use].label : null);
    if (!lost) this.listener.onChosen(use);
  }

  /**
   * @param {DeviceUse} use
   * @param {DeviceChoice} choice
   */
  #choose(use, choice) {
    this.choices[use] = choice;
    saveSoundChoices(this.choices);
    if (this.#lost[use]) this.listener.onLost(use, null);
    this.#lost[use] = false;
    this.listener.onChosen(use);
    void this.refresh();
  }

  async #requestSpeaker() {
    try {
      const mediaDevices = /** @type {SpeakerRequester} */ (/** @type {unknown} */ (navigator.mediaDevices));
      const device = await mediaDevices.selectAudioOutput?.();
      if (!device) return;
      await this.refresh();
      this.#choose("speaker", { id: device.deviceId, label: device.label });
    } catch {
      // The person closed the browser's question.
    }
  }

  /**
   * @param {DeviceUse} use
   * @param {number} i
   */
  #numbered(use, i) {
    return formatText(this.words[`numbered_${use}`], { number: i + 1 });
  }

  /**
   * @param {string} id
   * @param {string} label  As the browser has it.
   * @param {string} text
   */
  #createOption(id, label, text) {
    const option = document.createElement("option");
    option.value = id;
    option.dataset.label = label;
    option.textContent = text;
    option.dir = "auto";
    return option;
  }

  #drawVolume() {
    const percent = formatText(this.words.percent, { number: Number(this.volume.value) });
    this.volumeOutput.textContent = percent;
    this.volume.setAttribute("aria-valuetext", percent);
  }
}
