/**
 * The side panel: what the person chose, remembered for the next time, and its one-line summary.
 *
 * @import {Choices} from "./choices.js"
 * @import {State} from "./session.js"
 * @import {Stage} from "./protocol.js"
 * @import {Config} from "./words.js"
 */
import { settingsOf } from "./choices.js";
import { Prompt } from "./prompt.js";
import { StageChoice } from "./stages.js";
import { fill, find } from "./words.js";

const WIDE = window.matchMedia("(min-width: 80rem)");

export class Panel {
  /**
   * @param {HTMLElement} root
   * @param {Config} config
   * @param {(live: boolean) => void} changed  ``live``: it may be sent while a conversation goes on.
   */
  constructor(root, config, changed) {
    this.config = config;
    this.changed = changed;
    this.panel = find(root, "[data-panel]", HTMLElement);
    this.toggle = find(root, "[data-panel-toggle]", HTMLElement);
    this.summary = find(root, "[data-summary]", HTMLElement);
    this.form = find(root, "[data-choices]", HTMLFormElement);
    const [stt, llm, tts, realtime] = /** @type {const} */ (["stt", "llm", "tts", "realtime"]).map(
      (stage) => new StageChoice(find(this.form, `[data-provider=${stage}]`, HTMLElement), config.stages[stage], config.words),
    );
    this.stages = /** @type {Record<Stage, StageChoice>} */ ({ stt, llm, tts });
    this.realtime = /** @type {StageChoice} */ (realtime);
    this.mode = find(this.form, "[name=mode]", HTMLSelectElement);
    this.turns = find(this.form, "[name=turns]", HTMLSelectElement);
    this.autoFallback = find(this.form, "[name=auto_fallback]", HTMLInputElement);
    this.language = find(this.form, "[name=language]", HTMLSelectElement);
    this.prompt = new Prompt(this.form, config);
    this.bargeIn = find(this.form, "[name=barge_in]", HTMLInputElement);
    this.silence = find(this.form, "[name=silence_ms]", HTMLInputElement);
    this.silenceOut = find(this.form, "[data-silence-out]", HTMLElement);
    /** The same switch in two places: with the notice, and among the settings. */
    this.recording = [...root.querySelectorAll("input[data-recording]")].filter((one) => one instanceof HTMLInputElement);
    this.recordingNote = find(root, "[data-recording-note]", HTMLElement);
    this.recordingOffNote = find(root, "[data-recording-off-note]", HTMLElement);
    this.hold = find(root, "[data-hold-toggle]", HTMLButtonElement);
    this.lockedNote = find(root, "[data-locked-note]", HTMLElement);
    this.idle = true;
    /** The mode that serves a running conversation. @type {import("./protocol.js").Mode | null} */
    this.running = null;
    /** Resolved when the latest choices are kept: one at a time, so that the last one wins. */
    this.kept = Promise.resolve();
    this.listen(root);
    this.offerTools();
    this.open(WIDE.matches, false);
    this.draw();
  }

