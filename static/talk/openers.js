/**
 * Things to say first, as buttons, in the language of the conversation. Where the server knows none
 * in it, there are none.
 *
 * @import {PageConfig} from "./page-config.js"
 */
import { createElement, findElement } from "./dom.js";

export class Openers {
  /** @param {HTMLElement} root @param {PageConfig} config */
  constructor(root, config) {
    this.openers = config.openers;
    this.element = findElement(root, "[data-openers]", HTMLElement);
    this.list = findElement(this.element, "ul", HTMLElement);
  }

  /** @param {string} language the session's tag, empty for the server's own */
  draw(language) {
    const sentences = this.openers[language] ?? [];
    this.element.hidden = !sentences.length;
    this.list.replaceChildren(
      ...sentences.map((sentence) => {
        const button = createElement("button", "button opener", sentence);
        button.dir = "auto";
        button.dataset.opener = "";
        const item = createElement("li");
        item.append(button);
        return item;
      }),
    );
  }
}
