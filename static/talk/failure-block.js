/**
 * What went wrong with a turn, below it: what happened, what was kept, what to do, with buttons.
 * ``templates/history/_failure.html`` draws the same of a turn that was kept.
 *
 * @import {Action} from "./action-controls.js"
 * @import {Explained} from "./error-explanations.js"
 * @import {PageConfig} from "./page-config.js"
 * @import {Turn} from "./turn-store.js"
 */
import { createActionControl } from "./action-controls.js";
import { createElement } from "./dom.js";
import { explainError, inARow } from "./error-explanations.js";

/**
 * Redraws only where something else is to be said: buttons and opened details stay as they are.
 *
 * @param {HTMLElement} block
 * @param {Turn} turn
 * @param {PageConfig} config
 * @param {(explained: Explained, said: string) => Action[]} offers
 */
export function drawFailure(block, turn, config, offers) {
  const { error, transcript } = turn;
  block.hidden = error === null;
  if (!error) return;
  const text = failureText(turn, config);
  if (block.dataset.error === error.code && block.firstChild?.textContent === text) return;
  const explained = explainError(error, config);
  block.dataset.error = error.code;
  block.classList.toggle("soft", explained.quiet);
  const line = createElement("p", "", text);
  line.dir = "auto";
  block.replaceChildren(line);
  const controls = offers(explained, transcript).map((action) => createActionControl(action));
  if (controls.length) {
    const row = createElement("div", "offers");
    row.append(...controls);
    block.append(row);
  }
  if (explained.detail) block.append(createDetail(explained.detail, config));
}

/**
 * All that is said of a turn's error; empty where there is none.
 *
 * @param {Turn} turn
 * @param {PageConfig} config
 */
export function failureText({ error, transcript }, config) {
  if (!error) return "";
  const { words } = config;
  const { happened, advice, quiet } = explainError(error, config);
  // The line above says already that nothing was understood.
  if (error.code === "no_speech" && transcript === "") return advice;
  const kept = quiet ? "" : transcript ? words.kept_words : words.kept_before;
  return inARow(config, happened, kept, advice);
}

/**
 * @param {string} message
 * @param {PageConfig} config
 */
function createDetail(message, { words }) {
  const details = createElement("details", "reported");
  const text = createElement("p", "", message);
  text.lang = "en";
  text.dir = "auto";
  details.append(createElement("summary", "", words.details), text);
  return details;
}
