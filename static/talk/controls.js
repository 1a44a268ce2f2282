/**
 * The controls at the bottom: the talk button with its level ring, the state as a word, stop, push
 * to talk, the text field; and the keyboard shortcuts.
 *
 * @import {Words} from "./i18n.js"
 * @import {Session, SessionState} from "./session.js"
 * @import {SettingsPanel} from "./settings-panel.js"
 */
import { findElement } from "./dom.js";
import { loudness } from "./level-meter.js";

export class Controls {
  /**
   * @param {HTMLElement} root
   * @param {Session} session
   * @param {SettingsPanel} panel
   * @param {Words} words
   */
  constructor(root, session, panel, words) {
    this.session = session;
    this.panel = panel;
    this.words = words;
    this.button = findElement(root, "[data-talk]", HTMLButtonElement);
    this.label = findElement(root, "[data-talk-label]", HTMLElement);
    this.glyph = findElement(root, "[data-talk-glyph]", SVGUseElement);
    this.status = findElement(root, "[data-state]", HTMLElement);
    this.stopButton = findElement(root, "[data-stop]", HTMLButtonElement);
    this.textToggle = findElement(root, "[data-type-toggle]", HTMLButtonElement);
    this.textForm = findElement(root, "[data-type-form]", HTMLFormElement);
    this.textInput = findElement(this.textForm, "input", HTMLInputElement);
    this.bindEvents(root);
    this.draw(session.state);
  }

  get pushToTalk() {
    return this.panel.choices.hold;
  }

  /** @param {HTMLElement} root */
  bindEvents(root) {
    this.button.addEventListener("pointerdown", (event) => {
      if (!this.pushToTalk || event.button !== 0) return;
      this.button.setPointerCapture(event.pointerId);
      void this.session.startHolding();
    });
    for (const type of ["pointerup", "pointercancel"]) {
      this.button.addEventListener(type, () => this.session.stopHolding());
    }
    this.button.addEventListener("contextmenu", (event) => event.preventDefault());
    this.button.addEventListener("click", () => {
      if (!this.pushToTalk) this.toggleTalking();
    });
    this.stopButton.addEventListener("click", () => void this.session.stop());
    this.textToggle.addEventListener("click", () => this.showTextField(this.textForm.hidden));
    this.textForm.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.textInput.value.trim();
      this.textInput.value = "";
      if (text) void this.session.sendText(text);
    });
    root.addEventListener("click", (event) => releaseFocus(event));
    document.addEventListener("keydown", (event) => this.onKeyDown(event));
    document.addEventListener("keyup", (event) => {
      if (event.code === "Space") this.session.stopHolding();
    });
    window.addEventListener("blur", () => this.session.stopHolding());
  }

  /** The talk button without push to talk: starts a conversation, or toggles the microphone. */
  toggleTalking() {
    const { phase } = this.session.state;
    if (phase === "idle") void this.session.start({ microphone: true });
    else if (phase === "live") void this.session.toggleMicrophone();
  }

  /** @param {boolean} open */
  showTextField(open) {
    this.textForm.hidden = !open;
    this.textToggle.setAttribute("aria-expanded", String(open));
    if (open) this.textInput.focus();
  }

  /** @param {KeyboardEvent} event */
  onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") this.onEscape();
    else if (event.code === "Space" && this.isSpaceFree(event.target)) {
      event.preventDefault();
      if (event.repeat) return;
      if (this.pushToTalk) void this.session.startHolding();
      else this.toggleTalking();
    }
  }

  /**
   * Space belongs to the field or the control that has the focus, except the talk button itself.
   * @param {EventTarget | null} target
   */
  isSpaceFree(target) {
    if (!(target instanceof Element) || target === this.button) return true;
    return !target.closest("input, textarea, select, button, a, summary, [contenteditable]");
  }

  /** Closes or stops the first of these that there is: the panel, the reply, the conversation. */
  onEscape() {
    const { status } = this.session.state;
    const { isOpen, covers, panel } = this.panel;
    if (isOpen && (covers || panel.contains(document.activeElement))) this.panel.setOpen(false);
    else if (status === "speaking" || status === "responding") this.session.interruptReply();
    else void this.session.stop();
  }

  /** @param {number} rms */
  setLevel(rms) {
    this.button.style.setProperty("--level", loudness(rms).toFixed(3));
  }

  /** @param {SessionState} state */
  draw(state) {
    const { phase, microphone, muted, holding } = state;
    const live = phase === "live";
    const open = live && microphone && !muted && (!this.pushToTalk || holding);
    this.button.dataset.open = String(open);
    this.button.setAttribute("aria-pressed", String(open));
    this.button.disabled = phase === "ending" || phase === "reconnecting";
    this.stopButton.disabled = phase === "idle" || phase === "ending";
    this.glyph.setAttribute("href", live && !open && !this.pushToTalk ? "#i-mic-off" : "#i-mic");
    this.label.textContent = this.words[this.talkLabelKey(live, open)] ?? "";
    this.status.textContent = this.words[`status_${this.statusKey(state, open)}`] ?? "";
    if (!open) this.setLevel(0);
  }

  /**
   * @param {boolean} live
   * @param {boolean} open
   */
  talkLabelKey(live, open) {
    if (this.pushToTalk) return "talk_hold";
    if (!live) return "talk_start";
    return open ? "talk_mute" : "talk_unmute";
  }

  /**
   * @param {SessionState} state
   * @param {boolean} open
   */
  statusKey({ phase, status }, open) {
    if (phase !== "live") return phase;
    if (status !== "listening" || open) return status ?? "listening";
    return this.pushToTalk ? "hold" : "muted";
  }
}

/**
 * After the mouse, a switch gives the space bar back to talking; the keyboard keeps its place.
 * @param {MouseEvent} event
 */
function releaseFocus({ detail }) {
  const { activeElement } = document;
  const switches = "[data-hold-toggle], [data-newest], input[type=checkbox], input[type=range], summary";
  if (detail > 0 && activeElement instanceof HTMLElement && activeElement.matches(switches)) activeElement.blur();
}
