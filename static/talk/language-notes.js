/**
 * Says beside the language which of the chosen providers do not hear, answer or speak it, and what
 * would help.
 *
 * @import {Words} from "./i18n.js"
 * @import {LanguageService, LanguageStage, PageConfig, StageConfig} from "./page-config.js"
 * @import {Choices} from "./session-settings.js"
 */
import { createElement, findElement } from "./dom.js";
import { formatText } from "./i18n.js";

/** @type {LanguageStage[]} */
const STAGES = ["stt", "llm", "tts"];

export class LanguageNotes {
  /**
   * @param {HTMLElement} root
   * @param {PageConfig} config
   */
  constructor(root, config) {
    this.config = config;
    this.list = findElement(root, "[data-language-notes]", HTMLElement);
    this.shown = "";
  }

  /** @param {Choices} choices */
  draw(choices) {
    const { words } = this.config;
    const texts = choices.mode === "realtime" ? [] : STAGES.map((stage) => this.#note(stage, choices)).filter((text) => text !== null);
    const shown = texts.map(({ text, keys }) => `${text}${keys}`).join("\n");
    if (shown === this.shown) return; // it is a live region: nothing is said twice
    this.shown = shown;
    this.list.hidden = texts.length === 0;
    this.list.replaceChildren(
      ...texts.map(({ text, keys }) => {
        const note = createElement("p", "", text);
        if (keys) {
          const link = document.createElement("a");
          link.href = this.config.keys;
          link.textContent = words.add_key ?? "";
          note.append(" ", link);
        }
        return note;
      }),
    );
  }

  /**
   * @param {LanguageStage} stage
   * @param {Choices} choices
   * @returns {{text: string, keys: boolean} | null}
   */
  #note(stage, choices) {
    const { language = "", name = "" } = choices.providers[stage] ?? {};
    const service = this.config.languages[stage][language];
    if (!service) return null;
    const fallbacks = (choices.fallbacks[stage] ?? []).map((one) => one.name ?? "");
    const others = name || fallbacks.length ? fallbacks : service.steps_in;
    const asked = [name || service.default, ...others];
    const serving = asked.find((one) => serves(one, service));
    if (serving === asked[0]) return null;
    const { words } = this.config;
    const stages = this.config.stages[stage];
    const facts = { language: this.config.language_names[language] ?? language, names: labels(stages, serving ? [asked[0] ?? ""] : asked) };
    const not = formatText(words[`not_served_${stage}`], facts);
    const instead = serving ?? service.stands_in;
    if (instead) return { text: `${not} ${formatText(words.does_instead, { name: labels(stages, [instead]) })}`, keys: false };
    if (service.ready.length) return { text: `${not} ${formatText(words.choose_one, { names: labels(stages, service.ready) })}`, keys: false };
    const [keyed, fetched] = [service.able.filter((one) => needsKey(stages, one)), service.able.filter((one) => !needsKey(stages, one) && !service.serves.includes(one))];
    const helps = [
      fetched.length ? formatText(words.with_model, { names: labels(stages, fetched) }) : "",
      keyed.length ? formatText(words.with_key, { names: labels(stages, keyed) }) : "",
    ].filter(Boolean);
    return { text: [not, ...(helps.length ? helps : [words.nobody_does])].join(" "), keys: keyed.length > 0 };
  }
}

/**
 * What an endpoint's models speak is its owner's business.
 * @param {string} name
 * @param {LanguageService} service
 */
function serves(name, service) {
  return name.startsWith("endpoint:") || service.serves.includes(name);
}

/**
 * @param {StageConfig} stage
 * @param {string[]} names
 */
function labels(stage, names) {
  return [...new Set(names)].map((name) => stage.providers.find((one) => one.name === name)?.label ?? name).join(" · ");
}

/**
 * @param {StageConfig} stage
 * @param {string} name
 */
function needsKey(stage, name) {
  return stage.providers.find((one) => one.name === name)?.needs_key ?? false;
}
