/**
 * The log of raw events in the settings panel: every message on the socket, and one row for each
 * run of audio frames.
 *
 * @import {ClientMessage, ServerMessage} from "./protocol-types"
 */
import { createElement, findElement } from "./dom.js";

const MAX_ROWS = 400;
/** Wide enough for a column of its own beside the conversation. */
const WIDE = window.matchMedia("(min-width: 90rem)");
/** In characters. */
const MAX_DETAIL = 400;

export class EventLog {
  /** @type {HTMLElement[]} */
  #rows = [];
  #count = 0;
  #startedAt = 0;
  /** The row to which the next audio frame is added. @type {{key: string, frames: number, bytes: number, row: HTMLElement} | null} */
  #audioRun = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.details = findElement(root, "[data-events]", HTMLDetailsElement);
    this.list = findElement(root, "[data-events-list]", HTMLElement);
    this.counter = findElement(root, "[data-events-count]", HTMLElement);
    this.narrowPlace = /** @type {HTMLElement} */ (this.details.parentElement);
    this.widePlace = findElement(root, "[data-events-column]", HTMLElement);
    this.details.addEventListener("toggle", () => this.#render());
    WIDE.addEventListener("change", () => this.#place());
    this.#place();
  }

  /** Moves the log beside the conversation, or back into the panel. */
  #place() {
    const place = WIDE.matches ? this.widePlace : this.narrowPlace;
    if (this.details.parentElement !== place) place.append(this.details);
    this.details.open = WIDE.matches;
  }

  clear() {
    this.#rows = [];
    this.#count = 0;
    this.#audioRun = null;
    this.#startedAt = performance.now();
    this.list.replaceChildren();
    this.counter.textContent = "0";
  }

  /**
   * @param {"up"|"down"} direction
   * @param {ClientMessage | ServerMessage} message
   */
  addMessage(direction, message) {
    const { type, ...rest } = message;
    this.#audioRun = null;
    this.#append(direction, type, JSON.stringify(rest).slice(0, MAX_DETAIL));
  }

  /**
   * @param {"up"|"down"} direction
   * @param {number} bytes
   * @param {boolean} gap  A frame before this one was lost.
   */
  addAudio(direction, bytes, gap) {
    const key = `${direction}${gap}`;
    if (this.#audioRun?.key !== key) {
      const row = this.#append(direction, gap ? "audio after a gap" : "audio", "");
      this.#audioRun = { key, frames: 0, bytes: 0, row };
    }
    const run = this.#audioRun;
    run.frames += 1;
    run.bytes += bytes;
    const detail = run.row.lastElementChild;
    if (detail) detail.textContent = `× ${run.frames}, ${Math.ceil(run.bytes / 1024)} KiB`;
  }

  /**
   * @param {"up"|"down"} direction
   * @param {string} type
   * @param {string} detail
   */
  #append(direction, type, detail) {
    const row = createElement("li", direction);
    const at = ((performance.now() - this.#startedAt) / 1000).toFixed(2);
    row.append(
      createElement("span", "at", at),
      createElement("span", "way", direction === "up" ? "↑" : "↓"),
      createElement("span", "type", type),
      createElement("span", "detail", detail),
    );
    this.#rows.push(row);
    if (this.#rows.length > MAX_ROWS) this.#rows.shift()?.remove();
    this.#count += 1;
    this.counter.textContent = String(this.#count);
    if (this.details.open) {
      this.list.append(row);
      this.#followEnd();
    }
    return row;
  }

  #render() {
    this.list.replaceChildren(...(this.details.open ? this.#rows : []));
    this.#followEnd();
  }

  /** The list scrolls in the panel; beside the conversation its column does. */
  #followEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.widePlace.scrollTop = this.widePlace.scrollHeight;
  }
}
