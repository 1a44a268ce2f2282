/**
 * What the language model is told: a template by its title, the person's own words, tools.
 *
 * @import {Config} from "./words.js"
 */
import { find } from "./words.js";

export class Prompt {
  /**
   * @param {HTMLFormElement} form
   * @param {Config} config
   */
  constructor(form, config) {
    this.config = config;
    this.template = find(form, "[name=template]", HTMLSelectElement);
    this.own = find(form, "[name=system_prompt]", HTMLTextAreaElement);
    this.reading = find(form, "[data-reading]", HTMLDetailsElement);
    this.readingText = find(form, "[data-reading-text]", HTMLElement);
    this.switches = [...form.querySelectorAll("input[name=tools]")].filter((one) => one instanceof HTMLInputElement);
    this.noTools = find(form, "[data-no-tools]", HTMLElement);
    this.template.addEventListener("change", () => void this.read());
    this.reading.addEventListener("toggle", () => void this.read());
    this.reading.hidden = this.template.value === "";
  }

  get templateId() {
    return this.template.value ? Number(this.template.value) : null;
  }

  get title() {
    return this.templateId === null ? "" : (this.template.selectedOptions[0]?.text ?? "");
  }

  get tools() {
    return this.switches.filter((one) => one.checked).map((one) => one.value);
  }

  /**
   * @param {boolean} usable  Whether the language model takes tools.
   * @param {boolean} idle
   */
  offerTools(usable, idle) {
    this.noTools.hidden = usable || this.switches.length === 0;
    for (const one of this.switches) one.disabled = !usable || !idle;
  }

  /** Shows the chosen template's text, to whoever wants to read it. */
  async read() {
    const { templateId } = this;
    this.reading.hidden = templateId === null;
    if (templateId === null || !this.reading.open) return;
    const response = await fetch(this.config.template.replace("{template}", String(templateId)));
    if (templateId !== this.templateId) return;
    this.readingText.textContent = response.ok ? (await response.json()).text : (this.config.words.not_found ?? "");
  }
}
