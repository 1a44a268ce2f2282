/**
 * The figures beside the conversation, where the screen is wide enough: those of the latest turn,
 * and the session's medians.
 *
 * @import {PageConfig} from "./page-config.js"
 * @import {Latency} from "./protocol-types"
 * @import {Turn} from "./turn-store.js"
 */
import { createElement, findElement } from "./dom.js";
import { formatText } from "./i18n.js";
import { figure, median } from "./waterfall.js";

export class FiguresColumn {
  /**
   * @param {HTMLElement} root
   * @param {PageConfig} config
   */
  constructor(root, config) {
    this.words = config.words;
    this.title = findElement(root, "[data-figures-of]", HTMLElement);
    this.rows = config.metrics.map(({ name }) => {
      const row = findElement(root, `[data-figure="${name}"]`, HTMLElement);
      return { name, turn: findElement(row, "[data-of-turn]", HTMLElement), median: findElement(row, "[data-of-session]", HTMLElement) };
    });
    this.clear();
  }

  clear() {
    this.title.textContent = this.words.no_figures ?? "";
    for (const row of this.rows) row.turn.textContent = row.median.textContent = figure(null);
  }

  /**
   * @param {Turn} turn
   * @param {Turn[]} turns  All of the session.
   */
  showTurn(turn, turns) {
    if (turn !== turns.at(-1)) return;
    this.title.replaceChildren(createElement("span", "", formatText(this.words.figures, { number: turn.number })));
    for (const { name, turn: ofTurn, median: ofSession } of this.rows) {
      ofTurn.textContent = figure(turn.latency[name]);
      ofSession.textContent = figure(median(knownValues(turns, name)));
    }
  }
}

/**
 * @param {Turn[]} turns
 * @param {keyof Latency} name
 */
function knownValues(turns, name) {
  return turns.map(({ latency }) => latency[name]).filter((ms) => ms !== null && ms !== undefined);
}
