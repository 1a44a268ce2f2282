/**
 * The conversation on its time axis: both waveforms, and every turn's wait by stage, 16 px high. Only
 * what is in view is drawn, however long the conversation is.
 *
 * Events: ``seek`` (detail: ms) where somebody clicks into it.
 *
 * @import {Words} from "../talk/i18n.js"
 * @import {PlacedTurn} from "./conversation.js"
 * @import {Waveform} from "./waveform.js"
 */
import { createElement, findElement } from "../talk/dom.js";
import { formatText } from "../talk/i18n.js";
import { figure } from "../talk/waterfall.js";
import { outline } from "./waveform.js";

const SVG = "http://www.w3.org/2000/svg";
const LANES = { ruler: 14, user: 46, agent: 98, half: 23, waits: 128, bar: 16, numbers: 157 };
/** Pixels a second at the start, at most, and from one step of the zoom to the next. */
const USUAL = 40;
const CLOSEST = 400;
const ZOOM_STEP = 1.6;
/** More turns than these in view are drawn as ticks: nobody could tell their stages apart. */
const MOST_BARS = 80;
/** Pixels between two marks of the ruler, at least; between two numbers of turns, and for a letter. */
const MARK_GAP = 72;
const NUMBER_GAP = 8;
const LETTER = 8;
const RULER_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600];
/** While it plays, the place is kept in this part of the view. */
const FOLLOWED = { from: 0, until: 0.85, back: 0.12 };

export class AxisView extends EventTarget {
  /** Pixels a ms. */
  #scale = USUAL / 1000;
  /** @type {{user: Waveform, agent: Waveform} | null} */
  #waveforms = null;
  #place = 0;
  #current = -1;
  #follows = true;
  /** @type {Map<number, SVGGElement>} */
  #bars = new Map();
  #frame = 0;

  /**
   * @param {HTMLElement} root
   * @param {{ms: number, median: number | null, turns: PlacedTurn[], words: Words}} conversation
   */
  constructor(root, conversation) {
    super();
    this.conversation = conversation;
    this.words = conversation.words;
    this.scroll = findElement(root, "[data-axis]", HTMLElement);
    this.space = findElement(root, "[data-space]", HTMLElement);
    this.svg = findElement(root, "[data-window]", SVGSVGElement);
    this.names = findElement(root, "[data-names]", HTMLElement);
    this.overview = findElement(root, "[data-overview]", SVGSVGElement);
    this.#build();
    this.#drawOverview();
    this.#listen();
  }

