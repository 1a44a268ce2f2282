/**
 * Picks who serves a stage: a provider with its model and voice, and its fallback providers, in order.
 *
 * @import {Words} from "./i18n.js"
 * @import {LanguageService, ProviderInfo, StageConfig} from "./page-config.js"
 * @import {ProviderChoice, ProviderChoiceInput} from "./protocol-types"
 * @import {Place} from "./session-settings.js"
 */
import { createElement, findElement } from "./dom.js";
import { formatText } from "./i18n.js";

const MAX_FALLBACKS = 4;

export class ProviderPicker {
  /** @type {HTMLSelectElement[]} */
  #fallbacks = [];
  /** @type {ProviderInfo | undefined} */
  #shown;
  /** Who serves in the language that is chosen. @type {LanguageService | undefined} */
  #service;
  /** Model and voice entered for each provider, kept while another one is selected. @type {Map<string, {model: string, voice: string}>} */
  #details = new Map();

  /**
   * @param {HTMLElement} container
   * @param {StageConfig} config
   * @param {Words} words
   */
  constructor(container, config, words) {
    this.stage = /** @type {Place} */ (container.dataset.provider);
    this.container = container;
    this.config = config;
    this.words = words;
    this.name = findElement(container, "[data-name]", HTMLSelectElement);
    this.missing = findElement(container, "[data-missing]", HTMLElement);
    this.chosen = findElement(container, "[data-provider-name]", HTMLElement);
    this.more = findElement(container, "[data-provider-more]", HTMLElement);
    this.fallbackList = findElement(container, "[data-fallbacks]", HTMLElement);
    const { chosen } = config;
    this.name.replaceChildren(this.#createDefaultOption(), ...config.providers.map((one) => this.#createOption(one)));
    if (chosen.name === "" || this.#providerNamed(chosen.name)) {
      this.name.value = chosen.name;
      this.#details.set(chosen.name, { model: chosen.model, voice: chosen.voice });
    }
    for (const { name } of config.fallbacks) {
      if (this.#fallbacks.length < MAX_FALLBACKS && this.#providerNamed(name)) this.#addFallback(name);
    }
    this.#drawUnavailable();
    container.addEventListener("change", () => this.draw());
    this.draw();
  }

  /** The provider that serves first. */
  get provider() {
    return this.#providerNamed(this.name.value || this.#default);
  }

  /** @returns {ProviderChoiceInput} Empty where the default serves. */
  get choice() {
    return { name: this.name.value, model: this.#detailValue("model"), voice: this.#detailValue("voice") };
  }

  /** @returns {ProviderChoiceInput[]} */
  get fallbacks() {
    return this.#fallbacks.filter(({ value }) => value).map(({ value }) => ({ name: value }));
  }

  /**
   * Shows what serves a running session.
   * @param {ProviderChoice} choice
   */
  showServing({ name, model, voice }) {
    this.#drawSummary(this.#labelOf(name), [model, voice]);
  }

  /**
   * The language has changed: another default may serve, with other voices.
   * @param {LanguageService | undefined} service
   */
  setService(service) {
    if (service === this.#service) return;
    this.#service = service;
    const [byDefault] = this.name.options;
    if (byDefault) byDefault.text = this.#createDefaultOption().text;
    this.#shown = undefined;
    this.draw();
  }

  draw() {
    const { provider } = this;
    if (provider !== this.#shown) this.#drawDetails(provider);
    this.#drawFallbacks();
    this.#drawSummary(provider ? this.#optionLabel(provider) : "", [this.#detailValue("model") || provider?.models[0], this.#detailValue("voice")]);
  }

  /** Lists the providers that cannot be chosen now: one line for each reason. */
  #drawUnavailable() {
    /** @type {Map<string, string[]>} */
    const labels = new Map();
    for (const { available, reason, label } of this.config.providers) {
      if (!available) labels.set(reason, [...(labels.get(reason) ?? []), label]);
    }
    const rows = [...labels].map(([reason, names]) => {
      const row = createElement("li", "", `${names.join(" · ")}: `);
      row.append(createElement("span", "soft", reason));
      return row;
    });
    findElement(this.missing, "ul", HTMLElement).replaceChildren(...rows);
    this.missing.hidden = rows.length === 0;
  }

  /**
   * @param {string} label
   * @param {(string | undefined)[]} more
   */
  #drawSummary(label, more) {
    this.chosen.textContent = label;
    const chosen = this.fallbacks.map(({ name }) => this.#labelOf(name ?? ""));
    const others = chosen.length || this.name.value ? chosen : this.#defaultFallbacks;
    this.more.textContent = [...more.filter(Boolean), ...others.map((one) => `${this.words.or} ${one}`)].join(" ");
  }

  /** @param {ProviderInfo | undefined} provider */
  #drawDetails(provider) {
    this.#shown = provider;
    const kept = this.#details.get(this.name.value);
    for (const detail of /** @type {const} */ (["model", "voice"])) {
      const field = this.container.querySelector(`[data-${detail}]`);
      if (!(field instanceof HTMLElement)) continue;
      const voices = detail === "voice" ? this.#service?.voices[provider?.name ?? ""] : undefined;
      const options = voices ?? provider?.[`${detail}s`] ?? [];
      field.hidden = options.length === 0 && !acceptsOthers(provider);
      field.querySelector(".control")?.remove();
      const control = this.#createControl(detail, options, provider);
      field.append(control);
      const entry = findElement(control, "input, select", HTMLElement);
      if (entry instanceof HTMLInputElement || entry instanceof HTMLSelectElement) {
        entry.value = kept?.[detail] ?? "";
        entry.addEventListener("input", () => this.#details.set(this.name.value, this.#enteredDetails()));
      }
    }
  }

  #enteredDetails() {
    return { model: this.#detailValue("model"), voice: this.#detailValue("voice") };
  }

  /**
   * A list to choose from, or a text field with proposals where other names are allowed too.
   * @param {"model"|"voice"} detail
   * @param {string[]} options
   * @param {ProviderInfo | undefined} provider
   */
  #createControl(detail, options, provider) {
    const control = createElement("div", "control");
    const id = `${this.stage}-${detail}`;
    const voice = this.#service?.voices[provider?.name ?? ""]?.[0] ?? provider?.voice;
    const byDefault = (detail === "model" ? provider?.models[0] : voice) ?? "";
    const list = options.map((text) => new Option(text, text));
    if (acceptsOthers(provider)) {
      const input = document.createElement("input");
      input.setAttribute("list", `${id}s`);
      input.placeholder = byDefault;
      input.maxLength = 200;
      input.autocomplete = "off";
      const proposals = createElement("datalist");
      proposals.id = `${id}s`;
      proposals.append(...list);
      control.append(input, proposals);
    } else {
      const select = document.createElement("select");
      select.append(new Option(formatText(this.words.default_is, { name: byDefault }), ""), ...list);
      control.append(select);
    }
    control.firstElementChild?.setAttribute("id", id);
    control.firstElementChild?.setAttribute("data-fixed", "");
    return control;
  }

  /** @param {"model"|"voice"} detail */
  #detailValue(detail) {
    const field = this.container.querySelector(`[data-${detail}] :is(input, select)`);
    return field instanceof HTMLInputElement || field instanceof HTMLSelectElement ? field.value.trim() : "";
  }

  /** One select for each fallback provider, and one more while a provider is left to add. */
  #drawFallbacks() {
    const used = new Set([this.provider?.name]);
    /** @type {string[]} */
    const wanted = [];
    for (const { value } of this.#fallbacks) {
      if (value && !used.has(value)) wanted.push(value);
      used.add(value);
    }
    const others = this.config.providers.length - 1;
    // The fallback of a realtime provider is the other mode.
    const rows = this.stage === "realtime" ? 0 : Math.min(wanted.length + 1, others, MAX_FALLBACKS);
    while (this.#fallbacks.length > rows) this.#fallbacks.pop()?.remove();
    while (this.#fallbacks.length < rows) this.#addFallback("");
    const before = new Set([this.provider?.name]);
    this.#fallbacks.forEach((select, at) => {
      const left = this.config.providers.filter(({ name }) => !before.has(name));
      const none = new Option(at ? this.words.nobody_else : this.#noFallbackLabel, "");
      select.replaceChildren(none, ...left.map((one) => this.#createOption(one)));
      select.value = wanted[at] ?? "";
      if (wanted[at]) before.add(wanted[at]);
    });
    this.fallbackList.hidden = rows === 0;
  }

  /** @param {string} name */
  #addFallback(name) {
    const select = document.createElement("select");
    select.dataset.fixed = "";
    select.disabled = this.name.disabled;
    const number = this.#fallbacks.push(select);
    select.setAttribute("aria-label", formatText(this.words.steps_in, { number }));
    select.append(new Option("", ""), new Option(name, name));
    select.value = name;
    this.fallbackList.append(select);
  }

  #createDefaultOption() {
    return new Option(formatText(this.words.default_is, { name: this.#labelOf(this.#default) }), "");
  }

  get #default() {
    return (this.#service ?? this.config).default;
  }

  /** Labels of the fallback providers where neither provider nor fallback was chosen. */
  get #defaultFallbacks() {
    return (this.#service ?? this.config).steps_in.map((name) => this.#labelOf(name));
  }

  get #noFallbackLabel() {
    const byDefault = this.name.value ? [] : this.#defaultFallbacks;
    return byDefault.length ? formatText(this.words.default_is, { name: byDefault.join(", ") }) : this.words.nobody;
  }

  /** @param {ProviderInfo} one */
  #createOption(one) {
    const option = new Option(this.#optionLabel(one), one.name);
    option.disabled = !one.available;
    return option;
  }

  /** @param {ProviderInfo} one */
  #optionLabel({ label, available }) {
    return available ? label : formatText(this.words.not_available, { name: label });
  }

  /** @param {string} name */
  #labelOf(name) {
    return this.#providerNamed(name)?.label ?? name;
  }

  /** @param {string} name */
  #providerNamed(name) {
    return this.config.providers.find((one) => one.name === name);
  }
}

/**
 * Whether it accepts models and voices that are not listed, as every remote provider does.
 * @param {ProviderInfo | undefined} provider
 */
function acceptsOthers(provider) {
  return provider !== undefined && (provider.needs_key || provider.key !== "");
}
