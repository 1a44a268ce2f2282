/**
 * The side panel: what the person chose, kept for the next conversation, and its one-line summary.
 *
 * @import {PageConfig} from "./page-config.js"
 * @import {SessionState} from "./session.js"
 * @import {Choices, Eagerness, EndOfTurnDetector, Mode, Place} from "./session-settings.js"
 *
 * @typedef {Exclude<Place, "realtime">} Stage
 */
import { findElement } from "./dom.js";
import { formatText } from "./i18n.js";
import { LanguageNotes } from "./language-notes.js";
import { Openers } from "./openers.js";
import { PromptSettings } from "./prompt-settings.js";
import { ProviderPicker } from "./provider-picker.js";
import { toSessionSettings } from "./session-settings.js";

const WIDE = window.matchMedia("(min-width: 80rem)");

export class SettingsPanel {
  /** The stage for which somebody came here. @type {ProviderPicker} */
  #openStage;

  /**
   * @param {HTMLElement} root
   * @param {PageConfig} config
   * @param {(live: boolean) => void} onChange  ``live``: the change may be sent while a conversation goes on.
   */
  constructor(root, config, onChange) {
    this.config = config;
    this.onChange = onChange;
    this.panel = findElement(root, "[data-panel]", HTMLElement);
    this.toggle = findElement(root, "[data-panel-toggle]", HTMLElement);
    this.summary = findElement(root, "[data-summary]", HTMLElement);
    this.form = findElement(root, "[data-choices]", HTMLFormElement);
    const [stt, llm, tts, realtime] = /** @type {const} */ (["stt", "llm", "tts", "realtime"]).map(
      (stage) => new ProviderPicker(findElement(this.form, `[data-provider=${stage}]`, HTMLElement), config.stages[stage], config.words),
    );
    this.stages = /** @type {Record<Stage, ProviderPicker>} */ ({ stt, llm, tts });
    this.realtime = /** @type {ProviderPicker} */ (realtime);
    this.#openStage = this.stages.stt;
    this.mode = findElement(this.form, "[name=mode]", HTMLSelectElement);
    /** What detects the end of a turn, by mode. @type {Record<Mode, HTMLSelectElement>} */
    this.detectors = {
      cascade: findElement(this.form, "[name=ends]", HTMLSelectElement),
      realtime: findElement(this.form, "[name=turns]", HTMLSelectElement),
    };
    this.eagerness = findElement(this.form, "[name=eagerness]", HTMLSelectElement);
    this.autoFallback = findElement(this.form, "[name=auto_fallback]", HTMLInputElement);
    this.language = findElement(this.form, "[name=language]", HTMLSelectElement);
    this.languageNotes = new LanguageNotes(this.form, config);
    this.openers = new Openers(root, config);
    this.prompt = new PromptSettings(this.form, config);
    this.language.addEventListener("change", () => this.prompt.followLanguage(this.language.value || config.server_language));
    this.bargeIn = findElement(this.form, "[name=barge_in]", HTMLInputElement);
    this.silenceInput = findElement(this.form, "[name=silence_ms]", HTMLInputElement);
    this.silenceOutput = findElement(this.form, "[data-silence-out]", HTMLElement);
    /** The same switch in two places: with the notice, and among the settings. */
    this.recordingSwitches = [...root.querySelectorAll("input[data-recording]")].filter((one) => one instanceof HTMLInputElement);
    this.recordingNote = findElement(root, "[data-recording-note]", HTMLElement);
    this.recordingOffNote = findElement(root, "[data-recording-off-note]", HTMLElement);
    this.holdToggle = findElement(root, "[data-hold-toggle]", HTMLButtonElement);
    this.lockedNote = findElement(root, "[data-locked-note]", HTMLElement);
    this.idle = true;
    /** The mode that serves a running conversation. @type {Mode | null} */
    this.runningMode = null;
    /** Resolved when the latest choices are saved: one request at a time, so that the last one wins. */
    this.saved = Promise.resolve();
    this.bindEvents(root);
    this.updateTools();
    this.setOpen(WIDE.matches, false);
    this.draw();
  }

  /** @returns {Choices} */
  get choices() {
    const { stt, llm, tts } = this.stages;
    const language = this.language.value;
    const mode = this.mode.value === "realtime" ? "realtime" : "cascade";
    return {
      mode,
      providers: {
        stt: { ...stt.choice, language },
        llm: { ...llm.choice, language },
        tts: { ...tts.choice, language },
        realtime: { ...this.realtime.choice, language },
      },
      fallbacks: { stt: stt.fallbacks, llm: llm.fallbacks, tts: tts.fallbacks },
      templateId: this.prompt.templateId,
      systemPrompt: this.prompt.ownText.value,
      tools: this.prompt.tools,
      bargeIn: this.bargeIn.checked,
      silenceMs: Number(this.silenceInput.value),
      hold: this.holdToggle.getAttribute("aria-pressed") === "true",
      detector: /** @type {EndOfTurnDetector} */ (this.detectors[mode].value),
      eagerness: /** @type {Eagerness} */ (this.eagerness.value),
      autoFallback: this.autoFallback.checked,
      recording: this.recordingSwitches.every((one) => one.checked),
    };
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** Whether it lies over the conversation rather than beside it. */
  get covers() {
    return this.isOpen && !WIDE.matches;
  }

  /** @param {HTMLElement} root */
  bindEvents(root) {
    this.toggle.addEventListener("click", () => this.setOpen(!this.isOpen));
    findElement(root, "[data-panel-close]", HTMLElement).addEventListener("click", () => this.setOpen(false));
    document.addEventListener("pointerdown", ({ target }) => {
      const outside = target instanceof Node && !this.panel.contains(target) && !this.toggle.contains(target);
      if (this.covers && outside) this.setOpen(false);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", () => this.draw());
    this.form.addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement && this.recordingSwitches.includes(target)) return;
      this.updateTools();
      this.saveChoices(target === this.bargeIn || target === this.silenceInput);
    });
    for (const input of this.recordingSwitches) {
      input.addEventListener("change", () => {
        this.setRecording(input.checked);
        this.saveChoices(false);
      });
    }
    this.holdToggle.addEventListener("click", () => {
      this.holdToggle.setAttribute("aria-pressed", String(!this.choices.hold));
      this.saveChoices(true);
    });
  }

