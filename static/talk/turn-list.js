/**
 * The conversation on the page: one list item a turn, redrawn in place as the turn changes.
 *
 * @import {Action} from "./action-controls.js"
 * @import {Explained} from "./error-explanations.js"
 * @import {Metric, PageConfig} from "./page-config.js"
 * @import {Turn} from "./turn-store.js"
 * @import {Layout} from "./waterfall.js"
 */
import { createElement, findElement } from "./dom.js";
import { drawFailure } from "./failure-block.js";
import { formatText } from "./i18n.js";
import { drawTurnEvents } from "./turn-events.js";
import { isReplyAwaited, splitReply } from "./turn-store.js";
import { describe, drawWaterfall, figure, layOut, layOutSoFar, median, totalMetric } from "./waterfall.js";

/** The shortest time that fills the bars' whole width, ms. */
const MIN_SCALE_MS = 1_000;
/** Scrolled to within so many pixels of the end, new turns are followed. */
const END_MARGIN_PX = 48;
/** Between two drawings of a bar that grows; with the second, people who want less motion see it in steps. */
const GROWTH_MS = 100;
const REDUCED_GROWTH_MS = 1_000;
/** So much more than a growing bar has, when it does not fit any more: the others are not redrawn with each step. */
const HEADROOM = 1.5;

export class TurnList {
  /** Key of a turn to what is shown of it. @type {Map<string, {item: HTMLElement, turn: Turn}>} */
  #shown = new Map();
  #scaleMs = MIN_SCALE_MS;
  #atEnd = true;
  /** The conversation is over: what is below is no newer turn. */
  #over = false;
  /** Redraws the turns that wait for their first sound. @type {number | undefined} */
  #growth;

