/**
 * The conversation on the page: one list item a turn, redrawn in place as the turn changes.
 *
 * @import {Metric, PageConfig} from "./page-config.js"
 * @import {Turn} from "./turn-store.js"
 */
import { createElement, findElement } from "./dom.js";
import { formatText } from "./i18n.js";
import { drawTurnEvents } from "./turn-events.js";
import { isReplyAwaited, splitReply } from "./turn-store.js";
import { drawWaterfall, figure, layOut } from "./waterfall.js";

/** The shortest time that fills the bars' whole width, ms. */
const MIN_SCALE_MS = 1_000;
/** Scrolled to within so many pixels of the end, new turns are followed. */
const END_MARGIN_PX = 48;

export class TurnList {
  /** Key of a turn to what is shown of it. @type {Map<string, {item: HTMLElement, turn: Turn}>} */
  #shown = new Map();
  #scaleMs = MIN_SCALE_MS;
  #atEnd = true;

  /**
   * @param {HTMLElement} root
   * @param {PageConfig} config
   */
  constructor(root, config) {
    this.config = config;
    this.words = config.words;
    this.list = findElement(root, "[data-turns]", HTMLElement);
    this.scroll = findElement(root, "[data-scroll]", HTMLElement);
    this.newest = findElement(root, "[data-newest]", HTMLElement);
    this.scroll.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    new ResizeObserver(() => this.#followEnd()).observe(this.scroll);
    this.newest.addEventListener("click", () => {
      this.#atEnd = true;
      this.#followEnd();
    });
  }

  clear() {
    this.#shown.clear();
    this.#scaleMs = MIN_SCALE_MS;
    this.list.replaceChildren();
  }

  /**
   * A line across the conversation, e.g. where the connection was lost.
   * @param {string} text
   */
  addDivider(text) {
    this.list.append(createElement("li", "divider soft", text));
    this.#followEnd();
  }

  /** @param {Turn} turn  New or changed. */
  showTurn(turn) {
    let shown = this.#shown.get(turn.key);
    if (!shown) {
      shown = { item: this.#createItem(turn), turn };
      this.#shown.set(turn.key, shown);
      this.list.append(shown.item);
    }
    this.#drawTurn(shown.item, turn);
    this.#rescale(turn);
    this.#followEnd();
  }

  /** @param {Turn} turn */
  removeTurn(turn) {
    this.#shown.get(turn.key)?.item.remove();
    this.#shown.delete(turn.key);
  }

  /**
   * @param {string} replyId
   * @param {number} playedMs
   * @param {number} level  RMS of what is playing now, 0..1.
   */
  setPlayback(replyId, playedMs, level) {
    const item = this.list.querySelector(`[data-reply="${CSS.escape(replyId)}"]`);
    if (!(item instanceof HTMLElement)) return;
    item.dataset.playedMs = String(playedMs);
    item.dataset.loudest = Math.max(level, Number(item.dataset.loudest ?? 0)).toFixed(4);
  }

  /** @param {Turn} turn */
  #createItem(turn) {
    const item = createElement("li", "turn");
    item.append(
      this.#createLine("user", this.words.you ?? ""),
      createElement("ul", "turn-events before"),
      this.#createLine("agent", this.words.agent ?? ""),
      createElement("ul", "turn-events after"),
      createElement("p", "failure"),
    );
    const timing = createElement("details", "timing");
    const summary = createElement("summary");
    summary.setAttribute("aria-label", formatText(this.words.figures, { number: turn.number }));
    summary.append(createElement("span", "bar"), createElement("span", "figure total"));
    timing.append(summary, createElement("dl", "figures"));
    item.append(timing);
    return item;
  }

  /**
   * @param {"user"|"agent"} speaker
   * @param {string} name
   */
  #createLine(speaker, name) {
    const line = createElement("div", `line ${speaker}`);
    line.append(createElement("span", "who", name), createElement("p", "said"));
    return line;
  }

