/**
 * The button beside each reply: plays one that waits, pauses the one that plays, goes on with it, and
 * plays it once more when it is over: from memory, else from the history where it is recorded.
 *
 * @import {ClipPlayer} from "./clip-player.js"
 * @import {PageConfig} from "./page-config.js"
 * @import {ReplyPlayer, ReplyState} from "./reply-player.js"
 * @import {ReplyStore} from "./reply-store.js"
 * @import {Turn} from "./turn-store.js"
 *
 * @typedef {object} ShownReply
 * @property {HTMLButtonElement} button
 * @property {Turn} turn
 * @property {string} session  Its id.
 * @property {boolean} recorded
 * @property {ReplyState | "replaying" | null} state  Null: no sound of it has come.
 */
import { createElement, findElement } from "./dom.js";
import { formatText } from "./i18n.js";

/** @type {Record<NonNullable<ShownReply["state"]>, string>} */
const ICONS = { waiting: "i-play", playing: "i-pause", paused: "i-play", over: "i-replay", replaying: "i-stop" };

export class ReplyControls {
  /** By the reply's id. @type {Map<string, ShownReply>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} root
   * @param {PageConfig} config
   * @param {ReplyPlayer} player
   * @param {ReplyStore} store
   * @param {ClipPlayer} clips
   * @param {() => void} onGone  A reply's sound is not kept any more.
   */
  constructor(root, config, player, store, clips, onGone) {
    this.list = findElement(root, "[data-turns]", HTMLElement);
    this.config = config;
    this.player = player;
    this.store = store;
    this.clips = clips;
    this.onGone = onGone;
  }

  /**
   * @param {Turn} turn  It is on the page.
   * @param {{id: string, recorded: boolean}} session
   */
  showTurn(turn, session) {
    if (turn.replyId === null) return;
    const shown = this.#shown.get(turn.replyId) ?? this.#create(turn.replyId, turn, session);
    if (!shown) return;
    shown.turn = turn;
    this.#draw(turn.replyId, shown);
  }

  /**
   * @param {string} replyId
   * @param {ReplyState} state
   */
  setState(replyId, state) {
    if (state === "playing") this.clips.stop();
    const shown = this.#shown.get(replyId);
    // A reply that was given up before a sound of it came has none.
    if (!shown || (state === "over" && shown.state === null)) return;
    if (shown.state !== "replaying" || state !== "over") shown.state = state;
    this.#draw(replyId, shown);
  }

  /**
   * @param {string} replyId
   * @param {Turn} turn
   * @param {{id: string, recorded: boolean}} session
   */
  #create(replyId, turn, session) {
    const line = this.list.querySelector(`[data-reply="${CSS.escape(replyId)}"] .line.agent`);
    if (!line) return null;
    const button = /** @type {HTMLButtonElement} */ (createElement("button", "button plain play"));
    button.type = "button";
    button.innerHTML = '<svg class="icon" aria-hidden="true"><use/></svg><span class="sr-only"></span>';
    button.addEventListener("click", () => this.#onClick(replyId));
    line.append(button);
    /** @type {ShownReply} */
    const shown = { button, turn, session: session.id, recorded: session.recorded, state: null };
    this.#shown.set(replyId, shown);
    return shown;
  }

  /** @param {string} replyId */
  #onClick(replyId) {
    const shown = /** @type {ShownReply} */ (this.#shown.get(replyId));
    if (shown.state === "playing") this.player.pause(replyId);
    else if (shown.state === "replaying") this.clips.stop();
    else if (shown.state === "over") this.#replay(replyId, shown);
    else this.player.play(replyId);
  }

  /**
   * @param {string} replyId
   * @param {ShownReply} shown
   */
  #replay(replyId, shown) {
    const clip = this.store.get(replyId) ?? this.#address(shown);
    if (!clip) {
      this.#onGone(replyId, shown);
      return;
    }
    this.player.pauseAll();
    void this.clips.play(clip, (end) => {
      shown.state = "over";
      this.#draw(replyId, shown);
      if (end === "failed") this.#onGone(replyId, shown);
    });
    shown.state = "replaying";
    this.#draw(replyId, shown);
  }

  /**
   * @param {string} replyId
   * @param {ShownReply} shown
   */
  #onGone(replyId, shown) {
    shown.recorded = false;
    this.#draw(replyId, shown);
    this.onGone();
  }

  /**
   * Where the history has the reply's sound; null where nothing is kept.
   * @param {ShownReply} shown
   */
  #address({ session, turn, recorded }) {
    if (!recorded || !turn.id) return null;
    return this.config.audio.replace("{session}", session).replace("{turn}", turn.id);
  }

  /**
   * @param {string} replyId
   * @param {ShownReply} shown
   */
  #draw(replyId, { button, turn, state, recorded }) {
    button.hidden = state === null || (state === "over" && !recorded && !this.store.has(replyId));
    if (state === null) return;
    button.dataset.playback = state;
    button.classList.toggle("primary", state === "waiting" || state === "paused");
    findElement(button, "use", SVGUseElement).setAttribute("href", `#${ICONS[state]}`);
    const label = formatText(this.config.words[`reply_${state}`], { number: turn.number });
    findElement(button, "span", HTMLElement).textContent = label;
    button.title = label;
  }
}