  /**
   * @param {HTMLElement} root
   * @param {PageConfig} config
   * @param {(explained: Explained, said: string) => Action[]} offers  What can be done about a turn's error.
   */
  constructor(root, config, offers) {
    this.config = config;
    this.offers = offers;
    this.words = config.words;
    this.list = findElement(root, "[data-turns]", HTMLElement);
    this.scroll = findElement(root, "[data-scroll]", HTMLElement);
    this.newest = findElement(root, "[data-newest]", HTMLElement);
    this.scroll.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    new ResizeObserver(() => this.#followEnd()).observe(this.scroll);
    this.list.addEventListener("click", ({ target }) => {
      // A button of an error goes away once another turn follows.
      if (target instanceof Element && target.closest(".offers button")?.contains(document.activeElement)) {
        this.scroll.focus({ preventScroll: true });
      }
    }, { capture: true });
    this.newest.addEventListener("click", () => {
      this.#atEnd = true;
      this.#followEnd();
    });
  }

  /**
   * Another conversation begins: the one before stays above a line, older ones go.
   * @param {HTMLElement} line
   */
  startConversation(line) {
    this.#shown.clear();
    this.#over = false;
    this.#scaleMs = MIN_SCALE_MS;
    const last = [...this.list.querySelectorAll(".conversation-end")].at(-1);
    while (last && this.list.firstChild && this.list.firstChild !== last) this.list.firstChild.remove();
    last?.remove();
    line.classList.add("conversation-end");
    this.list.append(line);
    this.#followEnd();
  }

  /**
   * A line across the conversation, e.g. where the connection was lost.
   * @param {string} text
   */
  addDivider(text) {
    this.list.append(createElement("li", "divider soft", text));
    this.#followEnd();
  }

  /**
   * The conversation is over: its figures come from the server, as soon as its turns are kept.
   * @param {string} address
   * @param {string} text  Shown meanwhile.
   */
  addEndCard(address, text) {
    const card = createElement("li", "end-card");
    const awaited = createElement("p", "figures-awaited soft", text);
    for (const [name, value] of Object.entries({ "hx-get": address, "hx-trigger": "load", "hx-swap": "outerHTML", role: "status" })) {
      awaited.setAttribute(name, value);
    }
    card.append(awaited);
    const wasAtEnd = this.#atEnd;
    card.addEventListener("htmx:afterSettle", () => {
      // Not scrollIntoView, which would move the whole page.
      if (wasAtEnd) this.scroll.scrollTop += card.getBoundingClientRect().top - this.scroll.getBoundingClientRect().top;
    });
    this.list.append(card);
    htmx.process(card);
    this.#over = true;
    this.#followEnd();
  }

  /** @param {Turn} turn  New or changed. */
  showTurn(turn) {
    let shown = this.#shown.get(turn.key);
    if (!shown) {
      shown = { item: this.#createItem(), turn };
      this.#shown.set(turn.key, shown);
      this.list.append(shown.item);
    }
    this.#drawTurn(shown.item, turn);
    this.#rescale(turn);
    this.#grow();
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

  #createItem() {
    const item = createElement("li", "turn");
    item.append(
      this.#createLine("user", this.words.you ?? ""),
      createElement("ul", "turn-events before"),
      this.#createLine("agent", this.words.agent ?? ""),
      createElement("ul", "turn-events after"),
      createElement("div", "failure"),
    );
    const timing = createElement("details", "timing");
    const summary = createElement("summary");
    const total = createElement("span", "total");
    total.append(createElement("span", "figure"), " ", createElement("span", "soft total-name"));
    const names = createElement("span", "names");
    names.setAttribute("aria-hidden", "true");
    summary.append(createElement("span", "sr-only figures-of"), createElement("span", "bar"), total, names);
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
    const said = createElement("p", "said");
    said.dir = "auto";
    line.append(createElement("span", "who", name), said);
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
    drawFailure(findElement(item, ".failure", HTMLElement), turn, this.config, this.offers);
    this.#drawTiming(item, turn);
  }

  /**
   * @param {HTMLElement} text
   * @param {Turn} turn
   */
  #drawTranscript(text, turn) {
    if (turn.final) {
      const missing = (turn.heard !== null || turn.error !== null) && turn.transcript === "";
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
    line.hidden = !awaited && !heard && !unheard && (turn.heard === null || turn.error !== null);
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

  /**
   * @param {HTMLElement} item
   * @param {Turn} turn
   */
  #drawTiming(item, turn) {
    const timing = findElement(item, ".timing", HTMLElement);
    const metric = totalMetric(turn.latency);
    const total = layOut(turn.latency).total;
    item.dataset.totalMs = total === null ? "" : String(Math.round(total));
    item.dataset.metric = metric ?? "";
    const layout = this.#drawBar(timing, turn);
    // The row keeps its place from the moment a reply is awaited, so that nothing jumps.
    const nothing = layout.total === null && layout.segments.length === 0;
    timing.toggleAttribute("data-reserved", nothing);
    timing.hidden = nothing && !isReplyAwaited(turn);
    findElement(timing, ".names", HTMLElement).replaceChildren(...layout.segments.map(({ stage, ms }) => {
      const name = createElement("span");
      name.append(createSwatch(stage), `${this.words[`stage_${stage}`]} `, createElement("span", "figure", `${figure(ms)} ${this.words.ms}`));
      return name;
    }));
    const rows = this.config.metrics.map((one) => this.#createMetricRow(turn, one));
    findElement(timing, ".figures", HTMLElement).replaceChildren(...rows);
  }

  /**
   * @param {HTMLElement} timing
   * @param {Turn} turn
   * @returns {Layout}
   */
  #drawBar(timing, turn) {
    const layout = layOutOf(turn);
    const metric = totalMetric(turn.latency);
    const growing = isGrowing(turn);
    timing.classList.toggle("growing", growing);
    const ghost = this.#medianBeside(turn);
    const bar = drawWaterfall(layout, this.#scaleMs, ghost, describe(layout, this.words));
    findElement(timing, ".bar", HTMLElement).replaceChildren(bar);
    findElement(timing, ".total .figure", HTMLElement).textContent = layout.total === null ? figure(null) : `${figure(layout.total)} ${this.words.ms}`;
    findElement(timing, ".total-name", HTMLElement).textContent = this.words[`total_${metric ?? "ear"}`] ?? "";
    findElement(timing, ".figures-of", HTMLElement).textContent = formatText(this.words.figures, { number: turn.number });
    return layout;
  }

  /**
   * The median total of the session's other turns, once there are two; null before.
   * @param {Turn} turn
   */
  #medianBeside(turn) {
    const others = [...this.#shown.values()].filter((one) => one.turn !== turn);
    const totals = others.map((one) => layOut(one.turn.latency).total).filter((ms) => ms !== null);
    return totals.length < 2 ? null : median(totals);
  }

  /** Lets bars grow while there is one that does. */
  #grow() {
    const growing = [...this.#shown.values()].filter(({ turn }) => isGrowing(turn));
    if (growing.length === 0) {
      window.clearInterval(this.#growth);
      this.#growth = undefined;
    }
    if (growing.length === 0 || this.#growth !== undefined) return;
    const reduced = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#growth = window.setInterval(() => {
      for (const { item, turn } of this.#shown.values()) {
        if (!isGrowing(turn)) continue;
        this.#drawBar(findElement(item, ".timing", HTMLElement), turn);
        this.#rescale(turn);
      }
      this.#grow();
    }, reduced ? REDUCED_GROWTH_MS : GROWTH_MS);
  }

  /**
   * @param {Turn} turn
   * @param {Metric} metric
   */
  #createMetricRow(turn, { name, stage, label }) {
    const row = createElement("div");
    const term = createElement("dt");
    term.append(stage ? createSwatch(stage) : createElement("span", "swatch"));
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
    const { total } = layOutOf(turn);
    if (total === null || total <= this.#scaleMs) return;
    this.#scaleMs = isGrowing(turn) ? total * HEADROOM : total;
    for (const shown of this.#shown.values()) this.#drawTiming(shown.item, shown.turn);
  }

  #onScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroll;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < END_MARGIN_PX;
    this.newest.hidden = this.#atEnd || this.#over;
  }

  #followEnd() {
    if (this.#atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
    this.newest.hidden = this.#atEnd || this.#over;
  }
}

/**
 * Whether a turn is on its way to its first sound.
 * @param {Turn} turn
 */
function isGrowing(turn) {
  const { begun, audible } = turn.moments;
  return isReplyAwaited(turn) && begun !== null && audible === null && totalMetric(turn.latency) === null;
}

/**
 * By its figures, or, as long as they have not come, by what the page has seen.
 * @param {Turn} turn
 */
function layOutOf(turn) {
  const layout = layOut(turn.latency);
  return layout.segments.length === 0 && !turn.over ? layOutSoFar(turn, performance.now()) : layout;
}

/** @param {string} stage */
function createSwatch(stage) {
  const swatch = document.createElement("template");
  swatch.innerHTML = `<svg class="swatch" aria-hidden="true" width="16" height="8"><rect width="16" height="8" fill="url(#p-${stage})"/></svg>`;
  return /** @type {Element} */ (swatch.content.firstElementChild);
}
