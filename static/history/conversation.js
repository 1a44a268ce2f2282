/**
 * The page of one conversation: its player, its axis and its transcript, kept at one place in time.
 *
 * @import {Words} from "../talk/i18n.js"
 * @import {StageName} from "../talk/waterfall.js"
 * @import {PlayerAct} from "./player-keys.js"
 *
 * @typedef {object} PlacedTurn  A turn; times in ms on the axis.
 * @property {string} id
 * @property {number} number
 * @property {"speech" | "text"} kind
 * @property {number} start
 * @property {number} end
 * @property {number} asked_at  Where its bar begins.
 * @property {[number, number] | null} user
 * @property {[number, number] | null} speech
 * @property {[number, number] | null} agent  As far as it was heard.
 * @property {[number, number][]} sentences  A place in the reply, and its ms from the reply's start.
 * @property {number | null} total
 * @property {"ear" | "e2e" | null} metric  What the total is measured to.
 * @property {{stage: StageName, start: number, ms: number}[]} segments  From where its bar begins.
 * @property {Record<string, number | null>} latency
 *
 * @typedef {object} Conversation
 * @property {number} ms
 * @property {boolean} recorded
 * @property {number | null} median
 * @property {string | null} waveform  Its address.
 * @property {PlacedTurn[]} turns
 * @property {Words} words
 */
import { findElement } from "../talk/dom.js";
import { formatText } from "../talk/i18n.js";
import { USES_SPACE } from "../talk/key-rules.js";
import { AxisView, clockOf } from "./axis-view.js";
import { actOfKey, WRITES } from "./player-keys.js";
import { Player } from "./player.js";
import { Transcript } from "./transcript.js";
import { decodePeaks, silences, Waveform } from "./waveform.js";

const KEYS_OFF = "parley.player-keys-off";

class ConversationPage {
  /**
   * @param {HTMLElement} root
   * @param {Conversation} conversation
   */
  constructor(root, conversation) {
    this.root = root;
    this.conversation = conversation;
    this.turns = conversation.turns;
    this.words = conversation.words;
    for (const live of root.querySelectorAll("[data-live]")) live.removeAttribute("hidden");
    root.classList.add("is-live");
    const audio = root.querySelector("[data-audio]");
    if (audio instanceof HTMLAudioElement) audio.controls = false;
    this.player = new Player(audio instanceof HTMLAudioElement ? audio : null, conversation.ms);
    this.axis = new AxisView(root, conversation);
    this.transcript = new Transcript(root, conversation);
    this.seekBar = findElement(root, "[data-seek]", HTMLInputElement);
    this.now = findElement(root, "[data-now]", HTMLElement);
    this.usesKeys = findElement(root, "[data-keys]", HTMLInputElement);
    this.#listen();
    this.#restoreKeys();
    void this.#loadWaveforms();
    this.#goToAddress();
  }

  #listen() {
    this.player.addEventListener("place", () => this.#onPlace());
    this.player.addEventListener("state", () => this.#onState());
    this.player.addEventListener("failed", () => this.#say(this.words.no_sound));
    this.axis.addEventListener("seek", (event) => this.#hear(/** @type {CustomEvent<number>} */ (event).detail));
    this.transcript.addEventListener("play", (event) => this.#hear(/** @type {CustomEvent<number>} */ (event).detail));
    this.seekBar.addEventListener("input", () => this.#seek(Number(this.seekBar.value)));
    this.root.querySelector("[data-play]")?.addEventListener("click", () => this.player.toggle());
    this.#speed?.addEventListener("change", () => this.player.setSpeed(Number(this.#speed?.value)));
    this.#skip?.addEventListener("change", () => { this.player.skipsSilence = Boolean(this.#skip?.checked); });
    for (const button of this.root.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.axis.zoom(/** @type {"in"} */ (button instanceof HTMLElement ? button.dataset.zoom : "in")));
    }
    document.addEventListener("keydown", (event) => this.#onKey(event));
    window.addEventListener("hashchange", () => this.#goToAddress());
    document.addEventListener("click", (event) => closeMenus(event.target));
  }

  get #speed() {
    const found = this.root.querySelector("[data-speed]");
    return found instanceof HTMLSelectElement ? found : null;
  }

  get #skip() {
    const found = this.root.querySelector("[data-skip]");
    return found instanceof HTMLInputElement ? found : null;
  }

  /** @param {number} ms */
  #hear(ms) {
    if (this.player.audio) this.player.play(ms);
    else this.player.seek(ms);
    this.#show(ms, { follow: true });
  }

  /** @param {number} ms */
  #seek(ms) {
    this.player.seek(ms);
    this.#show(this.player.place, { follow: true });
  }

  #onPlace() {
    this.#show(this.player.place, { follow: false });
  }

  /**
   * @param {number} ms
   * @param {{follow: boolean}} how
   */
  #show(ms, { follow }) {
    const current = this.#turnAt(ms);
    this.axis.setPlace(ms, current, { follow });
    this.transcript.setPlace(ms, this.player.isPlaying);
    if (current >= 0 && (follow || this.player.isPlaying)) this.transcript.select(current, { reveal: true });
    this.now.textContent = clockOf(ms);
    this.seekBar.value = String(ms);
    const place = { now: clockOf(ms, 0), whole: clockOf(this.conversation.ms, 0), number: this.turns[current]?.number ?? "–" };
    this.seekBar.setAttribute("aria-valuetext", formatText(this.words.place, place));
  }

