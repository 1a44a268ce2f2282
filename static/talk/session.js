/**
 * One person talking: brings microphone, line and playback together and holds their state.
 *
 * @import {ClientMessage, Mode, ReplyAudio, ServerMessage, SessionStarted, Status, Summary} from "./protocol.js"
 * @import {Choices} from "./choices.js"
 * @import {MicrophoneFault, Progress} from "./sound.js"
 *
 * @typedef {"idle"|"starting"|"live"|"reconnecting"|"ending"} Phase
 *
 * @typedef {object} State
 * @property {Phase} phase
 * @property {Status | null} status
 * @property {boolean} microphone
 * @property {boolean} muted
 * @property {boolean} holding
 * @property {SessionStarted | null} started
 * @property {Mode | null} mode  The one that serves now: a session may change it.
 *
 * @typedef {object} View
 * @property {(state: State) => void} state
 * @property {(message: ServerMessage) => void} message  Turns, for the record.
 * @property {(text: string) => void} typed
 * @property {(reply: string, metric: "ear"|"yield", ms: number) => void} measured
 * @property {(level: number) => void} input  RMS of 20 ms from the microphone, 0..1.
 * @property {(progress: Progress, playedMs: number) => void} output
 * @property {(direction: "up"|"down", what: ClientMessage | ServerMessage) => void} event
 * @property {(direction: "up"|"down", bytes: number, gap: boolean) => void} audio
 * @property {(fault: MicrophoneFault) => void} microphone
 * @property {(what: "sound"|"gone"|"slow"|"again") => void} trouble
 * @property {(attempt: number) => void} lost
 * @property {(blocked: boolean) => void} blocked  The browser wants a click before it plays.
 * @property {(id: string | null, summary: Summary | null) => void} over
 * @property {(reply: string) => void} played  A reply was played to its end.
 */
import { settingsOf, turnDetection } from "./choices.js";
import { Replies } from "./replies.js";
import { Line } from "./socket.js";
import { MicrophoneError, Sound } from "./sound.js";

/** The server's closing mark of a reply that broke off; it has no place in the count. */
const BROKE_OFF = 0xffffffff;
/** Frames kept while the session is being opened, so that an early first word is not lost. */
const MOST_EARLY = 150;
const FAREWELL_MS = 1_500;
const SILENCE_WITHIN_MS = 200;

export class Session {
  /** @type {State} */
  state = { phase: "idle", status: null, microphone: false, muted: false, holding: false, started: null, mode: null };
  /** @type {Line | null} */
  #line = null;
  /** @type {ArrayBuffer[]} */
  #early = [];
  /** @type {string[]} */
  #unsaid = [];
  /** @type {number | undefined} */
  #farewell;
  #begunBefore = false;
  /** Counts starts and ends, so that a late permission does not revive what was given up. */
  #run = 0;
  #commitWhenReady = false;