  /**
   * @param {HTMLElement} item
   * @param {Turn} turn
   */
  #drawTurn(item, turn) {
    item.dataset.turn = turn.id ?? "";
    item.dataset.reply = turn.replyId ?? "";
    item.dataset.kind = turn.kind;
    item.dataset.final = String(turn.final);
    item.dataset.interrupted = String(turn.heard !== null);
    this.#drawTranscript(findElement(item, ".user .said", HTMLElement), turn);
    this.#drawReply(item, turn);
    drawTurnEvents(findElement(item, ".before", HTMLElement), findElement(item, ".after", HTMLElement), turn, this.config);
    const failure = findElement(item, ".failure", HTMLElement);
    failure.hidden = turn.error === null;
    failure.classList.toggle("soft", turn.error?.code === "no_speech");
    failure.textContent = this.#failureText(turn);
    this.#drawTiming(item, turn);
  }

  /**
   * @param {HTMLElement} text
   * @param {Turn} turn
   */
  #drawTranscript(text, turn) {
    if (turn.final) {
      const missing = turn.heard !== null && turn.transcript === "";
      text.replaceChildren(missing ? createElement("span", "soft", this.words.not_understood) : turn.transcript);
      return;
    }
    text.replaceChildren(
      createElement("span", "firm", turn.transcript.slice(0, turn.stableLength)),
      createElement("span", "loose", turn.transcript.slice(turn.stableLength) || (turn.transcript ? "" : "…")),
    );
  }

  /**
   * @param {HTMLElement} item
   * @param {Turn} turn
   */
  #drawReply(item, turn) {
    const line = findElement(item, ".agent", HTMLElement);
    const { heard, unheard } = splitReply(turn);
    const awaited = isReplyAwaited(turn);
    line.hidden = !awaited && !heard && !unheard && turn.heard === null;
    line.toggleAttribute("data-reserved", awaited && turn.replyId === null);
    const text = findElement(line, ".said", HTMLElement);
    text.replaceChildren(heard);
    if (!turn.heard || (turn.endReason === "failed" && !unheard.trim())) return;
    const seconds = (turn.heard.ms / 1000).toFixed(1);
    const mark = createElement("span", "cut");
    mark.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-cut"/></svg>';
    mark.append(turn.heard.ms > 0 ? formatText(this.#cutWord(turn), { seconds }) : (this.words.interrupted_silent ?? ""));
    text.append(" ", mark, " ");
    if (!unheard.trim()) return;
    text.append(createElement("span", "sr-only", this.words.unheard), createElement("del", "unheard", unheard.trim()));
  }

  /**
   * Says where the reply was cut off.
   * @param {Turn} turn
   */
  #cutWord({ endReason }) {
    if (endReason === "stopped") return this.words.stopped_at;
    return endReason === null || endReason === "interrupted" ? this.words.interrupted_at : this.words.heard_for;
  }

  /** @param {Turn} turn */
  #failureText({ error }) {
    if (!error) return "";
    if (error.code === "no_speech") return this.words.no_words ?? "";
    const stage = this.words[`stage_${error.stage}`] ?? "Parley";
    const message = formatText(this.words.turn_failed, { stage, message: error.message });
    const advice = error.retryable ? this.words.turn_failed_again : this.words.turn_failed_kept;
    return `${message} ${advice}`;
  }

  /**
   * @param {HTMLElement} item
   * @param {Turn} turn
   */
  #drawTiming(item, turn) {
    const timing = findElement(item, ".timing", HTMLElement);
    const { total } = layOut(turn.latency);
    // The row keeps its place from the moment a reply is awaited, so that nothing jumps.
    timing.toggleAttribute("data-reserved", total === null);
    timing.hidden = total === null && !isReplyAwaited(turn);
    const metric = turn.latency.ear === null || turn.latency.ear === undefined ? "e2e" : "ear";
    item.dataset.totalMs = total === null ? "" : String(Math.round(total));
    item.dataset.metric = total === null ? "" : metric;
    findElement(timing, ".total", HTMLElement).textContent = `${figure(total)} ${this.words.ms}`;
    findElement(timing, ".bar", HTMLElement).replaceChildren(drawWaterfall(turn.latency, this.#scaleMs, this.words));
    const rows = this.config.metrics.map((one) => this.#createMetricRow(turn, one));
    findElement(timing, ".figures", HTMLElement).replaceChildren(...rows);
  }

  /**
   * @param {Turn} turn
   * @param {Metric} metric
   */
  #createMetricRow(turn, { name, stage, label }) {
    const row = createElement("div");
    const term = createElement("dt");
    term.innerHTML = stage
      ? `<svg class="swatch" aria-hidden="true" width="16" height="8"><rect width="16" height="8" fill="url(#p-${stage})"/></svg>`
      : '<span class="swatch"></span>';
    term.append(label);
    const ms = turn.latency[name];
    const value = createElement("dd", "figure", figure(ms) + (ms === null || ms === undefined ? "" : ` ${this.words.ms}`));
    row.append(term, value);
    return row;
  }

  /**
   * One scale for all bars, so that turns compare by eye.
   * @param {Turn} turn
   */
  #rescale(turn) {
    const { total } = layOut(turn.latency);
    if (total === null || total <= this.#scaleMs) return;
    this.#scaleMs = total;
    for (const shown of this.#shown.values()) this.#drawTiming(shown.item, shown.turn);
  }

  #onScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroll;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < END_MARGIN_PX;
    this.newest.hidden = this.#atEnd;
  }

  #followEnd() {
    if (this.#atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
    this.newest.hidden = this.#atEnd;
  }
}
