/**
 * The part of the panel about the system prompt: a prompt template, the person's own text after it,
 * and the tools that the language model may call.
 *
 * @import {PageConfig} from "./page-config.js"
 */
import { findElement } from "./dom.js";

export class PromptSettings {
  /**
   * @param {HTMLFormElement} form
   * @param {PageConfig} config
   */
  constructor(form, config) {
    this.config = config;
    this.template = findElement(form, "[name=template]", HTMLSelectElement);
    this.ownText = findElement(form, "[name=system_prompt]", HTMLTextAreaElement);
    this.templateDetails = findElement(form, "[data-reading]", HTMLDetailsElement);
    this.templateText = findElement(form, "[data-reading-text]", HTMLElement);
    this.toolSwitches = [...form.querySelectorAll("input[name=tools]")].filter((one) => one instanceof HTMLInputElement);
    this.noTools = findElement(form, "[data-no-tools]", HTMLElement);
    this.template.addEventListener("change", () => void this.showTemplateText());
    this.templateDetails.addEventListener("toggle", () => void this.showTemplateText());
    this.templateDetails.hidden = this.template.value === "";
  }

  get templateId() {
    return this.template.value ? Number(this.template.value) : null;
  }

  get title() {
    return this.templateId === null ? "" : (this.template.selectedOptions[0]?.text ?? "");
  }

  /**
   * Chooses the same template in another language; in English, which asks for the session's, where
   * there is none in that.
   * @param {string} tag
   */
  followLanguage(tag) {
    const slug = this.template.selectedOptions[0]?.dataset.slug;
    const siblings = [...this.template.options].filter((option) => option.dataset.slug === slug);
    const same = siblings.find(({ lang }) => spoken(lang) === spoken(tag)) ?? siblings.find(({ lang }) => lang === "en");
    if (!slug || !same) return;
    this.template.value = same.value;
    void this.showTemplateText();
  }

  get tools() {
    return this.toolSwitches.filter((one) => one.checked).map((one) => one.value);
  }

  /**
   * @param {boolean} usable  Whether the language model can call tools.
   * @param {boolean} idle  No session runs.
   */
  setToolsUsable(usable, idle) {
    this.noTools.hidden = usable || this.toolSwitches.length === 0;
    for (const one of this.toolSwitches) one.disabled = !usable || !idle;
  }

  /** Loads the chosen template's text, once its details are opened. */
  async showTemplateText() {
    const { templateId } = this;
    this.templateDetails.hidden = templateId === null;
    if (templateId === null || !this.templateDetails.open) return;
    const response = await fetch(this.config.template.replace("{template}", String(templateId)));
    if (templateId !== this.templateId) return;
    this.templateText.textContent = response.ok ? (await response.json()).text : (this.config.words.not_found ?? "");
  }
}

/**
 * The spoken language of a tag; Cantonese is written as Chinese is.
 * @param {string} tag
 */
function spoken(tag) {
  const [primary] = tag.toLowerCase().split("-");
  return primary === "yue" || primary === "cmn" ? "zh" : primary;
}
