/**
 * The side panel: what the person chose, remembered in this browser, and its one-line summary.
 *
 * @import {Choices, State} from "./session.js"
 * @import {Config} from "./words.js"
 */
import { fill, find } from "./words.js";

const KEY = "parley.choices";
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
    this.prompt = find(this.form, "[name=system_prompt]", HTMLTextAreaElement);
    this.voice = /** @type {HTMLInputElement | HTMLSelectElement} */ (this.form.elements.namedItem("voice"));
    this.bargeIn = find(this.form, "[name=barge_in]", HTMLInputElement);
    this.silence = find(this.form, "[name=silence_ms]", HTMLInputElement);
    this.silenceOut = find(this.form, "[data-silence-out]", HTMLElement);
    /** The same switch in two places: with the notice, and among the settings. */
    this.recording = [...root.querySelectorAll("input[data-recording]")].filter((one) => one instanceof HTMLInputElement);
    this.recordingNote = find(root, "[data-recording-note]", HTMLElement);
    this.recordingOffNote = find(root, "[data-recording-off-note]", HTMLElement);
    this.hold = find(root, "[data-hold-toggle]", HTMLButtonElement);
    this.lockedNote = find(root, "[data-locked-note]", HTMLElement);
    this.restore();
    this.listen(root);
    this.open(WIDE.matches, false);
    this.draw();
  }

  /** @returns {Choices} */
  get choices() {
    return {
      systemPrompt: this.prompt.value,
      voice: this.voice.value,
      bargeIn: this.bargeIn.checked,
      silenceMs: Number(this.silence.value),
      hold: this.hold.getAttribute("aria-pressed") === "true",
      recording: this.recording.every((one) => one.checked),
    };
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** @param {HTMLElement} root */
  listen(root) {
    this.toggle.addEventListener("click", () => this.open(!this.isOpen));
    find(root, "[data-panel-close]", HTMLElement).addEventListener("click", () => this.open(false));
    document.addEventListener("pointerdown", ({ target }) => {
      const outside = target instanceof Node && !this.panel.contains(target) && !this.toggle.contains(target);
      if (this.isOpen && !WIDE.matches && outside) this.open(false);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", () => this.draw());
    this.form.addEventListener("change", ({ target }) => {
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
    if (state.started) this.show(state.started.providers);
    this.draw();
  }

  /**
   * The names that a running session really has.
   * @param {import("./protocol.js").Providers} providers
   */
  show(providers) {
    for (const stage of /** @type {const} */ (["stt", "llm", "tts"])) {
      const name = providers[stage].name;
      const place = this.panel.querySelector(`[data-provider="${stage}"] [data-provider-name]`);
      if (place && name) place.textContent = this.config.labels[stage][name] ?? name;
    }
  }

  /** @param {boolean} live */
  keep(live) {
    localStorage.setItem(KEY, JSON.stringify(this.choices));
    this.draw();
    this.changed(live);
  }

  restore() {
    /** @type {Partial<Choices>} */
    let kept;
    try {
      kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    } catch {
      return;
    }
    if (kept.systemPrompt) this.prompt.value = kept.systemPrompt;
    if (kept.voice) this.voice.value = kept.voice;
    if (kept.bargeIn !== undefined) this.bargeIn.checked = kept.bargeIn;
    if (kept.silenceMs) this.silence.value = String(kept.silenceMs);
    if (kept.recording !== undefined) this.record(kept.recording);
    if (kept.hold) this.hold.setAttribute("aria-pressed", "true");
  }

  draw() {
    const { words } = this.config;
    const { bargeIn, silenceMs, hold, recording } = this.choices;
    this.silenceOut.textContent = `${silenceMs} ${words.ms}`;
    this.recordingNote.hidden = !recording;
    this.recordingOffNote.hidden = recording;
    const names = [...this.panel.querySelectorAll("[data-provider-name]")].map((place) => place.textContent);
    this.summary.textContent = [
      recording ? words.recorded : words.not_recorded,
      words.cascade,
      names.join(" → "),
      hold ? words.hold_to_talk : fill(words.hands_free, { ms: silenceMs }),
      bargeIn ? words.interruptible : words.uninterruptible,
    ].join(" · ");
  }
}
