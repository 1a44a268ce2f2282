/**
 * The level meter: a chart of the last seconds (about twenty on a desktop), the microphone above the
 * line, the reply below, with a mark where speech started, a turn ended or a reply was interrupted.
 */

const STEP_MS = 60;
/** Pixels a step; whole ones, so that the bars stay sharp. */
const STEP_PX = 2;
const MAX_STEPS = 1_000;
/** Between two drawings, for people who want less motion. */
const REDUCED_MOTION_MS = 500;
const FLOOR_DB = -60;

/**
 * @param {number} rms  0..1
 * @returns {number} On a scale of decibels: 0 at -60 dB, 1 at full scale.
 */
export function loudness(rms) {
  return rms <= 0 ? 0 : Math.min(1, Math.max(0, 1 - (20 * Math.log10(rms)) / FLOOR_DB));
}

/** @typedef {"speech_started"|"speech_ended"|"interrupted"} Mark */

export class LevelMeter {
  /** @type {{input: number, output: number, mark: Mark | null}[]} */
  #steps = [];
  #inputLevel = 0;
  #outputLevel = 0;
  /** @type {Mark | null} */
  #mark = null;
  /** @type {number | undefined} */
  #timer;
  #drawnAt = 0;
  #reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  start() {
    if (this.#timer !== undefined) return;
    this.#steps = [];
    this.#timer = window.setInterval(() => this.#addStep(), STEP_MS);
  }

  stop() {
    window.clearInterval(this.#timer);
    this.#timer = undefined;
    this.#inputLevel = 0;
    this.#outputLevel = 0;
  }

  /** @param {number} rms  Of the microphone, 0..1; the loudest of a step is drawn. */
  setInputLevel(rms) {
    this.#inputLevel = Math.max(this.#inputLevel, loudness(rms));
  }

  /** @param {number} rms  Of the playback, 0..1. */
  setOutputLevel(rms) {
    this.#outputLevel = loudness(rms);
  }

  /** @param {Mark} mark */
  addMark(mark) {
    if (this.#mark !== "interrupted") this.#mark = mark;
  }

  #addStep() {
    this.#steps.push({ input: this.#inputLevel, output: this.#outputLevel, mark: this.#mark });
    if (this.#steps.length > MAX_STEPS) this.#steps.shift();
    this.#inputLevel = 0;
    this.#mark = null;
    const now = performance.now();
    if (this.#reducedMotion.matches && now - this.#drawnAt < REDUCED_MOTION_MS) return;
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
    const shown = this.#steps.slice(-Math.floor(width / STEP_PX));
    const from = Math.floor(width) - shown.length * STEP_PX;
    for (const [i, { input, output, mark }] of shown.entries()) {
      const x = from + i * STEP_PX;
      pen.fillStyle = colour("--user");
      pen.fillRect(x, middle - input * (middle - 1), 1, input * (middle - 1));
      pen.fillStyle = colour("--agent");
      pen.fillRect(x, middle + 1, 1, output * (middle - 2));
      if (!mark) continue;
      pen.fillStyle = colour(mark === "interrupted" ? "--ink" : "--ink-soft");
      if (mark === "speech_started") pen.fillRect(x, 0, 1, middle);
      else if (mark === "speech_ended") pen.fillRect(x, middle - 3, 1, 7);
      else pen.fillRect(x - 1, 0, 2, height);
    }
  }
}
