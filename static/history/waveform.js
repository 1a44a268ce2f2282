/**
 * How loud one side of a conversation is along its axis, at any zoom; and where both are quiet.
 *
 * Nothing here touches the page.
 */

/** Each level has a quarter of the values of the one before. */
const FACTOR = 4;
/** Of 255: what is softer is taken for silence. It is a square root: 1 % of full scale. */
const QUIET_PEAK = 26;
/** A silence is skipped where it is longer than this, ms. */
const SHORTEST_SKIP_MS = 700;
/** So much of a silence stays before and after what sounds, ms. */
const KEPT_MS = 150;

/**
 * @param {string} base64
 * @returns {Uint8Array}
 */
export function decodePeaks(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

export class Waveform {
  /** The peaks, then the loudest of each four of them, and so on. @type {Uint8Array[]} */
  #levels;

  /**
   * @param {Uint8Array} peaks  A byte a step.
   * @param {number} stepMs
   */
  constructor(peaks, stepMs) {
    this.stepMs = stepMs;
    this.#levels = [peaks];
    for (let finer = peaks; finer.length > FACTOR; finer = /** @type {Uint8Array} */ (this.#levels.at(-1))) {
      const coarser = new Uint8Array(Math.ceil(finer.length / FACTOR));
      for (const [i, peak] of finer.entries()) {
        const place = Math.floor(i / FACTOR);
        coarser[place] = Math.max(coarser[place] ?? 0, peak);
      }
      this.#levels.push(coarser);
    }
  }

  /** @returns {Uint8Array} */
  get peaks() {
    return /** @type {Uint8Array} */ (this.#levels[0]);
  }

  /**
   * The loudest peak of each of ``count`` columns.
   * @param {number} fromMs
   * @param {number} msAColumn
   * @param {number} count
   * @returns {number[]}  0..255.
   */
  columns(fromMs, msAColumn, count) {
    const level = Math.max(0, Math.min(this.#levels.length - 1, Math.floor(Math.log(msAColumn / this.stepMs) / Math.log(FACTOR))));
    const values = /** @type {Uint8Array} */ (this.#levels[level]);
    const stepMs = this.stepMs * FACTOR ** level;
    return Array.from({ length: count }, (_, i) => {
      const first = Math.floor((fromMs + i * msAColumn) / stepMs);
      const last = Math.max(first + 1, Math.ceil((fromMs + (i + 1) * msAColumn) / stepMs));
      let loudest = 0;
      for (let at = Math.max(first, 0); at < last && at < values.length; at += 1) loudest = Math.max(loudest, values[at] ?? 0);
      return loudest;
    });
  }
}

/**
 * The outline of columns, mirrored about a line, as an SVG path: soft ones are drawn larger than they
 * are, so that they are seen.
 * @param {number[]} columns  0..255.
 * @param {number} width  Of a column.
 * @param {number} middle
 * @param {number} half  The height of 255.
 */
export function outline(columns, width, middle, half) {
  /** @type {string[]} */
  const parts = [];
  for (const [i, peak] of columns.entries()) {
    if (peak === 0) continue;
    const height = Math.max(0.5, (peak / 255) ** 1.5 * half);
    const left = (i * width).toFixed(1);
    parts.push(`M${left} ${(middle - height).toFixed(1)}h${width}v${(2 * height).toFixed(1)}h-${width}z`);
  }
  return parts.join("");
}

/**
 * Where nobody is heard for long, as [from, to] in ms: what "skip silence" leaves out.
 * @param {Waveform[]} sides
 * @param {number} wholeMs
 * @returns {[number, number][]}
 */
export function silences(sides, wholeMs) {
  const stepMs = sides[0]?.stepMs ?? wholeMs;
  const count = Math.ceil(wholeMs / stepMs);
  /** @type {[number, number][]} */
  const found = [];
  let from = 0;
  for (let i = 0; i <= count; i += 1) {
    const sounds = i < count && sides.some(({ peaks }) => (peaks[i] ?? 0) >= QUIET_PEAK);
    if (!sounds && i < count) continue;
    const [start, end] = [from === 0 ? 0 : from + KEPT_MS, Math.min(i * stepMs, wholeMs) - (i < count ? KEPT_MS : 0)];
    if (end - start >= SHORTEST_SKIP_MS - 2 * KEPT_MS) found.push([start, end]);
    from = (i + 1) * stepMs;
  }
  return found;
}