  #build() {
    this.layers = Object.fromEntries(
      ["current", "marks", "user", "agent", "ticks", "typed"].map((name) => {
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("class", `of-${name}`);
        this.svg.append(path);
        return [name, path];
      }),
    );
    this.texts = this.svg.appendChild(document.createElementNS(SVG, "g"));
    this.barsLayer = this.svg.appendChild(document.createElementNS(SVG, "g"));
    this.playhead = this.svg.appendChild(document.createElementNS(SVG, "path"));
    this.playhead.setAttribute("class", "playhead");
    this.glance = this.overview.appendChild(document.createElementNS(SVG, "rect"));
    this.glance.setAttribute("class", "glance");
    this.glance.setAttribute("height", "40");
    for (const name of ["user", "agent"]) {
      const path = this.overview.appendChild(document.createElementNS(SVG, "path"));
      path.setAttribute("class", `of-${name}`);
    }
    this.overviewHead = this.overview.appendChild(document.createElementNS(SVG, "path"));
    this.overviewHead.setAttribute("class", "playhead");
  }

  #listen() {
    this.scroll.addEventListener("scroll", () => this.#redraw(), { passive: true });
    for (const event of ["wheel", "pointerdown", "touchstart"]) {
      this.scroll.addEventListener(event, () => { this.#follows = false; }, { passive: true });
    }
    this.svg.addEventListener("click", (event) => this.#onClick(event));
    this.svg.addEventListener("pointerover", (event) => this.#showNames(turnOf(event.target)));
    this.svg.addEventListener("focusin", (event) => this.#showNames(turnOf(event.target)));
    for (const event of ["pointerleave", "focusout"]) this.svg.addEventListener(event, () => this.#showNames(null));
    this.scroll.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const { left } = this.scroll.getBoundingClientRect();
      this.#zoomTo(this.#scale * 1.01 ** -event.deltaY, event.clientX - left);
    }, { passive: false });
    new ResizeObserver(() => this.#onResize()).observe(this.scroll);
  }

  /** @param {{user: Waveform, agent: Waveform}} waveforms */
  setWaveforms(waveforms) {
    this.#waveforms = waveforms;
    this.#drawOverview();
    this.#redraw();
  }

  /**
   * @param {number} ms
   * @param {number} current  Index of the turn at that place; -1 for none.
   * @param {{follow?: boolean}} [how]  ``follow``: bring it into view, whatever was scrolled to.
   */
  setPlace(ms, current, { follow = false } = {}) {
    this.#place = ms;
    const { scrollLeft, clientWidth } = this.scroll;
    const x = ms * this.#scale - scrollLeft;
    const inView = x >= FOLLOWED.from && x <= clientWidth * FOLLOWED.until;
    if (follow || inView) this.#follows = true;
    if (this.#follows && !inView) this.scroll.scrollLeft = ms * this.#scale - clientWidth * FOLLOWED.back;
    if (current !== this.#current) {
      this.#current = current;
      this.#redraw();
    }
    this.#drawPlace();
  }

  /** @param {"in" | "out" | "fit"} to */
  zoom(to) {
    const width = this.scroll.clientWidth;
    if (to === "fit") {
      this.#zoomTo(this.#fitting(), width / 2);
      return;
    }
    const x = this.#place * this.#scale - this.scroll.scrollLeft;
    this.#zoomTo(this.#scale * (to === "in" ? ZOOM_STEP : 1 / ZOOM_STEP), x >= 0 && x <= width ? x : width / 2);
  }

  #fitting() {
    return this.scroll.clientWidth / Math.max(this.conversation.ms, 1_000);
  }

  /**
   * @param {number} scale
   * @param {number} at  What is there stays there, px.
   */
  #zoomTo(scale, at) {
    const ms = (this.scroll.scrollLeft + at) / this.#scale;
    this.#scale = Math.min(Math.max(scale, this.#fitting()), Math.max(CLOSEST / 1000, this.#fitting()));
    this.#resizeSpace();
    this.scroll.scrollLeft = ms * this.#scale - at;
    this.#redraw();
  }

  #onResize() {
    this.#scale = Math.max(this.#scale, this.#fitting());
    this.#resizeSpace();
    this.#redraw();
  }

  #resizeSpace() {
    this.space.style.inlineSize = `${Math.max(Math.ceil(this.conversation.ms * this.#scale), this.scroll.clientWidth)}px`;
    this.svg.setAttribute("width", String(this.scroll.clientWidth));
  }

  #redraw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const width = this.scroll.clientWidth;
    const from = this.scroll.scrollLeft / this.#scale;
    const until = from + width / this.#scale;
    const shown = this.#turnsBetween(from, until);
    this.#drawSounds(from, width, shown);
    this.#drawMarks(from, until, shown);
    this.#drawBars(from, shown);
    this.#drawPlace();
  }

  /**
   * @param {number} from
   * @param {number} until
   */
  #turnsBetween(from, until) {
    return this.conversation.turns.filter((turn) => turn.end >= from && turn.start <= until);
  }

  /**
   * @param {number} from
   * @param {number} width
   * @param {PlacedTurn[]} shown
   */
  #drawSounds(from, width, shown) {
    for (const side of /** @type {const} */ (["user", "agent"])) {
      const middle = LANES[side];
      // Until it is known how loud it is, and where nothing was recorded: that somebody spoke.
      const path = this.#waveforms
        ? outline(this.#waveforms[side].columns(from, 1 / this.#scale, Math.ceil(width)), 1, middle, LANES.half)
        : this.#blocks(shown, side, from, middle, this.#scale);
      this.layers?.[side]?.setAttribute("d", path);
      this.layers?.[side]?.classList.toggle("blocks", !this.#waveforms);
    }
  }

  /**
   * @param {PlacedTurn[]} shown
   * @param {"user" | "agent"} side
   * @param {number} from
   * @param {number} middle
   * @param {number} scale  Pixels a ms.
   */
  #blocks(shown, side, from, middle, scale) {
    return shown.map((turn) => {
      const span = turn[side];
      if (!span) return "";
      const [start, end] = span.map((ms) => (ms - from) * scale);
      return `M${start?.toFixed(1)} ${middle - 5}H${Math.max(end ?? 0, (start ?? 0) + 1).toFixed(1)}v10H${start?.toFixed(1)}z`;
    }).join("");
  }

  /**
   * @param {number} from
   * @param {number} until
   * @param {PlacedTurn[]} shown
   */
  #drawMarks(from, until, shown) {
    const step = 1000 * (RULER_STEPS.find((seconds) => seconds * 1000 * this.#scale >= MARK_GAP) ?? 3_600);
    /** @type {SVGTextElement[]} */
    const texts = [];
    let marks = "";
    for (let ms = Math.ceil(from / step) * step; ms <= until; ms += step) {
      const x = (ms - from) * this.#scale;
      marks += `M${x.toFixed(1)} 18V146`;
      texts.push(text(x + 3, LANES.ruler - 3, clockOf(ms, step < 1000 ? 1 : 0)));
    }
    let free = 0;
    for (const turn of shown) {
      const x = (turn.asked_at - from) * this.#scale;
      if (x < free) continue;
      const number = `#${turn.number}`;
      texts.push(text(x, LANES.numbers, number));
      free = x + LETTER * number.length + NUMBER_GAP;
    }
    this.texts?.replaceChildren(...texts);
    this.layers?.marks?.setAttribute("d", marks);
    const current = this.conversation.turns[this.#current];
    const box = current ? `M${((current.start - from) * this.#scale).toFixed(1)} 18H${((current.end - from) * this.#scale).toFixed(1)}V148H${((current.start - from) * this.#scale).toFixed(1)}z` : "";
    this.layers?.current?.setAttribute("d", box);
    const marked = shown.length <= MOST_BARS ? shown.filter(({ kind }) => kind === "text") : [];
    const typed = marked.map((turn) => {
      const x = (turn.asked_at - from) * this.#scale;
      return `M${x.toFixed(1)} ${LANES.user - 6}l6 6l-6 6l-6 -6z`;
    });
    this.layers?.typed?.setAttribute("d", typed.join(""));
  }

  /**
   * @param {number} from
   * @param {PlacedTurn[]} shown
   */
  #drawBars(from, shown) {
    const asBars = shown.length <= MOST_BARS ? shown : [];
    const wanted = new Set(asBars.map(({ number }) => number));
    for (const [number, bar] of this.#bars) {
      if (wanted.has(number)) continue;
      bar.remove();
      this.#bars.delete(number);
    }
    const current = this.conversation.turns[this.#current]?.number;
    const reachable = current !== undefined && wanted.has(current) ? current : asBars[0]?.number;
    for (const turn of asBars) {
      const bar = this.#bars.get(turn.number) ?? this.#makeBar(turn);
      bar.setAttribute("transform", `translate(${((turn.asked_at - from) * this.#scale).toFixed(1)} ${LANES.waits})`);
      // One stop for the keyboard: from turn to turn there are keys.
      bar.setAttribute("tabindex", turn.number === reachable ? "0" : "-1");
      this.#scaleBar(bar, turn);
    }
    const ticks = asBars.length > 0 ? [] : shown.map((turn) => {
      const x = (turn.asked_at - from) * this.#scale;
      return `M${x.toFixed(1)} ${LANES.waits}h${Math.max(1, waitOf(turn) * this.#scale).toFixed(1)}v${LANES.bar}h-${Math.max(1, waitOf(turn) * this.#scale).toFixed(1)}z`;
    });
    this.layers?.ticks?.setAttribute("d", ticks.join(""));
  }

  /** @param {PlacedTurn} turn */
  #makeBar(turn) {
    const bar = document.createElementNS(SVG, "g");
    bar.setAttribute("class", "wait");
    bar.dataset.turn = String(turn.number);
    bar.setAttribute("role", "button");
    bar.setAttribute("aria-label", `${formatText(this.words.turn, { number: turn.number })}: ${this.#describe(turn)}`);
    const hit = bar.appendChild(document.createElementNS(SVG, "rect"));
    hit.setAttribute("class", "hit");
    hit.setAttribute("y", "-4");
    hit.setAttribute("height", "24");
    if (this.conversation.median !== null) {
      const ghost = bar.appendChild(document.createElementNS(SVG, "rect"));
      ghost.setAttribute("class", "ghost");
      ghost.setAttribute("height", String(LANES.bar));
    }
    for (const { stage } of turn.segments) {
      const rect = bar.appendChild(document.createElementNS(SVG, "rect"));
      rect.dataset.stage = stage;
      rect.setAttribute("height", String(LANES.bar));
      rect.setAttribute("fill", `url(#p-${stage})`);
    }
    bar.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.#ask(turn.asked_at);
    });
    this.#bars.set(turn.number, bar);
    this.barsLayer?.append(bar);
    return bar;
  }

  /**
   * @param {SVGGElement} bar
   * @param {PlacedTurn} turn
   */
  #scaleBar(bar, turn) {
    bar.querySelector(".hit")?.setAttribute("width", Math.max(24, waitOf(turn) * this.#scale).toFixed(1));
    bar.querySelector(".ghost")?.setAttribute("width", ((this.conversation.median ?? 0) * this.#scale).toFixed(1));
    for (const [i, rect] of bar.querySelectorAll("[data-stage]").entries()) {
      const segment = turn.segments[i];
      rect.setAttribute("x", ((segment?.start ?? 0) * this.#scale).toFixed(1));
      rect.setAttribute("width", Math.max(1, (segment?.ms ?? 0) * this.#scale).toFixed(1));
    }
  }

  /** @param {PlacedTurn} turn */
  #describe(turn) {
    const parts = turn.segments.map(({ stage, ms }) => `${this.words[`stage_${stage}`]} ${figure(ms)} ${this.words.ms}`);
    if (turn.total !== null) parts.push(`${figure(turn.total)} ${this.words.ms} ${this.words[`total_${turn.metric ?? "ear"}`]}`);
    return parts.join(", ");
  }

  /** @param {number | null} number */
  #showNames(number) {
    const turn = this.conversation.turns.find((one) => one.number === number);
    this.names.hidden = !turn || turn.segments.length === 0;
    if (!turn || this.names.hidden) return;
    const title = createElement("b", "", formatText(this.words.turn, { number: turn.number }));
    const total = createElement("span", "figure", `${figure(turn.total)} ${this.words.ms} ${this.words[`total_${turn.metric ?? "ear"}`]}`);
    const stages = turn.segments.map(({ stage, ms }) => {
      const name = createElement("span");
      name.innerHTML = `<svg class="swatch" width="16" height="8"><rect width="16" height="8" fill="url(#p-${stage})"/></svg>`;
      name.append(`${this.words[`stage_${stage}`]} `, createElement("span", "figure", `${figure(ms)} ${this.words.ms}`));
      return name;
    });
    this.names.replaceChildren(title, ...stages, total);
    const x = turn.asked_at * this.#scale - this.scroll.scrollLeft;
    const room = this.scroll.clientWidth - this.names.offsetWidth;
    this.names.style.insetInlineStart = `${this.scroll.offsetLeft + Math.max(0, Math.min(x, room))}px`;
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const { left } = this.svg.getBoundingClientRect();
    const turn = this.conversation.turns.find(({ number }) => number === turnOf(event.target));
    const stage = event.target instanceof Element ? event.target.closest("[data-stage]") : null;
    if (turn && stage instanceof SVGElement) {
      const segment = turn.segments.find((one) => one.stage === stage.dataset.stage);
      this.#ask(turn.asked_at + (segment?.start ?? 0));
    } else {
      this.#ask((this.scroll.scrollLeft + event.clientX - left) / this.#scale);
    }
  }

  /** @param {number} ms */
  #ask(ms) {
    this.dispatchEvent(new CustomEvent("seek", { detail: ms }));
  }

  #drawPlace() {
    const x = (this.#place * this.#scale - this.scroll.scrollLeft).toFixed(1);
    this.playhead?.setAttribute("d", `M${x} 16V148`);
    const whole = Math.max(this.conversation.ms, 1);
    this.overviewHead?.setAttribute("d", `M${((1000 * this.#place) / whole).toFixed(2)} 0V40`);
    const start = (1000 * this.scroll.scrollLeft) / (whole * this.#scale);
    const width = (1000 * this.scroll.clientWidth) / (whole * this.#scale);
    this.glance?.setAttribute("x", start.toFixed(2));
    // Where all is in view there is no part to point out.
    this.glance?.setAttribute("width", (width < 999 ? width : 0).toFixed(2));
  }

  #drawOverview() {
    const whole = Math.max(this.conversation.ms, 1);
    for (const [i, side] of /** @type {const} */ (["user", "agent"]).entries()) {
      const middle = 10 + 20 * i;
      const path = this.#waveforms
        ? outline(this.#waveforms[side].columns(0, whole / 500, 500), 2, middle, 10)
        : this.#blocks(this.conversation.turns, side, 0, middle, 1000 / whole);
      this.overview.querySelector(`.of-${side}`)?.setAttribute("d", path);
    }
  }
}

/** @param {PlacedTurn} turn */
function waitOf(turn) {
  const last = turn.segments.at(-1);
  return Math.max(turn.total ?? 0, last ? last.start + last.ms : 0);
}

/**
 * The number of the turn whose bar it is.
 * @param {EventTarget | null} target
 */
function turnOf(target) {
  const bar = target instanceof Element ? target.closest(".wait") : null;
  return bar instanceof SVGElement ? Number(bar.dataset.turn) : null;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} words
 */
function text(x, y, words) {
  const made = document.createElementNS(SVG, "text");
  made.setAttribute("x", x.toFixed(1));
  made.setAttribute("y", String(y));
  made.textContent = words;
  return made;
}

/**
 * ``4:05.2``, or ``1:04:05``.
 * @param {number} ms
 * @param {number} decimals
 */
export function clockOf(ms, decimals = 1) {
  const tenths = Math.floor(ms / 100 + 1e-6);
  const seconds = Math.floor(tenths / 10) % 60;
  const minutes = Math.floor(tenths / 600) % 60;
  const hours = Math.floor(tenths / 36_000);
  const end = `${String(seconds).padStart(2, "0")}${decimals ? `.${tenths % 10}` : ""}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${end}` : `${minutes}:${end}`;
}
