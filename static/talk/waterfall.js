/**
 * The latency waterfall of a turn: one bar, divided by stage. ``history/waterfall.py`` computes
 * the same for the pages that the server renders; a test compares the two.
 *
 * Its total is the time to the first sound, of spoken and of typed turns alike: ``ear`` where the
 * client has measured it, else ``e2e``, which is named otherwise; never a sum of what is known.
 *
 * @import {Words} from "./i18n.js"
 * @import {Latency} from "./protocol-types"
 * @import {Turn} from "./turn-store.js"
 * @typedef {"end_of_turn"|"stt"|"llm"|"tts"|"playout"|"realtime"} StageName
 * @typedef {{stage: StageName, start: number, ms: number}} Segment  Both in ms.
 * @typedef {{total: number|null, segments: Segment[]}} Layout
 */

/**
 * Lays the stages out on one line that starts at the end of speech. The reply's first byte left the
 * server at ``e2e``, so synthesis and language model are placed back from there where they started
 * before the end of the turn was certain.
 *
 * @param {Partial<Latency>} latency
 * @returns {Layout}
 */
export function layOut(latency) {
  const endOfTurn = latency.end_of_turn_delay ?? 0;
  const transcribed = Math.max(endOfTurn, latency.transcription_delay ?? 0);
  const llm = latency.llm_ttfs ?? 0;
  const tts = latency.tts_ttfb ?? 0;
  const sent = latency.e2e ?? transcribed + llm + tts;
  const total = latency.ear ?? latency.e2e ?? null;
  const ttsFrom = Math.min(transcribed + llm, Math.max(0, sent - tts));
  const llmFrom = Math.min(transcribed, Math.max(0, ttsFrom - llm));
  /** @type {[StageName, number, number][]} */
  const spans = [
    ["end_of_turn", 0, endOfTurn],
    ["stt", endOfTurn, transcribed],
    ["llm", llmFrom, llmFrom + llm],
    ["tts", ttsFrom, ttsFrom + tts],
    // Only from the server's own figure on: before that it is not known what was playout.
    ["playout", sent, (latency.e2e === null || latency.e2e === undefined ? null : latency.ear) ?? sent],
  ];
  let drawn = 0;
  /** @type {Segment[]} */
  const segments = [];
  for (const [stage, from, to] of spans) {
    const start = Math.max(from, drawn);
    if (to > start) {
      segments.push({ stage, start, ms: to - start });
      drawn = to;
    }
  }
  return { total, segments };
}

/**
 * @param {number | null | undefined} ms
 * @returns {string} Whole milliseconds, or a dash for unknown.
 */
export function figure(ms) {
  return ms === null || ms === undefined ? "–" : String(Math.round(ms));
}

/**
 * What the total of a turn is measured to: the first sound at the person's ear, or the first audio
 * that left the server; null where neither is known.
 * @param {Partial<Latency>} latency
 * @returns {"ear"|"e2e"|null}
 */
export function totalMetric({ ear, e2e }) {
  if (ear !== null && ear !== undefined) return "ear";
  return e2e === null || e2e === undefined ? null : "e2e";
}

/**
 * Lays out a turn whose figures have not come yet, by the moments at which the page learned of each
 * step. The stage that is at work grows until the first sound.
 *
 * @param {Turn} turn
 * @param {number} now  On the clock of its moments.
 * @returns {Layout}
 */
export function layOutSoFar({ moments, mode, latency }, now) {
  const { begun, committed, transcribed, wrote, audible } = moments;
  if (begun === null || committed === null) return { total: null, segments: [] };
  const until = audible ?? now;
  // The first sound is measured more exactly than the page learns of the steps: they are fitted to it.
  const scale = audible !== null && audible > begun ? (latency.ear ?? audible - begun) / (audible - begun) : 1;
  /** @type {[StageName, number | null][]} Each stage with the moment at which it began. */
  const begins = mode === "realtime"
    ? [["end_of_turn", begun], ["realtime", committed]]
    : [["end_of_turn", begun], ["stt", committed], ["llm", transcribed], ["tts", wrote]];
  const known = /** @type {[StageName, number][]} */ (begins.filter(([, from]) => from !== null));
  /** @type {Segment[]} */
  const segments = [];
  for (const [i, [stage, from]] of known.entries()) {
    const ms = Math.min(known[i + 1]?.[1] ?? until, until) - from;
    if (ms > 0) segments.push({ stage, start: (from - begun) * scale, ms: ms * scale });
  }
  return { total: latency.ear ?? until - begun, segments };
}

/**
 * @param {number[]} values
 * @returns {number | null} Null of none.
 */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return (/** @type {number} */ (sorted[Math.ceil(middle) - 1]) + /** @type {number} */ (sorted[Math.floor(middle)])) / 2;
}

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 16;

/**
 * @param {Layout} layout
 * @param {number} longest  The ms that fill the whole width, so that turns compare by eye.
 * @param {number | null} ghost  The session's median, which lies behind the bar.
 * @param {string} description  In words; empty for a bar of nothing.
 * @returns {SVGSVGElement}
 */
export function drawWaterfall({ total, segments }, longest, ghost, description) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "waterfall");
  if (description) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", description);
  } else svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("height", String(HEIGHT));
  svg.setAttribute("width", "100%");
  const scale = 100 / Math.max(longest, total ?? 0, 1);
  if (ghost !== null) {
    const behind = appendRect(svg, 0, `${Math.min(100, ghost * scale).toFixed(2)}%`);
    behind.setAttribute("class", "ghost");
  }
  for (const { stage, start, ms } of segments) {
    // A stage that took next to nothing is still to be seen.
    const bar = appendRect(svg, start * scale, `max(2px, ${(ms * scale).toFixed(2)}%)`);
    bar.dataset.stage = stage;
    bar.setAttribute("fill", `url(#p-${stage})`);
  }
  return svg;
}

/**
 * @param {SVGSVGElement} svg
 * @param {number} x  In percent.
 * @param {string} width
 */
function appendRect(svg, x, width) {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("x", `${x.toFixed(2)}%`);
  rect.style.setProperty("width", width);
  rect.setAttribute("height", String(HEIGHT));
  svg.append(rect);
  return rect;
}

/**
 * The bar in words, without its total, which stands beside it.
 * @param {Layout} layout
 * @param {Words} words
 */
export function describe({ segments }, words) {
  return segments.map(({ stage, ms }) => `${words[`stage_${stage}`]} ${figure(ms)} ${words.ms}`).join(", ");
}
