/**
 * Asks, once, whether conversations may be recorded: before the first one that would be.
 *
 * @import {SettingsPanel} from "./settings-panel.js"
 */
import { findElement } from "./dom.js";

export class RecordingConsent {
  /** The question that is open. @type {Promise<boolean> | null} */
  #asking = null;

  /**
   * @param {HTMLElement} root
   * @param {SettingsPanel} panel
   * @param {boolean} agreed  Whether the person has said yes before.
   */
  constructor(root, panel, agreed) {
    this.panel = panel;
    this.agreed = agreed;
    this.dialog = findElement(root, "[data-consent]", HTMLDialogElement);
  }

  /** @returns {boolean} Whether nobody has agreed yet to the recording that is chosen. */
  get isNeeded() {
    return !this.agreed && this.panel.choices.recording;
  }

  /** @returns {Promise<boolean>} Whether a conversation may begin, recorded or not. */
  ask() {
    if (!this.isNeeded) return Promise.resolve(true);
    this.#asking ??= this.#answer();
    return this.#asking;
  }

  async #answer() {
    this.dialog.returnValue = "";
    this.dialog.showModal();
    await new Promise((resolve) => this.dialog.addEventListener("close", resolve, { once: true }));
    this.#asking = null;
    if (this.dialog.returnValue === "record") {
      this.agreed = true;
      this.panel.rememberConsent();
    } else if (this.dialog.returnValue === "without") {
      this.panel.setRecording(false);
      this.panel.saveChoices(false);
    } else return false;
    return true;
  }
}
