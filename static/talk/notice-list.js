/**
 * The notices above the controls: one line each, with buttons for what can be done. A new notice
 * replaces an older one of the same name.
 *
 * @typedef {{label: string, run: () => void}} NoticeAction
 */
import { createElement, findElement } from "./dom.js";

export class NoticeList {
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} root
   * @param {string} dismissLabel  Of the button that closes a notice.
   */
  constructor(root, dismissLabel) {
    this.container = findElement(root, "[data-notices]", HTMLElement);
    this.dismissLabel = dismissLabel;
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {{error?: boolean, actions?: NoticeAction[], link?: {href: string, label: string}}} [how]
   */
  show(name, text, { error = false, actions = [], link } = {}) {
    this.clear(name);
    const notice = createElement("div", error ? "notice error" : "notice");
    notice.dataset.notice = name;
    notice.setAttribute("role", error ? "alert" : "status");
    const line = createElement("p", "", text);
    line.dir = "auto";
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.textContent = link.label;
      line.append(" ", anchor);
    }
    notice.append(line, ...actions.map((action) => this.#createButton(name, action)));
    notice.append(this.#createCloseButton(name));
    this.#shown.set(name, notice);
    this.container.append(notice);
  }

  /** @param {string[]} names */
  clear(...names) {
    for (const name of names) {
      this.#shown.get(name)?.remove();
      this.#shown.delete(name);
    }
  }

  clearAll() {
    this.clear(...this.#shown.keys());
  }

  /**
   * @param {string} name
   * @param {NoticeAction} action
   */
  #createButton(name, { label, run }) {
    const button = createElement("button", "button", label);
    button.setAttribute("type", "button");
    button.addEventListener("click", () => {
      this.clear(name);
      run();
    });
    return button;
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
