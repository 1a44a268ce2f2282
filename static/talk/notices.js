/**
 * Things to know or to do, one line each, above the controls; a new one takes the place of an
 * older one of the same name.
 *
 * @typedef {{label: string, act: () => void}} Action
 */
import { find, make } from "./words.js";

export class Notices {
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} root
   * @param {string} dismiss  The word for it.
   */
  constructor(root, dismiss) {
    this.place = find(root, "[data-notices]", HTMLElement);
    this.dismiss = dismiss;
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {{error?: boolean, actions?: Action[], link?: {href: string, label: string}}} [how]
   */
  show(name, text, { error = false, actions = [], link } = {}) {
    this.clear(name);
    const notice = make("div", error ? "notice error" : "notice");
    notice.dataset.notice = name;
    notice.setAttribute("role", error ? "alert" : "status");
    const line = make("p", "", text);
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.textContent = link.label;
      line.append(" ", anchor);
    }
    notice.append(line, ...actions.map((action) => this.#button(name, action)));
    notice.append(this.#close(name));
    this.#shown.set(name, notice);
    this.place.append(notice);
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
   * @param {Action} action
   */
  #button(name, { label, act }) {
    const button = make("button", "button", label);
    button.setAttribute("type", "button");
    button.addEventListener("click", () => {
      this.clear(name);
      act();
    });
    return button;
  }

  /** @param {string} name */
  #close(name) {
    const button = make("button", "button plain close");
    button.setAttribute("type", "button");
    button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-close"/></svg>';
    button.append(make("span", "sr-only", this.dismiss));
    button.addEventListener("click", () => this.clear(name));
    return button;
  }
}
