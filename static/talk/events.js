/**
 * The raw events, for the curious: every message of the socket, and audio by the run.
 *
 * @import {ClientMessage, ServerMessage} from "./protocol.js"
 */
import { find, make } from "./words.js";

const MOST = 400;
const LONGEST = 400;

export class Events {
  /** @type {HTMLElement[]} */
  #rows = [];
  #count = 0;
  #since = 0;
  /** @type {{key: string, frames: number, bytes: number, row: HTMLElement} | null} */
  #run = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.details = find(root, "[data-events]", HTMLDetailsElement);
    this.list = find(root, "[data-events-list]", HTMLElement);
    this.counter = find(root, "[data-events-count]", HTMLElement);
    this.details.addEventListener("toggle", () => this.#render());
  }

  clear() {
    this.#rows = [];
    this.#count = 0;
    this.#run = null;
    this.#since = performance.now();
    this.list.replaceChildren();
    this.counter.textContent = "0";
  }

  /**
   * @param {"up"|"down"} direction
   * @param {ClientMessage | ServerMessage} message
   */
  add(direction, message) {
    const { type, ...rest } = message;
    this.#run = null;
    this.#append(direction, type, JSON.stringify(rest).slice(0, LONGEST));
  }

  /**
   * @param {"up"|"down"} direction
   * @param {number} bytes
   * @param {boolean} gap  Something before this piece was lost.
   */
  audio(direction, bytes, gap) {
    const key = `${direction}${gap}`;
    if (this.#run?.key !== key) {
      const row = this.#append(direction, gap ? "audio after a gap" : "audio", "");
      this.#run = { key, frames: 0, bytes: 0, row };
    }
    const run = this.#run;
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
    const row = make("li", direction);
    const at = ((performance.now() - this.#since) / 1000).toFixed(2);
    row.append(
      make("span", "at", at),
      make("span", "way", direction === "up" ? "↑" : "↓"),
      make("span", "type", type),
      make("span", "detail", detail),
    );
    this.#rows.push(row);
    if (this.#rows.length > MOST) this.#rows.shift()?.remove();
    this.#count += 1;
    this.counter.textContent = String(this.#count);
    if (this.details.open) {
      this.list.append(row);
      this.list.scrollTop = this.list.scrollHeight;
    }
    return row;
  }

  #render() {
    this.list.replaceChildren(...(this.details.open ? this.#rows : []));
    this.list.scrollTop = this.list.scrollHeight;
  }
}