  /**
   * @param {URL} url
   * @param {{capture: string, playback: string}} worklets
   * @param {() => Choices} choices
   * @param {View} view
   */
  constructor(url, worklets, choices, view) {
    this.url = url;
    this.choices = choices;
    this.view = view;
    this.replies = new Replies((report) => this.#line?.send(report), view.measured);
    this.sound = new Sound(worklets, {
      frame: (pcm, level) => this.#frame(pcm, level),
      onset: (at) => this.replies.onset(at),
      offset: (at) => this.replies.offset(at),
      audible: (reply, at) => this.replies.audible(reply, at),
      progress: (progress) => this.#progress(progress),
      ended: (ended) => {
        this.replies.ended(ended, this.sound.rate);
        if (!ended.stopped) view.played(ended.reply);
      },
      unplugged: () => {
        this.#set({ microphone: false });
        view.microphone("unplugged");
      },
      running: (running) => {
        if (running) view.blocked(false);
      },
    });
  }

  // What the person does.

  /** @param {{microphone: boolean}} how */
  async start({ microphone }) {
    if (this.state.phase !== "idle") return;
    this.#set({ phase: "starting", muted: false, status: null });
    this.#begunBefore = false;
    if (!(await this.#openSound(microphone))) return;
    const line = new Line(this.url, {
      ready: () => this.#begin(),
      message: (message) => this.#receive(message),
      audio: (audio, bytes) => this.#play(audio, bytes),
      lost: (attempt) => this.#lost(attempt),
      gone: () => {
        this.view.trouble("gone");
        void this.#finish(null);
      },
      sent: (message) => this.view.event("up", message),
    });
    this.#line = line;
    line.open();
  }

  /** Ends the conversation; the server sums it up. */
  async stop() {
    const { phase } = this.state;
    if (phase === "idle" || phase === "ending") return;
    if (phase !== "live") {
      await this.#finish(null);
      return;
    }
    this.#set({ phase: "ending" });
    this.sound.deafen();
    await this.#silence();
    this.#line?.send({ type: "end_session" });
    this.#farewell = window.setTimeout(() => void this.#finish(null), FAREWELL_MS);
  }

  async toggleMicrophone() {
    if (!this.state.microphone) await this.#listen();
    else this.mute(!this.state.muted);
  }

  /** @param {boolean} muted */
  mute(muted) {
    if (muted && this.state.status === "recording") this.#line?.send({ type: "commit" });
    this.#set({ muted });
  }

  /** Push to talk: pressed. */
  async press() {
    if (this.state.holding) return;
    this.#set({ holding: true });
    if (this.state.phase === "idle") await this.start({ microphone: true });
    else if (!this.state.microphone) await this.#listen();
  }

  /** Push to talk: let go, so the turn ends here. */
  release() {
    if (!this.state.holding) return;
    this.#set({ holding: false });
    if (this.state.phase === "live") this.#line?.send({ type: "commit" });
    else if (this.state.phase === "starting" && this.#early.length > 0) this.#commitWhenReady = true;
  }

  /** @param {string} text */
  async say(text) {
    if (this.state.phase === "live") {
      this.#say(text);
      return;
    }
    this.#unsaid.push(text);
    await this.start({ microphone: false });
  }

  /** Silences the reply, at once here and then at the server. */
  interrupt() {
    const [reply] = this.replies.open;
    if (reply) this.sound.stop(reply);
    this.#line?.send({ type: "interrupt", heard_ms: reply ? this.replies.playedMs(reply) : null });
  }

  /** Goes on in the mode that was offered. */
  acceptFallback() {
    this.#line?.send({ type: "accept_fallback" });
  }

  /** Sends the switches that may change while a conversation goes on. */
  update() {
    this.#line?.send({
      type: "update_session",
      barge_in_enabled: this.choices().bargeIn,
      turn_detection: turnDetection(this.choices()),
    });
  }

  /** After a click, where the browser waited for one. */
  async resume() {
    await this.sound.resume();
  }

  // Sound.

  /**
   * @param {boolean} microphone
   * @returns {Promise<boolean>}
   */
  async #openSound(microphone) {
    this.#run += 1;
    const run = this.#run;
    try {
      await this.sound.open();
      if (microphone) await this.sound.listen();
    } catch (error) {
      if (run !== this.#run) return false;
      if (error instanceof MicrophoneError) this.view.microphone(error.fault);
      else this.view.trouble("sound");
      await this.#finish(null);
      return false;
    }
    if (run !== this.#run) return false;
    this.#set({ microphone });
    return true;
  }

  /** The microphone, for a conversation that began without one. */
  async #listen() {
    const run = this.#run;
    try {
      await this.sound.listen();
      if (run === this.#run) this.#set({ microphone: true, muted: false });
    } catch (error) {
      if (run !== this.#run) return;
      this.#set({ holding: false });
      this.view.microphone(error instanceof MicrophoneError ? error.fault : "failed");
    }
  }

  /**
   * @param {ArrayBuffer} pcm
   * @param {number} level
   */
  #frame(pcm, level) {
    const { phase, muted, holding } = this.state;
    const open = !muted && (!this.choices().hold || holding);
    this.view.input(open ? level : 0);
    if (!open) return;
    if (phase === "live") this.#sendAudio(pcm);
    else if (phase === "starting" && this.#early.length < MOST_EARLY) this.#early.push(pcm);
  }

  /** @param {ArrayBuffer} pcm */
  #sendAudio(pcm) {
    const line = /** @type {Line} */ (this.#line);
    const dropped = line.dropped;
    line.sendAudio(pcm);
    this.view.audio("up", pcm.byteLength, false);
    if (dropped === 0 && line.dropped > 0) this.view.trouble("slow");
  }

  /**
   * @param {ReplyAudio} audio
   * @param {number} bytes
   */
  #play({ replyId, sequence, last, pcm }, bytes) {
    const before = this.replies.came(replyId);
    if (before === null) return;
    this.view.audio("down", bytes, sequence !== before && sequence !== BROKE_OFF);
    this.sound.play(replyId, pcm, last);
    if (!this.sound.running) this.view.blocked(true);
  }

  /** @param {Progress} progress */
  #progress(progress) {
    this.replies.progress(progress, this.sound.rate);
    this.view.output(progress, Math.round((1000 * progress.rendered) / this.sound.rate));
  }

  /** Stops whatever plays and waits until what was heard of it is reported. */
  async #silence() {
    const { open } = this.replies;
    for (const reply of open) this.sound.stop(reply);
    const until = performance.now() + SILENCE_WITHIN_MS;
    while (this.replies.open.length > 0 && performance.now() < until) {
      await new Promise((done) => window.setTimeout(done, 10));
    }
  }

  // The line.

  #begin() {
    this.#line?.send({
      type: "start_session",
      ...settingsOf(this.choices()),
      input_sample_rate: this.sound.rate,
      output_sample_rate: this.sound.rate,
    });
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type !== "pong") this.view.event("down", message);
    switch (message.type) {
      case "session_started":
        this.#started(message);
        break;
      case "status":
        this.#set({ status: message.status });
        break;
      case "interrupted":
        this.replies.cut(message.reply_id);
        this.sound.stop(message.reply_id);
        break;
      case "mode_changed":
        this.#set({ mode: message.mode });
        break;
      case "session_ended":
        void this.#finish(message.summary);
        return;
      case "error":
        if (this.state.phase === "starting" && !message.retryable) void this.#finish(null);
        break;
      default:
    }
    this.view.message(message);
  }

  /** @param {SessionStarted} message */
  #started(message) {
    if (this.#begunBefore) this.view.trouble("again");
    this.#begunBefore = true;
    this.#set({ phase: "live", status: "listening", started: message, mode: message.mode });
    for (const pcm of this.#early.splice(0)) this.#sendAudio(pcm);
    if (this.#commitWhenReady) this.#line?.send({ type: "commit" });
    this.#commitWhenReady = false;
    for (const text of this.#unsaid.splice(0)) this.#say(text);
  }

  /** @param {string} text */
  #say(text) {
    this.replies.forgetSpeech();
    this.view.typed(text);
    this.#line?.send({ type: "text_input", text });
  }

  /** @param {number} attempt */
  #lost(attempt) {
    if (this.state.phase === "ending") {
      void this.#finish(null);
      return;
    }
    for (const reply of this.replies.open) this.sound.stop(reply);
    this.#set({ phase: this.#begunBefore ? "reconnecting" : "starting", status: null });
    if (this.#begunBefore) this.view.lost(attempt);
  }

  /** @param {Summary | null} summary */
  async #finish(summary) {
    window.clearTimeout(this.#farewell);
    this.#run += 1;
    const id = this.state.started?.session_id ?? null;
    this.#line?.close();
    this.#line = null;
    this.#early = [];
    this.#commitWhenReady = false;
    this.replies.clear();
    this.#set({ phase: "idle", status: null, microphone: false, muted: false, holding: false, started: null, mode: null });
    this.view.over(id, summary);
    await this.sound.close();
  }

  /** @param {Partial<State>} change */
  #set(change) {
    this.state = { ...this.state, ...change };
    this.view.state(this.state);
  }
}
