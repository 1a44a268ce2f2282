// Selecting rows of the list with more comfort than checkboxes alone give: this page at once, a run
// of rows with Shift, the arrow keys from row to row, and how many are selected. The form works
// without it.

import { findElement } from "../talk/dom.js";

/** @type {HTMLInputElement | null} The row from which Shift selects. */
let anchor = null;

/** @returns {HTMLInputElement[]} */
const boxes = () => [
  .../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('input[name="session"]')),
];

/** @returns {HTMLFormElement | null} */
const form = () => document.querySelector("form[data-selection]");

/** Shows what is selected, and what selecting it all would be. */
function show() {
  const selection = form();
  if (!selection) return;
  const all = /** @type {HTMLInputElement | null} */ (selection.querySelector("[data-pick-all]"));
  const page = findElement(selection, "[data-pick-page]", HTMLInputElement);
  const rows = boxes();
  const picked = rows.filter((box) => box.checked).length;
  const everything = all?.checked ?? false;
  page.hidden = false;
  page.checked = picked === rows.length;
  page.indeterminate = picked > 0 && picked < rows.length;
  selection.toggleAttribute("data-ready", true);
  selection.toggleAttribute("data-some", picked > 0 || everything);
  const said = findElement(selection, "[data-picked]", HTMLElement);
  said.dataset.none ??= said.textContent ?? "";
  const { none = "", one = "", many = "" } = said.dataset;
  const words = picked === 1 ? one : many.replace("{count}", String(picked));
  said.textContent = picked ? words : none;
  said.parentElement?.toggleAttribute("hidden", everything);
}

/**
 * Gives every row between two the state of the latter.
 *
 * @param {HTMLInputElement} from
 * @param {HTMLInputElement} to
 */
function extend(from, to) {
  const rows = boxes();
  const ends = [rows.indexOf(from), rows.indexOf(to)];
  for (const box of rows.slice(Math.min(...ends), Math.max(...ends) + 1)) box.checked = to.checked;
}

/** @param {Event} event */
function onClick(event) {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  if (box.matches("[data-pick-page]")) for (const other of boxes()) other.checked = box.checked;
  if (box.name === "session") {
    const shift = event instanceof MouseEvent && event.shiftKey;
    if (shift && anchor?.isConnected) extend(anchor, box);
    anchor = box;
  }
  show();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.name !== "session") return;
  const rows = boxes();
  if (event.key === "Escape") for (const other of rows) other.checked = false;
  else if (event.key === "a" && (event.ctrlKey || event.metaKey)) for (const other of rows) other.checked = true;
  else {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && rows[rows.indexOf(box) + step];
    if (!next) return;
    if (event.shiftKey) next.checked = box.checked = true;
    next.focus();
  }
  event.preventDefault();
  show();
}

/**
 * After a title was saved, the keyboard is where it was: at the row's link that edits it.
 *
 * @param {Event} event
 */
function onSwap(event) {
  const cell = event.target;
  if (!(cell instanceof HTMLElement) || !cell.matches(".what") || cell.querySelector("form")) return;
  /** @type {HTMLElement | null} */ (cell.querySelector(".edit"))?.focus();
}

document.addEventListener("htmx:afterSettle", onSwap);
document.addEventListener("click", onClick);
document.addEventListener("keydown", onKey);
document.addEventListener("htmx:afterSettle", show);
window.addEventListener("pageshow", show);
