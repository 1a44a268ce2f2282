/**
 * The conversation as it grows: one list item a turn, redrawn in place as facts come in.
 *
 * @import {Turn} from "./record.js"
 * @import {Config} from "./words.js"
 * @import {Metric} from "./protocol.js"
 */
import { drawDoings } from "./doings.js";
import { replyOf } from "./record.js";
import { drawWaterfall, figure, layOut } from "./waterfall.js";
import { fill, find, make } from "./words.js";

/** @type {[Metric, string][]} */
const METRICS = [
  ["end_of_turn_delay", "end_of_turn"],
  ["transcription_delay", "stt"],
  ["llm_ttft", "llm"],
  ["llm_ttfs", "llm"],
  ["tts_ttfb", "tts"],
  ["e2e", ""],
  ["ear", "playout"],
  ["yield", ""],
];
/** The shortest time that fills the bars' whole width, ms. */
const SHORTEST_SCALE = 1_000;
const NEAR_THE_END = 48;

export class Conversation {
  /** @type {Map<string, {item: HTMLElement, turn: Turn}>} */
  #shown = new Map();
  #longest = SHORTEST_SCALE;
  #atEnd = true;

  /**
   * @param {HTMLElement} root
   * @param {Config} config
   */
  constructor(root, config) {
    this.config = config;
    this.words = config.words;
    this.list = find(root, "[data-turns]", HTMLElement);
    this.scroll = find(root, "[data-scroll]", HTMLElement);
    this.newest = find(root, "[data-newest]", HTMLElement);
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#follow()).observe(this.scroll);
    this.newest.addEventListener("click", () => {
      this.#atEnd = true;
      this.#follow();
    });
  }

  clear() {
    this.#shown.clear();
    this.#longest = SHORTEST_SCALE;
    this.list.replaceChildren();
  }

  /**
   * A line across the conversation, e.g. where the connection was lost.
   * @param {string} text
   */
  divide(text) {
    this.list.append(make("li", "divider soft", text));
    this.#follow();
  }

  /** @param {Turn} turn */
  show(turn) {
    let shown = this.#shown.get(turn.key);
    if (!shown) {
      shown = { item: this.#frame(turn), turn };
      this.#shown.set(turn.key, shown);
      this.list.append(shown.item);
    }
    this.#draw(shown.item, turn);
    this.#rescale(turn);
    this.#follow();
  }

  /** @param {Turn} turn */
  drop(turn) {
    this.#shown.get(turn.key)?.item.remove();
    this.#shown.delete(turn.key);
  }

  /**
   * @param {string} reply
   * @param {number} playedMs
   * @param {number} level  RMS of what is playing now, 0..1.
   */
  played(reply, playedMs, level) {
    const item = this.list.querySelector(`[data-reply="${CSS.escape(reply)}"]`);
    if (!(item instanceof HTMLElement)) return;
    item.dataset.playedMs = String(playedMs);
    item.dataset.loudest = Math.max(level, Number(item.dataset.loudest ?? 0)).toFixed(4);
  }

  /** @param {Turn} turn */
  #frame(turn) {
    const item = make("li", "turn");
    item.append(
      this.#line("user", this.words.you ?? ""),
      make("ul", "doings before"),
      this.#line("agent", this.words.agent ?? ""),
      make("ul", "doings after"),
      make("p", "failure"),
    );
    const timing = make("details", "timing");
    const summary = make("summary");
    summary.setAttribute("aria-label", fill(this.words.figures, { number: turn.number }));
    summary.append(make("span", "bar"), make("span", "figure total"));
    timing.append(summary, make("dl", "figures"));
    item.append(timing);
    return item;
  }

