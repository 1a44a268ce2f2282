/**
 * The page's words, in the person's language; the server gives them.
 *
 * @typedef {Record<string, string>} Words
 * @typedef {object} Config
 * @property {string} socket
 * @property {{capture: string, playback: string}} worklets
 * @property {string} history  Address of a session's page, with {session} in it.
 * @property {Record<"stt"|"llm"|"tts", Record<string, string>>} labels
 * @property {boolean} local  No provider in force needs a key.
 * @property {boolean} has_key
 * @property {Words} words
 */

/** @returns {Config} */
export function readConfig() {
  return JSON.parse(document.getElementById("talk-config")?.textContent ?? "{}");
}

/**
 * @param {string | undefined} text
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function fill(text = "", values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The element that a page must have for a module to work.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElement}
 */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
