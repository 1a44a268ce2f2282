/**
 * Buttons for what can be done about something that is said.
 *
 * @typedef {object} Action
 * @property {string} label
 * @property {() => void} [run]
 * @property {string} [href]  In place of ``run``: a page that is opened beside this one.
 * @property {string} [newTab]  With ``href``: says to a screen reader that it is.
 */
import { createElement } from "./dom.js";

/**
 * @param {Action} action
 * @param {() => void} [onRun]  Before it is run.
 * @returns {HTMLElement}
 */
export function createActionControl({ label, run, href, newTab }, onRun = () => {}) {
  if (href) {
    const link = document.createElement("a");
    link.className = "button";
    link.href = href;
    link.target = "_blank";
    link.rel = "noopener";
    link.append(label, createElement("span", "sr-only", ` (${newTab})`));
    return link;
  }
  const button = createElement("button", "button", label);
  button.setAttribute("type", "button");
  button.addEventListener("click", () => {
    onRun();
    run?.();
  });
  return button;
}