  /**
   * The latest turn that has begun at a place.
   * @param {number} ms
   */
  #turnAt(ms) {
    return this.turns.findLastIndex(({ start }) => start <= ms + 1);
  }

  #onState() {
    const button = this.root.querySelector("[data-play]");
    if (!button) return;
    const playing = this.player.isPlaying;
    findElement(button, "use", SVGUseElement).setAttribute("href", playing ? "#i-pause" : "#i-play");
    findElement(button, "[data-play-word]", HTMLElement).textContent = (playing ? this.words.pause : this.words.play) ?? "";
    this.root.dataset.state = playing ? "playing" : "paused";
    this.#onPlace();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key === "Escape") {
      for (const menu of this.root.querySelectorAll("details.menu[open]")) menu.removeAttribute("open");
      return;
    }
    const target = event.target instanceof Element ? event.target : document.body;
    const focus = { writes: target.matches(WRITES), usesSpace: target.matches(USES_SPACE) && target !== this.seekBar };
    const act = this.usesKeys.checked ? actOfKey(event, focus) : null;
    if (!act) return;
    event.preventDefault();
    this.#do(act);
  }

  /** @param {PlayerAct} act */
  #do(act) {
    switch (act.act) {
      case "toggle": this.player.toggle(); break;
      case "seek": this.#seek(this.player.place + act.by); break;
      case "turn": this.#goToTurn(this.#turnAt(this.player.place) + act.by); break;
      case "go": this.#seek(act.to === "start" ? 0 : this.conversation.ms); break;
      case "zoom": this.axis.zoom(act.to); break;
      case "skip": this.#skip?.click(); break;
      case "speed": this.#changeSpeed(act.by); break;
    }
  }

  /** @param {number} index */
  #goToTurn(index) {
    const turn = this.turns[Math.min(Math.max(index, 0), this.turns.length - 1)];
    if (turn) this.#seek(turn.start);
  }

  /** @param {number} by */
  #changeSpeed(by) {
    const speed = this.#speed;
    if (!speed) return;
    speed.selectedIndex = Math.min(Math.max(speed.selectedIndex + by, 0), speed.length - 1);
    this.player.setSpeed(Number(speed.value));
  }

  /** ``#t=83.2`` is a place, in seconds; ``#turn-3`` a turn. */
  #goToAddress() {
    const [, seconds, number] = /^#(?:t=([\d.]+)|turn-(\d+))$/.exec(location.hash) ?? [];
    if (seconds) this.#seek(1000 * Number(seconds));
    else if (number) this.#goToTurn(this.turns.findIndex((turn) => turn.number === Number(number)));
    else if (!location.hash && this.transcript.selected < 0) this.#show(0, { follow: false });
    if (this.transcript.selected < 0) this.transcript.select(0);
  }

  #restoreKeys() {
    this.usesKeys.checked = localStorage.getItem(KEYS_OFF) === null;
    this.usesKeys.addEventListener("change", () => {
      if (this.usesKeys.checked) localStorage.removeItem(KEYS_OFF);
      else localStorage.setItem(KEYS_OFF, "1");
    });
  }

  async #loadWaveforms() {
    const { waveform, ms } = this.conversation;
    if (!waveform) return;
    try {
      const answer = await fetch(waveform);
      if (!answer.ok) throw new Error(String(answer.status));
      const { step_ms: stepMs, user, agent } = await answer.json();
      const sides = { user: new Waveform(decodePeaks(user), stepMs), agent: new Waveform(decodePeaks(agent), stepMs) };
      this.axis.setWaveforms(sides);
      this.player.silences = silences([sides.user, sides.agent], ms);
      this.root.dataset.waveforms = "here";
    } catch {
      this.#say(this.words.no_waveform);
    }
  }

  /** @param {string | undefined} problem */
  #say(problem) {
    const notice = findElement(this.root, "[data-problem]", HTMLElement);
    notice.textContent = problem ?? "";
    notice.hidden = false;
  }
}

/**
 * A menu closes when something else is clicked.
 * @param {EventTarget | null} clicked
 */
function closeMenus(clicked) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!(clicked instanceof Node) || !menu.contains(clicked)) menu.removeAttribute("open");
  }
}

const data = /** @type {Conversation} */ (JSON.parse(findElement(document, "#conversation-data", HTMLScriptElement).textContent ?? ""));
new ConversationPage(findElement(document, "#conversation", HTMLElement), data);
