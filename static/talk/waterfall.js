/**
 * The latency waterfall of a turn: one bar, divided by stage. ``history/waterfall.py`` computes
 * the same for the pages that the server renders; a test compares the two.
 *
 * @import {Words} from "./i18n.js"
 * @import {Latency} from "./protocol-types"
 * @typedef {"end_of_turn"|"stt"|"llm"|"tts"|"playout"} StageName
 * @typedef {{stage: StageName, start: number, ms: number}} Segment  Both in ms.
 */

/**
 * Lays the stages out on one line that starts at the end of speech. The reply's first byte left the
 * server at ``e2e``, so synthesis and language model are placed back from there where they started
 * before the end of the turn was certain.
 *
 * @param {Partial<Latency>} latency
 * @returns {{total: number|null, segments: Segment[]}}
 */
export function layOut(latency) {
  const endOfTurn = latency.end_of_turn_delay ?? 0;
  const transcribed = Math.max(endOfTurn, latency.transcription_delay ?? 0);
  const llm = latency.llm_ttfs ?? 0;
  const tts = latency.tts_ttfb ?? 0;
  const sent = latency.e2e ?? transcribed + llm + tts;
  const total = latency.ear ?? (sent > 0 ? sent : null);
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

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 8;

/**
 * @param {Partial<Latency>} latency
 * @param {number} longest  The ms that fill the whole width, so that turns compare by eye.
 * @param {Words} words
 * @returns {SVGSVGElement}
 */
export function drawWaterfall(latency, longest, words) {
  const { total, segments } = layOut(latency);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "waterfall");
  svg.setAttribute("role", "img");
  svg.setAttribute("height", String(HEIGHT));
  svg.setAttribute("width", "100%");
  const title = document.createElementNS(SVG, "title");
  title.textContent = describe(total, segments, words);
  svg.append(title);
  const scale = 100 / Math.max(longest, total ?? 0, 1);
  for (const { stage, start, ms } of segments) {
    const bar = document.createElementNS(SVG, "rect");
    bar.dataset.stage = stage;
    bar.setAttribute("x", `${(start * scale).toFixed(2)}%`);
    // A stage that took next to nothing is still to be seen.
    bar.style.setProperty("width", `max(2px, ${(ms * scale).toFixed(2)}%)`);
    bar.setAttribute("height", String(HEIGHT));
    bar.setAttribute("fill", `url(#p-${stage})`);
    svg.append(bar);
  }
  return svg;
}

/**
 * @param {number | null} total
 * @param {Segment[]} segments
 * @param {Words} words
 */
function describe(total, segments, words) {
  const parts = segments.map(({ stage, ms }) => `${words[`stage_${stage}`]} ${figure(ms)} ms`);
  return `${words.waterfall_total} ${figure(total)} ms${parts.length ? `: ${parts.join(", ")}` : ""}`;
}
