/**
 * The words beside the sound: those that sound light up, a word that is clicked is heard, and the
 * turn that is heard or chosen is marked, with its figures beside it where there is room.
 *
 * Events: ``play`` (detail: ms) where somebody asks to hear from a place.
 *
 * @import {Words} from "../talk/i18n.js"
 * @import {PlacedTurn} from "./conversation.js"
 * @import {Anchor, TimedWord} from "./word-times.js"
 */
import { createElement, findElement } from "../talk/dom.js";
import { formatText } from "../talk/i18n.js";
import { figure, median } from "../talk/waterfall.js";
import { timeOf, timeWords, wordAt } from "./word-times.js";

/** For so long after somebody has scrolled, the page stays where they are, ms. */
const LEFT_ALONE_MS = 6_000;
const LIGHTS = /** @type {const} */ (["user", "agent"]);

export class Transcript extends EventTarget {
  /** Times of the words of the turns that were heard so far, by turn and side. @type {Map<string, {text: string, anchors: Anchor[], words: TimedWord[]}>} */
  #timed = new Map();
  #selected = -1;
  /** Whether the turn that is selected is to be brought into view. */
  #reveals = false;
  #scrolledAt = -Infinity;

  /**
   * @param {HTMLElement} root
   * @param {{turns: PlacedTurn[], words: Words}} conversation
   */
  constructor(root, conversation) {
    super();
    this.root = root;
    this.turns = conversation.turns;
    this.words = conversation.words;
    this.list = findElement(root, ".turns", HTMLElement);
    this.title = findElement(root, "[data-figures-of]", HTMLElement);
    this.#showMedians();
    // Of a long conversation the next turns come when they are scrolled to, or when one is to be shown.
    this.list.addEventListener("htmx:afterSettle", () => this.#showSelected());
    this.list.addEventListener("click", (event) => this.#onClick(event));
    root.addEventListener("click", (event) => this.#onLink(event));
    this.list.addEventListener("focusin", (event) => this.#onFocus(event));
    for (const event of ["wheel", "touchmove"]) window.addEventListener(event, () => { this.#scrolledAt = performance.now(); }, { passive: true });
  }

  /**
   * @param {number} ms
   * @param {boolean} playing
   */
  setPlace(ms, playing) {
    for (const side of LIGHTS) {
      const index = this.turns.findIndex((turn) => spans(turn[side], ms));
      const turn = this.turns[index];
      light(side, playing && turn ? this.#soundingRange(turn, side, ms) : null);
    }
  }

  /**
   * @param {number} index  Of the turn.
   * @param {{reveal?: boolean}} [how]  ``reveal``: bring it into view, unless somebody reads elsewhere.
   */
  select(index, { reveal = false } = {}) {
    const turn = this.turns[index];
    if (!turn || index === this.#selected) return;
    this.#selected = index;
    this.#reveals = reveal;
    for (const event of this.root.querySelectorAll("[data-event-turn]")) {
      event.classList.toggle("of-current", event instanceof HTMLElement && event.dataset.eventTurn === String(turn.number));
    }
    this.#showFigures(turn);
    this.#showSelected();
  }

  #showSelected() {
    const turn = this.turns[this.#selected];
    if (!turn) return;
    const item = this.#itemOf(turn);
    const first = this.list.querySelector("li.turn");
    if (!item && Number(first instanceof HTMLElement && first.dataset.number) < turn.number) {
      const more = this.list.querySelector("[data-more]");
      if (more instanceof HTMLElement) more.click();
    }
    if (item?.hasAttribute("aria-current")) return;
    for (const other of this.list.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    item?.setAttribute("aria-current", "true");
    if (this.#reveals && item && performance.now() - this.#scrolledAt > LEFT_ALONE_MS) {
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      item.scrollIntoView({ block: "nearest", behavior: calm ? "instant" : "smooth" });
    }
  }

  get selected() {
    return this.#selected;
  }

  /** @param {PlacedTurn} turn */
  #itemOf(turn) {
    return this.list.querySelector(`[data-number="${turn.number}"]`);
  }

  /**
   * The text of one side of a turn, with the times of its words; null where it is not on the page.
   * @param {PlacedTurn} turn
   * @param {"user" | "agent"} side
   */
  #timedText(turn, side) {
    const node = this.#itemOf(turn)?.querySelector(`[data-said="${side}"]`)?.firstChild;
    if (!(node instanceof Text)) return null;
    const key = `${turn.number} ${side}`;
    let timed = this.#timed.get(key);
    if (!timed || timed.text !== node.data) {
      const anchors = anchorsOf(turn, side, node.data);
      timed = { text: node.data, anchors, words: timeWords(node.data, anchors) };
      this.#timed.set(key, timed);
    }
    return { node, ...timed };
  }

  /**
   * @param {PlacedTurn} turn
   * @param {"user" | "agent"} side
   * @param {number} ms
   */
  #soundingRange(turn, side, ms) {
    const timed = this.#timedText(turn, side);
    const word = timed && wordAt(timed.words, ms);
    if (!timed || !word) return null;
    const range = document.createRange();
    range.setStart(timed.node, word.start);
    range.setEnd(timed.node, word.end);
    return range;
  }

  /** @param {Event} event */
  #onFocus({ target }) {
    const item = target instanceof Element ? target.closest("li.turn") : null;
    if (item instanceof HTMLElement) this.#selectItem(item);
  }

  /** @param {HTMLElement} item */
  #selectItem(item) {
    this.select(this.turns.findIndex(({ number }) => number === Number(item.dataset.number)));
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    if (!(event.target instanceof Element)) return;
    const item = event.target.closest("li.turn");
    if (!(item instanceof HTMLElement)) return;
    this.#selectItem(item);
    const said = event.target.closest("[data-said]");
    const turn = this.turns.find(({ number }) => number === Number(item.dataset.number));
    // Who selects text does not ask to hear it.
    if (!turn || !(said instanceof HTMLElement) || !document.getSelection()?.isCollapsed) return;
    const side = said.dataset.said === "user" ? "user" : "agent";
    const timed = this.#timedText(turn, side);
    const place = placeIn(event, said);
    if (!timed || place === null || timed.anchors.length < 2) return;
    const word = timed.words.findLast(({ start }) => start <= place);
    this.#ask(word ? word.from : timeOf(place, timed.anchors));
  }

  /** @param {MouseEvent} event */
  #onLink(event) {
    const link = event.target instanceof Element ? event.target.closest("[data-play-from], [data-at]") : null;
    if (!(link instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#ask(Number(link.dataset.playFrom ?? link.dataset.at));
  }

  /** @param {number} ms */
  #ask(ms) {
    this.dispatchEvent(new CustomEvent("play", { detail: ms }));
  }

  #showMedians() {
    for (const row of this.root.querySelectorAll("[data-figure]")) {
      const name = row instanceof HTMLElement ? (row.dataset.figure ?? "") : "";
      const known = this.turns.map(({ latency }) => latency[name]).filter((ms) => ms !== null && ms !== undefined);
      findElement(row, "[data-of-session]", HTMLElement).textContent = figure(median(known));
    }
  }

  /** @param {PlacedTurn} turn */
  #showFigures(turn) {
    this.title.replaceChildren(createElement("span", "", formatText(this.words.figures, { number: turn.number })));
    for (const row of this.root.querySelectorAll("[data-figure]")) {
      const name = row instanceof HTMLElement ? (row.dataset.figure ?? "") : "";
      findElement(row, "[data-of-turn]", HTMLElement).textContent = figure(turn.latency[name]);
    }
  }
}

/**
 * Where in the text which time is known: of the person's words, that they begin and end with their
 * speech; of the agent's, where each sentence begins.
 * @param {PlacedTurn} turn
 * @param {"user" | "agent"} side
 * @param {string} text
 * @returns {Anchor[]}
 */
export function anchorsOf(turn, side, text) {
  if (side === "user") return turn.speech ? [[0, turn.speech[0]], [text.length, turn.speech[1]]] : [];
  if (!turn.agent) return [];
  const [start, heardUntil] = turn.agent;
  /** @type {Anchor[]} */
  const sentences = turn.sentences.filter(([place]) => place < text.length).map(([place, ms]) => [place, start + ms]);
  // Where the text goes on beyond what was heard, the first sentence that was not says when this one ends.
  const next = turn.sentences.find(([place]) => place >= text.length);
  const end = next ? Math.min(start + next[1], heardUntil) : heardUntil;
  return [...(sentences.length > 0 ? sentences : /** @type {Anchor[]} */ ([[0, start]])), [text.length, Math.max(end, sentences.at(-1)?.[1] ?? start)]];
}

/**
 * @param {[number, number] | null} span
 * @param {number} ms
 */
function spans(span, ms) {
  return span !== null && ms >= span[0] && ms < span[1];
}

/**
 * @param {string} side
 * @param {Range | null} range
 */
function light(side, range) {
  // Without it the turn is marked all the same.
  if (!("highlights" in CSS)) return;
  if (range) CSS.highlights.set(`sounding-${side}`, new Highlight(range));
  else CSS.highlights.delete(`sounding-${side}`);
}

/**
 * The place in an element's text that was clicked.
 * @param {MouseEvent} event
 * @param {HTMLElement} element
 * @returns {number | null}
 */
function placeIn(event, element) {
  // Older engines have the second alone.
  const position = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  const range = position ? null : document.caretRangeFromPoint?.(event.clientX, event.clientY);
  const node = position?.offsetNode ?? range?.startContainer;
  const offset = position?.offset ?? range?.startOffset;
  return node && offset !== undefined && element.contains(node) ? offset : null;
}
