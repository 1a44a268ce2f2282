/**
 * The controls at the bottom: the talk button with its level ring, the state as a word, stop,
 * hold to talk, type instead; and the keys for all of that.
 *
 * @import {Session, State} from "./session.js"
 * @import {Words} from "./words.js"
 * @import {Panel} from "./panel.js"
 */
import { loudness } from "./strip.js";
import { find } from "./words.js";

export class Dock {
  /**
   * @param {HTMLElement} root
   * @param {Session} session
   * @param {Panel} panel
   * @param {Words} words
   */
  constructor(root, session, panel, words) {
    this.session = session;
    this.panel = panel;
    this.words = words;
    this.button = find(root, "[data-talk]", HTMLButtonElement);
    this.label = find(root, "[data-talk-label]", HTMLElement);
    this.glyph = find(root, "[data-talk-glyph]", SVGUseElement);
    this.word = find(root, "[data-state]", HTMLElement);
    this.stop = find(root, "[data-stop]", HTMLButtonElement);
    this.typeToggle = find(root, "[data-type-toggle]", HTMLButtonElement);
    this.typeForm = find(root, "[data-type-form]", HTMLFormElement);
    this.text = find(this.typeForm, "input", HTMLInputElement);
    this.listen(root);
    this.draw(session.state);
  }

  get holds() {
    return this.panel.choices.hold;
  }

  /** @param {HTMLElement} root */
  listen(root) {
    this.button.addEventListener("pointerdown", (event) => {
      if (!this.holds || event.button !== 0) return;
      this.button.setPointerCapture(event.pointerId);
      void this.session.press();
    });
    for (const type of ["pointerup", "pointercancel"]) {
      this.button.addEventListener(type, () => this.session.release());
    }
    this.button.addEventListener("contextmenu", (event) => event.preventDefault());
    this.button.addEventListener("click", () => {
      if (!this.holds) this.talk();
    });
    this.stop.addEventListener("click", () => void this.session.stop());
    this.typeToggle.addEventListener("click", () => this.type(this.typeForm.hidden));
    this.typeForm.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.text.value.trim();
      this.text.value = "";
      if (text) void this.session.say(text);
    });
    root.addEventListener("click", (event) => letGo(event));
    document.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("keyup", (event) => {
      if (event.code === "Space") this.session.release();
    });
    window.addEventListener("blur", () => this.session.release());
  }

  talk() {
    const { phase } = this.session.state;
    if (phase === "idle") void this.session.start({ microphone: true });
    else if (phase === "live") void this.session.toggleMicrophone();
  }

  /** @param {boolean} open */
  type(open) {
    this.typeForm.hidden = !open;
    this.typeToggle.setAttribute("aria-expanded", String(open));
    if (open) this.text.focus();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") this.escape();
    else if (event.code === "Space" && this.spaceIsFree(event.target)) {
      event.preventDefault();
      if (event.repeat) return;
      if (this.holds) void this.session.press();
      else this.talk();
    }
  }

  /**
   * Space belongs to the field or the control that has the focus, except the talk button itself.
   * @param {EventTarget | null} target
   */
  spaceIsFree(target) {
    if (!(target instanceof Element) || target === this.button) return true;
    return !target.closest("input, textarea, select, button, a, summary, [contenteditable]");
  }

  /** The nearest thing that can be stopped: the sheet, the reply, the conversation. */
  escape() {
    const { status } = this.session.state;
    const { isOpen, covers, panel } = this.panel;
    if (isOpen && (covers || panel.contains(document.activeElement))) this.panel.open(false);
    else if (status === "speaking" || status === "responding") this.session.interrupt();
    else void this.session.stop();
  }

  /** @param {number} rms */
  level(rms) {
    this.button.style.setProperty("--level", loudness(rms).toFixed(3));
  }

  /** @param {State} state */
  draw(state) {
    const { phase, microphone, muted, holding } = state;
    const live = phase === "live";
    const open = live && microphone && !muted && (!this.holds || holding);
    this.button.dataset.open = String(open);
    this.button.setAttribute("aria-pressed", String(open));
    this.button.disabled = phase === "ending" || phase === "reconnecting";
    this.stop.disabled = phase === "idle" || phase === "ending";
    this.glyph.setAttribute("href", live && !open && !this.holds ? "#i-mic-off" : "#i-mic");
    this.label.textContent = this.words[this.labelOf(live, open)] ?? "";
    this.word.textContent = this.words[`status_${this.wordOf(state, open)}`] ?? "";
    if (!open) this.level(0);
  }

  /**
   * @param {boolean} live
   * @param {boolean} open
   */
  labelOf(live, open) {
    if (this.holds) return "talk_hold";
    if (!live) return "talk_start";
    return open ? "talk_mute" : "talk_unmute";
  }

  /**
   * @param {State} state
   * @param {boolean} open
   */
  wordOf({ phase, status }, open) {
    if (phase !== "live") return phase;
    if (status !== "listening" || open) return status ?? "listening";
    return this.holds ? "hold" : "muted";
  }
}

/**
 * After the mouse, a switch gives the space bar back to talking; the keyboard keeps its place.
 * @param {MouseEvent} event
 */
function letGo({ detail }) {
  const { activeElement } = document;
  const keeps = "[data-hold-toggle], [data-newest], input[type=checkbox], input[type=range], summary";
  if (detail > 0 && activeElement instanceof HTMLElement && activeElement.matches(keeps)) activeElement.blur();
}
