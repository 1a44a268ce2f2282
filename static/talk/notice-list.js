/**
 * The notices above the controls: one line each, with buttons for what can be done. A new notice
 * replaces an older one of the same name.
 *
 * Each is read out once: errors at once, all others when the screen reader is free. A live region
 * must be on the page before its text, so the latter are said by ``announce``.
 *
 * @import {Action} from "./action-controls.js"
 */
import { createActionControl } from "./action-controls.js";
import { createElement, findElement } from "./dom.js";

export class NoticeList {
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} root
   * @param {string} dismissLabel  Of the button that closes a notice.
   * @param {(text: string) => void} announce
   */
  constructor(root, dismissLabel, announce) {
    this.container = findElement(root, "[data-notices]", HTMLElement);
    /** Gets the focus of a button that goes away. */
    this.refuge = findElement(root, "[data-scroll]", HTMLElement);
    this.dismissLabel = dismissLabel;
    this.announce = announce;
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {{error?: boolean, actions?: Action[], link?: {href: string, label: string}, progress?: string}} [how]
   *   ``progress`` changes while the notice stands, and is not read out.
   */
  show(name, text, { error = false, actions = [], link, progress = "" } = {}) {
    const before = this.#shown.get(name);
    if (before && progress && before.dataset.text === text) {
      findElement(before, ".progress", HTMLElement).textContent = progress;
      return;
    }
    this.clear(name);
    const notice = createElement("div", error ? "notice error" : "notice");
    notice.dataset.notice = name;
    notice.dataset.text = text;
    const line = createElement("p", "", text);
    line.dir = "auto";
    if (progress) {
      const part = createElement("span", "progress", progress);
      part.setAttribute("aria-live", "off");
      line.append(" ", part);
    }
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.textContent = link.label;
      line.append(" ", anchor);
    }
    notice.append(line, ...actions.map((action) => createActionControl(action, () => this.clear(name))));
    notice.append(this.#createCloseButton(name));
    if (error) notice.setAttribute("role", "alert");
    else this.announce(text);
    this.#shown.set(name, notice);
    this.container.append(notice);
  }

  /** @param {string[]} names */
  clear(...names) {
    for (const name of names) {
      const notice = this.#shown.get(name);
      if (!notice) continue;
      const focused = notice.contains(document.activeElement);
      notice.remove();
      this.#shown.delete(name);
      if (focused) this.refuge.focus({ preventScroll: true });
    }
  }

  clearAll() {
    this.clear(...this.#shown.keys());
  }

  /** @param {string} name */
  #createCloseButton(name) {
    const button = createElement("button", "button plain close");
    button.setAttribute("type", "button");
    button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-close"/></svg>';
    button.append(createElement("span", "sr-only", this.dismissLabel));
    button.addEventListener("click", () => this.clear(name));
    return button;
  }
}