  /** @returns {Choices} */
  get choices() {
    const { stt, llm, tts } = this.stages;
    const language = this.language.value;
    return {
      mode: this.mode.value === "realtime" ? "realtime" : "cascade",
      providers: {
        stt: { ...stt.choice, language },
        llm: { ...llm.choice, language },
        tts: { ...tts.choice, language },
        realtime: { ...this.realtime.choice, language },
      },
      fallbacks: { stt: stt.fallbacks, llm: llm.fallbacks, tts: tts.fallbacks },
      templateId: this.prompt.templateId,
      systemPrompt: this.prompt.own.value,
      tools: this.prompt.tools,
      bargeIn: this.bargeIn.checked,
      silenceMs: Number(this.silence.value),
      hold: this.hold.getAttribute("aria-pressed") === "true",
      turns: /** @type {"vad"|"server"|"semantic"} */ (this.turns.value),
      autoFallback: this.autoFallback.checked,
      recording: this.recording.every((one) => one.checked),
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
  listen(root) {
    this.toggle.addEventListener("click", () => this.open(!this.isOpen));
    find(root, "[data-panel-close]", HTMLElement).addEventListener("click", () => this.open(false));
    document.addEventListener("pointerdown", ({ target }) => {
      const outside = target instanceof Node && !this.panel.contains(target) && !this.toggle.contains(target);
      if (this.covers && outside) this.open(false);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", () => this.draw());
    this.form.addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement && this.recording.includes(target)) return;
      this.offerTools();
      this.keep(target === this.bargeIn || target === this.silence);
    });
    for (const input of this.recording) {
      input.addEventListener("change", () => {
        this.record(input.checked);
        this.keep(false);
      });
    }
    this.hold.addEventListener("click", () => {
      this.hold.setAttribute("aria-pressed", String(!this.choices.hold));
      this.keep(true);
    });
  }

  /** @param {boolean} on */
  record(on) {
    for (const input of this.recording) input.checked = on;
  }

  /**
   * @param {boolean} open
   * @param {boolean} [focus]  Whether the keyboard follows.
   */
  open(open, focus = true) {
    this.panel.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (!focus) return;
    if (open) find(this.panel, "[data-panel-close]", HTMLElement).focus();
    else this.toggle.focus();
  }

  /**
   * Talking closes the panel and fixes what a running session cannot change.
   * @param {State} state
   */
  follow(state) {
    const idle = state.phase === "idle";
    for (const field of this.form.querySelectorAll("[data-fixed]")) {
      if ("disabled" in field) field.disabled = !idle;
    }
    this.lockedNote.hidden = idle;
    this.idle = idle;
    this.offerTools();
    this.draw();
    if (!state.started) return;
    const { realtime, ...stages } = state.started.providers;
    for (const [stage, choice] of Object.entries(stages)) {
      this.stages[/** @type {Stage} */ (stage)].show(choice);
    }
    if (realtime.name) this.realtime.show(realtime);
    this.running = state.mode;
    this.summarise();
  }

  /** @param {boolean} live */
  keep(live) {
    this.draw();
    this.changed(live);
    const { preferences, csrf } = this.config;
    this.kept = this.kept.then(() => send(preferences, csrf, settingsOf(this.choices)));
  }

  offerTools() {
    const answers = this.choices.mode === "realtime" ? this.realtime : this.stages.llm;
    this.prompt.offerTools(answers.provider?.tools ?? false, this.idle);
  }

  draw() {
    const { words } = this.config;
    const { mode, silenceMs, recording } = this.choices;
    for (const part of this.form.querySelectorAll("[data-mode]")) {
      if (part instanceof HTMLElement) part.hidden = part.dataset.mode !== mode;
    }
    this.silenceOut.textContent = `${silenceMs} ${words.ms}`;
    this.recordingNote.hidden = !recording;
    this.recordingOffNote.hidden = recording;
    this.summarise();
  }

  summarise() {
    const { words } = this.config;
    const { bargeIn, silenceMs, hold, recording, turns } = this.choices;
    const mode = this.idle ? this.choices.mode : (this.running ?? this.choices.mode);
    const serving = mode === "realtime" ? [this.realtime] : Object.values(this.stages);
    const names = serving.map(({ chosen }) => chosen.textContent);
    const handsFree = mode === "realtime" && turns !== "vad" ? words.found_by_provider : fill(words.hands_free, { ms: silenceMs });
    this.summary.textContent = [
      recording ? words.recorded : words.not_recorded,
      words[`mode_${mode}`],
      names.join(" → "),
      this.prompt.title,
      hold ? words.hold_to_talk : handsFree,
      bargeIn ? words.interruptible : words.uninterruptible,
    ].filter(Boolean).join(" · ");
  }
}

/**
 * Where it fails nothing is lost but the memory of it.
 * @param {string} address
 * @param {string} csrf
 * @param {object} choices
 */
async function send(address, csrf, choices) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
  try {
    await fetch(address, { method: "PATCH", headers, body: JSON.stringify(choices), keepalive: true });
  } catch {
    // The network is away; the next change is kept with all the others.
  }
}
