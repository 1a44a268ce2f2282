/**
 * The controls at the bottom: the talk button with its level ring, the state as a word, stop, push
 * to talk, the text field; and the two keys, by the rules of ``key-rules.js``.
 *
 * @import {Words} from "./i18n.js"
 * @import {Session, SessionState} from "./session.js"
 * @import {SettingsPanel} from "./settings-panel.js"
 */
import { findElement } from "./dom.js";
import { formatText } from "./i18n.js";
import { USES_SPACE, isTaken, onEscape } from "./key-rules.js";
import { loudness } from "./level-meter.js";

/** What the page waits for in these states; how long is said from the third second on. */
const WAITING = ["starting", "transcribing", "responding", "reconnecting", "ending"];
const SAID_AFTER_S = 3;
const OPEN_DIALOG = "dialog[open], [popover]:popover-open";

export class Controls {
  /** The details of a turn that were opened last. @type {HTMLDetailsElement | null} */
  #lastOpened = null;
  /** When the wait began, as ``performance.now()``; null while there is none. @type {number | null} */
  #waitingSince = null;
  /** @type {number | undefined} */
  #waitTimer;

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
    this.elapsed = findElement(root, "[data-elapsed]", HTMLElement);
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
    findElement(root, "[data-locked-end]", HTMLButtonElement).addEventListener("click", () => void this.session.stop());
    this.textToggle.addEventListener("click", () => this.showTextField(this.textForm.hidden));
    this.textForm.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.textInput.value.trim();
      this.textInput.value = "";
      if (text) void this.session.sendText(text);
    });
    root.addEventListener("click", (event) => {
      releaseFocus(event);
      const opener = event.target instanceof Element ? event.target.closest("[data-opener]") : null;
      if (opener?.textContent) void this.session.sendText(opener.textContent.trim());
    });
    root.addEventListener("toggle", ({ target }) => {
      if (target instanceof HTMLDetailsElement && target.open && target.closest("[data-turns]")) this.#lastOpened = target;
    }, { capture: true });
    document.addEventListener("keydown", (event) => this.onKeyDown(event));
    document.addEventListener("keyup", (event) => {
      if (event.code !== "Space") return;
      // Firefox clicks a button when the key is let go, though its being pressed was handled.
      if (event.target === this.button) event.preventDefault();
      this.session.stopHolding();
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
    else this.textToggle.focus();
  }

  /** @param {KeyboardEvent} event */
  onKeyDown(event) {
    if (isTaken(event)) return;
    if (event.key === "Escape" && !event.repeat) this.#escape();
    else if (event.code === "Space" && this.#isSpaceFree(event.target)) {
      event.preventDefault();
      if (event.repeat) return;
      if (this.pushToTalk) void this.session.startHolding();
      else this.toggleTalking();
    }
  }

  /** @param {EventTarget | null} target */
  #isSpaceFree(target) {
    return !(target instanceof Element) || target === this.button || !target.closest(USES_SPACE);
  }

  /** The details that Escape closes: those with the focus in them, or those opened last. */
  get #openDetails() {
    const focused = document.activeElement?.closest("details[open]");
    const found = focused instanceof HTMLDetailsElement ? focused : this.#lastOpened;
    return found?.open && found.checkVisibility() ? found : null;
  }

  #escape() {
    const { phase, status } = this.session.state;
    const details = this.#openDetails;
    const textOpen = !this.textForm.hidden;
    const act = onEscape({
      dialogOpen: document.querySelector(OPEN_DIALOG) !== null,
      panelOpen: this.panel.isOpen,
      detailsOpen: details !== null,
      textFieldFocused: textOpen && this.textForm.contains(document.activeElement),
      text: textOpen ? this.textInput.value : "",
      phase,
      status,
    });
    if (act === "close_panel") this.panel.setOpen(false);
    else if (act === "close_details") this.#closeDetails(details);
    else if (act === "close_text_field") this.showTextField(false);
    else if (act === "interrupt_reply") this.session.interruptReply();
    else if (act === "end_conversation") void this.session.stop();
  }

  /** @param {HTMLDetailsElement | null} details */
  #closeDetails(details) {
    this.#lastOpened = null;
    if (!details) return;
    const focused = details.contains(document.activeElement);
    details.open = false;
    if (focused) details.querySelector("summary")?.focus();
  }

  /** @param {number} rms */
  setLevel(rms) {
    this.button.style.setProperty("--level", loudness(rms).toFixed(3));
  }

  /** @param {number} rms  Of what is played. */
  setOutputLevel(rms) {
    this.button.style.setProperty("--output", loudness(rms).toFixed(3));
  }

  /** @param {SessionState} state */
  draw(state) {
    const { phase, status, microphone, muted, holding } = state;
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
    this.#timeWait(phase === "live" ? status : phase);
  }

  /**
   * Shows how long the page has waited, once that is long. Transcribing and responding are one wait.
   * @param {string | null} state
   */
  #timeWait(state) {
    const waiting = state !== null && WAITING.includes(state);
    if (waiting === (this.#waitingSince !== null)) return;
    window.clearInterval(this.#waitTimer);
    this.elapsed.textContent = "";
    this.#waitingSince = waiting ? performance.now() : null;
    if (waiting) this.#waitTimer = window.setInterval(() => this.#showWait(), 250);
  }

  #showWait() {
    const seconds = Math.floor((performance.now() - (this.#waitingSince ?? 0)) / 1000);
    if (seconds >= SAID_AFTER_S) this.elapsed.textContent = formatText(this.words.elapsed, { seconds });
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
