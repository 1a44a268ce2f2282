/**
 * Who serves a stage: a provider with its model and voice, and who steps in for it, in order.
 *
 * @import {Place, ProviderChoice} from "./protocol.js"
 * @import {Provider, StageConfig, Words} from "./words.js"
 */
import { fill, find, make } from "./words.js";

const MOST_FALLBACKS = 4;

export class StageChoice {
  /** @type {HTMLSelectElement[]} */
  #fallbacks = [];
  /** @type {Provider | undefined} */
  #shown;
  /** What was chosen of each provider, so that a look at another one loses nothing. @type {Map<string, {model: string, voice: string}>} */
  #details = new Map();

  /**
   * @param {HTMLElement} place
   * @param {StageConfig} config
   * @param {Words} words
   */
  constructor(place, config, words) {
    this.stage = /** @type {Place} */ (place.dataset.provider);
    this.place = place;
    this.config = config;
    this.words = words;
    this.name = find(place, "[data-name]", HTMLSelectElement);
    this.missing = find(place, "[data-missing]", HTMLElement);
    this.chosen = find(place, "[data-provider-name]", HTMLElement);
    this.more = find(place, "[data-provider-more]", HTMLElement);
    this.fallbackList = find(place, "[data-fallbacks]", HTMLElement);
    const { chosen } = config;
    this.name.replaceChildren(this.#default(), ...config.providers.map((one) => this.#option(one)));
    if (chosen.name === "" || this.#find(chosen.name)) {
      this.name.value = chosen.name;
      this.#details.set(chosen.name, { model: chosen.model, voice: chosen.voice });
    }
    for (const { name } of config.fallbacks) {
      if (this.#fallbacks.length < MOST_FALLBACKS && this.#find(name)) this.#addFallback(name);
    }
    this.#explain();
    place.addEventListener("change", () => this.draw());
    this.draw();
  }

  /** The provider that serves first. */
  get provider() {
    return this.#find(this.name.value || this.config.default);
  }

  /** @returns {Partial<ProviderChoice>} Empty where the default serves. */
  get choice() {
    return { name: this.name.value, model: this.#value("model"), voice: this.#value("voice") };
  }

  /** @returns {Partial<ProviderChoice>[]} */
  get fallbacks() {
    return this.#fallbacks.filter(({ value }) => value).map(({ value }) => ({ name: value }));
  }

  /**
   * What a running session really has.
   * @param {ProviderChoice} choice
   */
  show({ name, model, voice }) {
    this.#tell(this.#label(name), [model, voice]);
  }

  draw() {
    const { provider } = this;
    if (provider !== this.#shown) this.#drawDetails(provider);
    this.#drawFallbacks();
    this.#tell(provider ? this.#offered(provider) : "", [this.#value("model") || provider?.models[0], this.#value("voice")]);
  }

  /** Says why others cannot be chosen now: one line a reason. */
  #explain() {
    /** @type {Map<string, string[]>} */
    const labels = new Map();
    for (const { available, reason, label } of this.config.providers) {
      if (!available) labels.set(reason, [...(labels.get(reason) ?? []), label]);
    }
    const rows = [...labels].map(([reason, names]) => {
      const row = make("li", "", `${names.join(" · ")}: `);
      row.append(make("span", "soft", reason));
      return row;
    });
    find(this.missing, "ul", HTMLElement).replaceChildren(...rows);
    this.missing.hidden = rows.length === 0;
  }

  /**
   * @param {string} label
   * @param {(string | undefined)[]} more
   */
  #tell(label, more) {
    this.chosen.textContent = label;
    const chosen = this.fallbacks.map(({ name }) => this.#label(name ?? ""));
    const others = chosen.length || this.name.value ? chosen : this.#usual;
    this.more.textContent = [...more.filter(Boolean), ...others.map((one) => `${this.words.or} ${one}`)].join(" ");
  }

  /** @param {Provider | undefined} provider */
  #drawDetails(provider) {
    this.#shown = provider;
    const kept = this.#details.get(this.name.value);
    for (const detail of /** @type {const} */ (["model", "voice"])) {
      const field = this.place.querySelector(`[data-${detail}]`);
      if (!(field instanceof HTMLElement)) continue;
      const options = provider?.[`${detail}s`] ?? [];
      field.hidden = options.length === 0 && !isFree(provider);
      field.querySelector(".control")?.remove();
      const control = this.#control(detail, options, provider);
      field.append(control);
      const entry = find(control, "input, select", HTMLElement);
      if (entry instanceof HTMLInputElement || entry instanceof HTMLSelectElement) {
        entry.value = kept?.[detail] ?? "";
        entry.addEventListener("input", () => this.#details.set(this.name.value, this.#entered()));
      }
    }
  }

  #entered() {
    return { model: this.#value("model"), voice: this.#value("voice") };
  }

  /**
   * A list to choose from, or a field with proposals where the provider takes others too.
   * @param {"model"|"voice"} detail
   * @param {string[]} options
   * @param {Provider | undefined} provider
   */
  #control(detail, options, provider) {
    const control = make("div", "control");
    const id = `${this.stage}-${detail}`;
    const usual = (detail === "model" ? provider?.models[0] : provider?.voice) ?? "";
    const list = options.map((text) => new Option(text, text));
    if (isFree(provider)) {
      const input = document.createElement("input");
      input.setAttribute("list", `${id}s`);
      input.placeholder = usual;
      input.maxLength = 200;
      input.autocomplete = "off";
      const proposals = make("datalist");
      proposals.id = `${id}s`;
      proposals.append(...list);
      control.append(input, proposals);
    } else {
      const select = document.createElement("select");
      select.append(new Option(fill(this.words.default_is, { name: usual }), ""), ...list);
      control.append(select);
    }
    control.firstElementChild?.setAttribute("id", id);
    control.firstElementChild?.setAttribute("data-fixed", "");
    return control;
  }

  /** @param {"model"|"voice"} detail */
  #value(detail) {
    const field = this.place.querySelector(`[data-${detail}] :is(input, select)`);
    return field instanceof HTMLInputElement || field instanceof HTMLSelectElement ? field.value.trim() : "";
  }

  /** One list for each that steps in, and one more while there is somebody left to add. */
  #drawFallbacks() {
    const taken = new Set([this.provider?.name]);
    /** @type {string[]} */
    const wanted = [];
    for (const { value } of this.#fallbacks) {
      if (value && !taken.has(value)) wanted.push(value);
      taken.add(value);
    }
    const others = this.config.providers.length - 1;
    // What steps in for a realtime provider is the other mode.
    const rows = this.stage === "realtime" ? 0 : Math.min(wanted.length + 1, others, MOST_FALLBACKS);
    while (this.#fallbacks.length > rows) this.#fallbacks.pop()?.remove();
    while (this.#fallbacks.length < rows) this.#addFallback("");
    const before = new Set([this.provider?.name]);
    this.#fallbacks.forEach((select, at) => {
      const left = this.config.providers.filter(({ name }) => !before.has(name));
      const none = new Option(at ? this.words.nobody_else : this.#nobody, "");
      select.replaceChildren(none, ...left.map((one) => this.#option(one)));
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
    select.setAttribute("aria-label", fill(this.words.steps_in, { number }));
    select.append(new Option("", ""), new Option(name, name));
    select.value = name;
    this.fallbackList.append(select);
  }

  #default() {
    return new Option(fill(this.words.default_is, { name: this.#label(this.config.default) }), "");
  }

  /** Who steps in where nobody was chosen, for either place. */
  get #usual() {
    return this.config.steps_in.map((name) => this.#label(name));
  }

  get #nobody() {
    const usual = this.name.value ? [] : this.#usual;
    return usual.length ? fill(this.words.default_is, { name: usual.join(", ") }) : this.words.nobody;
  }

  /** @param {Provider} one */
  #option(one) {
    const option = new Option(this.#offered(one), one.name);
    option.disabled = !one.available;
    return option;
  }

  /** @param {Provider} one */
  #offered({ label, available }) {
    return available ? label : fill(this.words.not_available, { name: label });
  }

  /** @param {string} name */
  #label(name) {
    return this.#find(name)?.label ?? name;
  }

  /** @param {string} name */
  #find(name) {
    return this.config.providers.find((one) => one.name === name);
  }
}

/**
 * Whether it takes models and voices that are not listed: whatever lives elsewhere does.
 * @param {Provider | undefined} provider
 */
function isFree(provider) {
  return provider !== undefined && (provider.needs_key || provider.key !== "");
}
