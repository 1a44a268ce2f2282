/**
 * The page's words, in the person's language; the server gives them.
 *
 * @typedef {Record<string, string>} Words
 * @typedef {object} Provider  As ``GET /api/v1/interaction/providers`` tells it.
 * @property {string} name
 * @property {string} label
 * @property {boolean} available
 * @property {string} reason  Why it is not available; empty where it is.
 * @property {string[]} models  The default first.
 * @property {string[]} voices
 * @property {string} voice  The default.
 * @property {boolean} tools
 * @property {boolean} needs_key
 * @property {""|"own"|"server"|"nobody"} key
 * @typedef {object} StageConfig
 * @property {string} default  The provider that serves where none is chosen.
 * @property {string[]} steps_in  Who steps in where neither is chosen.
 * @property {{name: string, model: string, voice: string}} chosen
 * @property {{name: string}[]} fallbacks
 * @property {Provider[]} providers
 * @typedef {object} Config
 * @property {string} socket
 * @property {{capture: string, playback: string}} worklets
 * @property {string} history  Address of a session's page, with {session} in it.
 * @property {string} template  Address of a template's text, with {template} in it.
 * @property {string} keys  Address of the page where keys are added.
 * @property {string} preferences  Address at which choices are kept.
 * @property {string} csrf
 * @property {Record<"stt"|"llm"|"tts"|"realtime", StageConfig>} stages
 * @property {Record<string, string>} tools  Names for people.
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
