/**
 * The strip chart: the last seconds (about twenty on a desktop), the person above the line, the agent below, with a
 * mark where a turn was opened, ended or interrupted.
 */

const STEP_MS = 60;
/** Pixels a step; whole ones, so that the bars stay sharp. */
const STEP = 2;
const MOST_STEPS = 1_000;
const CALM_MS = 500;
const QUIETEST_DB = -60;

/**
 * @param {number} rms  0..1
 * @returns {number} The level as the ear has it: 0 at -60 dB, 1 at full scale.
 */
export function loudness(rms) {
  return rms <= 0 ? 0 : Math.min(1, Math.max(0, 1 - (20 * Math.log10(rms)) / QUIETEST_DB));
}

/** @typedef {"speech"|"end"|"cut"} Mark */

export class Strip {
  /** @type {{input: number, output: number, mark: Mark | null}[]} */
  #steps = [];
  #input = 0;
  #output = 0;
  /** @type {Mark | null} */
  #mark = null;
  /** @type {number | undefined} */
  #clock;
  #drawnAt = 0;
  #calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  start() {
    if (this.#clock !== undefined) return;
    this.#steps = [];
    this.#clock = window.setInterval(() => this.#step(), STEP_MS);
  }

  stop() {
    window.clearInterval(this.#clock);
    this.#clock = undefined;
    this.#input = 0;
    this.#output = 0;
  }

  /** @param {number} rms */
  input(rms) {
    this.#input = Math.max(this.#input, loudness(rms));
  }

  /** @param {number} rms */
  output(rms) {
    this.#output = loudness(rms);
  }

  /** @param {Mark} mark */
  mark(mark) {
    if (this.#mark !== "cut") this.#mark = mark;
  }

  #step() {
    this.#steps.push({ input: this.#input, output: this.#output, mark: this.#mark });
    if (this.#steps.length > MOST_STEPS) this.#steps.shift();
    this.#input = 0;
    this.#mark = null;
    const now = performance.now();
    if (this.#calm.matches && now - this.#drawnAt < CALM_MS) return;
    this.#drawnAt = now;
    this.#draw();
  }

  #draw() {
    const { canvas } = this;
    const density = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
    }
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    /** @param {string} name */
    const colour = (name) => style.getPropertyValue(name).trim();
    const middle = Math.round(height / 2);
    pen.fillStyle = colour("--line");
    pen.fillRect(0, middle, width, 1);
    const shown = this.#steps.slice(-Math.floor(width / STEP));
    const from = Math.floor(width) - shown.length * STEP;
    for (const [i, { input, output, mark }] of shown.entries()) {
      const x = from + i * STEP;
      pen.fillStyle = colour("--user");
      pen.fillRect(x, middle - input * (middle - 1), 1, input * (middle - 1));
      pen.fillStyle = colour("--agent");
      pen.fillRect(x, middle + 1, 1, output * (middle - 2));
      if (!mark) continue;
      pen.fillStyle = colour(mark === "cut" ? "--ink" : "--ink-soft");
      if (mark === "speech") pen.fillRect(x, 0, 1, middle);
      else if (mark === "end") pen.fillRect(x, middle - 3, 1, 7);
      else pen.fillRect(x - 1, 0, 2, height);
    }
  }
}
