/**
 * Texts in the person's language. The server translates them and sends them with the page, by key.
 *
 * @typedef {Record<string, string>} Words  Key to text; names in braces are placeholders.
 */

/**
 * Puts values in the place of a text's placeholders.
 *
 * @param {string | undefined} text  For instance "Ended: {turns} turns".
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function formatText(text = "", values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