  /**
   * @param {"user"|"agent"} who
   * @param {string} name
   */
  #line(who, name) {
    const line = make("div", `line ${who}`);
    line.append(make("span", "who", name), make("p", "said"));
    return line;
  }

  /**
   * @param {HTMLElement} item
   * @param {Turn} turn
   */
  #draw(item, turn) {
    item.dataset.turn = turn.id ?? "";
    item.dataset.reply = turn.replyId ?? "";
    item.dataset.kind = turn.kind;
    item.dataset.final = String(turn.final);
    item.dataset.interrupted = String(turn.heard !== null);
    this.#drawUser(find(item, ".user .said", HTMLElement), turn);
    this.#drawReply(item, turn);
    drawDoings(find(item, ".before", HTMLElement), find(item, ".after", HTMLElement), turn, this.config);
    const failure = find(item, ".failure", HTMLElement);
    failure.hidden = turn.error === null;
    failure.classList.toggle("soft", turn.error?.code === "no_speech");
    failure.textContent = this.#failure(turn);
    this.#drawTiming(item, turn);
  }

  /**
   * @param {HTMLElement} said
   * @param {Turn} turn
   */
  #drawUser(said, turn) {
    if (turn.final) {
      said.replaceChildren(turn.transcript);
      return;
    }
    said.replaceChildren(
      make("span", "firm", turn.transcript.slice(0, turn.firm)),
      make("span", "loose", turn.transcript.slice(turn.firm) || (turn.transcript ? "" : "…")),
    );
  }

  /**
   * @param {HTMLElement} item
   * @param {Turn} turn
   */
  #drawReply(item, turn) {
    const line = find(item, ".agent", HTMLElement);
    const { heard, unheard } = replyOf(turn);
    const awaited = isAwaited(turn);
    line.hidden = !awaited && !heard && !unheard && turn.heard === null;
    line.toggleAttribute("data-reserved", awaited && turn.replyId === null);
    const said = find(line, ".said", HTMLElement);
    said.replaceChildren(heard);
    if (!turn.heard) return;
    const seconds = (turn.heard.ms / 1000).toFixed(1);
    const mark = make("span", "cut");
    mark.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-cut"/></svg>';
    mark.append(turn.heard.ms > 0 ? fill(this.words.interrupted_at, { seconds }) : (this.words.interrupted_silent ?? ""));
    said.append(" ", mark, " ");
    if (!unheard.trim()) return;
    said.append(make("span", "sr-only", this.words.unheard), make("del", "unheard", unheard.trim()));
  }

  /** @param {Turn} turn */
  #failure({ error }) {
    if (!error) return "";
    if (error.code === "no_speech") return this.words.no_words ?? "";
    const stage = this.words[`stage_${error.stage}`] ?? "Parley";
    const message = fill(this.words.turn_failed, { stage, message: error.message });
    const advice = error.retryable ? this.words.turn_failed_again : this.words.turn_failed_kept;
    return `${message} ${advice}`;
  }

  /**
   * @param {HTMLElement} item
   * @param {Turn} turn
   */
  #drawTiming(item, turn) {
    const timing = find(item, ".timing", HTMLElement);
    const { total } = layOut(turn.latency);
    // The row keeps its place from the moment a reply is awaited, so that nothing jumps.
    timing.toggleAttribute("data-reserved", total === null);
    timing.hidden = total === null && !isAwaited(turn);
    const metric = turn.latency.ear === null || turn.latency.ear === undefined ? "e2e" : "ear";
    item.dataset.totalMs = total === null ? "" : String(Math.round(total));
    item.dataset.metric = total === null ? "" : metric;
    find(timing, ".total", HTMLElement).textContent = `${figure(total)} ${this.words.ms}`;
    find(timing, ".bar", HTMLElement).replaceChildren(drawWaterfall(turn.latency, this.#longest, this.words));
    find(timing, ".figures", HTMLElement).replaceChildren(...METRICS.map(([name, stage]) => this.#figureRow(turn, name, stage)));
  }

  /**
   * @param {Turn} turn
   * @param {Metric} metric
   * @param {string} stage
   */
  #figureRow(turn, metric, stage) {
    const row = make("div");
    const label = make("dt");
    label.innerHTML = stage
      ? `<svg class="swatch" aria-hidden="true" width="16" height="8"><rect width="16" height="8" fill="url(#p-${stage})"/></svg>`
      : '<span class="swatch"></span>';
    label.append(this.words[`metric_${metric}`] ?? metric);
    const ms = turn.latency[metric];
    const value = make("dd", "figure", figure(ms) + (ms === null || ms === undefined ? "" : ` ${this.words.ms}`));
    row.append(label, value);
    return row;
  }

  /**
   * One scale for all bars, so that turns compare by eye.
   * @param {Turn} turn
   */
  #rescale(turn) {
    const { total } = layOut(turn.latency);
    if (total === null || total <= this.#longest) return;
    this.#longest = total;
    for (const shown of this.#shown.values()) this.#drawTiming(shown.item, shown.turn);
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroll;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    this.newest.hidden = this.#atEnd;
  }

  #follow() {
    if (this.#atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
    this.newest.hidden = this.#atEnd;
  }
}

/**
 * Whether a reply may still begin or go on.
 * @param {Turn} turn
 */
function isAwaited(turn) {
  return !turn.over && turn.error === null && turn.heard === null;
}