  /** @param {boolean} on */
  setRecording(on) {
    for (const input of this.recordingSwitches) input.checked = on;
  }

  /**
   * @param {boolean} open
   * @param {boolean} [focus]  Whether the keyboard follows.
   */
  setOpen(open, focus = true) {
    this.panel.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (!focus) return;
    if (open) findElement(this.panel, "[data-panel-close]", HTMLElement).focus();
    else this.toggle.focus();
  }

  /**
   * Opens where it is chosen who serves a stage.
   * @param {string} stage
   */
  showStage(stage) {
    this.setOpen(true);
    this.#openStage = stage === "realtime" ? this.realtime : this.stages[/** @type {Stage} */ (stage)];
    const { container } = this.#openStage;
    if (container instanceof HTMLDetailsElement) container.open = true;
    container.querySelector("summary")?.focus();
  }

  /**
   * Disables what a running session cannot change, and shows which providers serve it.
   * @param {SessionState} state
   */
  onSessionState(state) {
    const idle = state.phase === "idle";
    for (const field of this.form.querySelectorAll("[data-fixed]")) {
      if ("disabled" in field) field.disabled = !idle;
    }
    const focused = this.lockedNote.contains(document.activeElement);
    this.lockedNote.hidden = idle;
    if (focused && idle) this.#openStage.name.focus();
    this.idle = idle;
    this.updateTools();
    this.draw();
    if (!state.started) return;
    const { realtime, ...stages } = state.started.providers;
    for (const [stage, choice] of Object.entries(stages)) {
      this.stages[/** @type {Stage} */ (stage)].showServing(choice);
    }
    if (realtime.name) this.realtime.showServing(realtime);
    this.runningMode = state.mode;
    this.drawSummary();
  }

  /** @param {boolean} live */
  saveChoices(live) {
    this.draw();
    this.onChange(live);
    const { preferences, csrf } = this.config;
    this.saved = this.saved.then(() => patchPreferences(preferences, csrf, toSessionSettings(this.choices)));
  }

  updateTools() {
    const picker = this.choices.mode === "realtime" ? this.realtime : this.stages.llm;
    this.prompt.setToolsUsable(picker.provider?.tools ?? false, this.idle);
  }

  draw() {
    const { words } = this.config;
    for (const stage of /** @type {Stage[]} */ (["stt", "llm", "tts"])) {
      this.stages[stage].setService(this.config.languages[stage][this.language.value]);
    }
    const { mode, silenceMs, recording, detector } = this.choices;
    const byWords = mode === "cascade" && detector === "semantic";
    this.languageNotes.draw(this.choices);
    this.openers.draw(this.language.value);
    for (const part of this.form.querySelectorAll("[data-mode]")) {
      if (part instanceof HTMLElement) part.hidden = part.dataset.mode !== mode;
    }
    findElement(this.form, "[data-semantic]", HTMLElement).hidden = !byWords;
    findElement(this.form, "[data-by-pause]", HTMLElement).hidden = byWords;
    this.silenceOutput.textContent = `${silenceMs} ${words.ms}`;
    this.recordingNote.hidden = !recording;
    this.recordingOffNote.hidden = recording;
    this.drawSummary();
  }

  drawSummary() {
    const { words } = this.config;
    const { bargeIn, hold, recording } = this.choices;
    const mode = this.idle ? this.choices.mode : (this.runningMode ?? this.choices.mode);
    const pickers = mode === "realtime" ? [this.realtime] : Object.values(this.stages);
    const names = pickers.map(({ chosen }) => chosen.textContent);
    this.summary.textContent = [
      recording ? words.recorded : words.not_recorded,
      words[`mode_${mode}`],
      names.join(" → "),
      this.prompt.title,
      hold ? words.hold_to_talk : this.describeEnd(mode),
      bargeIn ? words.interruptible : words.uninterruptible,
    ].filter(Boolean).join(" · ");
  }

  /**
   * What ends a turn in a mode, for the summary.
   * @param {Mode} mode
   */
  describeEnd(mode) {
    const { words } = this.config;
    const detector = this.detectors[mode].value;
    if (detector === "vad") return formatText(words.hands_free, { ms: this.choices.silenceMs });
    return mode === "realtime" ? words.found_by_provider : words.ended_by_words;
  }
}

/**
 * Saves the choices for the next visit. A failure is ignored: they still hold on this page.
 * @param {string} address
 * @param {string} csrf
 * @param {object} choices
 */
async function patchPreferences(address, csrf, choices) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
  try {
    await fetch(address, { method: "PATCH", headers, body: JSON.stringify(choices), keepalive: true });
  } catch {
    // No network; the next change saves all choices again.
  }
}
