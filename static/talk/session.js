/**
 * One person's conversation: connects microphone, server and playback, and holds their state.
 *
 * @import {PlaybackProgress} from "./audio-io.js"
 * @import {MicrophoneFault} from "./microphone.js"
 * @import {ClientMessage, Latency, ServerMessage, SessionStartedMessage, SessionSummary, StatusMessage} from "./protocol-types"
 * @import {ReplyPlayerListener} from "./reply-player.js"
 * @import {Choices, Mode} from "./session-settings.js"
 * @import {SoundChoices} from "./sound-choices.js"
 * @import {SoundFault} from "./sound-watch.js"
 *
 * @typedef {"idle"|"starting"|"live"|"reconnecting"|"ending"} Phase
 *
 * @typedef {object} SessionState
 * @property {Phase} phase
 * @property {StatusMessage["status"] | null} status
 * @property {boolean} microphone  It is open.
 * @property {boolean} muted
 * @property {boolean} holding  The push-to-talk button is pressed.
 * @property {"waiting"|"paused"|null} held  How a reply waits for the person to play it.
 * @property {SessionStartedMessage | null} started
 * @property {Mode | null} mode  The one that serves now: a session may change it.
 *
 * @typedef {object} ConversationListener
 * @property {(state: SessionState) => void} onState
 * @property {(message: ServerMessage) => void} onMessage
 * @property {(text: string) => void} onTextSent
 * @property {(replyId: string, metric: keyof Latency, ms: number) => void} onLatency  As the page measured it.
 * @property {(replyId: string) => void} onReplyAudible  Its first sound is there.
 * @property {(level: number) => void} onInputLevel  RMS of 20 ms from the microphone, 0..1.
 * @property {(progress: PlaybackProgress, playedMs: number) => void} onPlaybackProgress
 * @property {(direction: "up"|"down", message: ClientMessage | ServerMessage) => void} onWireMessage
 * @property {(fault: MicrophoneFault) => void} onMicrophoneFault
 * @property {(fault: SessionFault) => void} onFault
 * @property {() => void} onRestarted  Reconnected: a new session goes on where the last one was lost.
 * @property {(attempt: number) => void} onConnectionLost
 * @property {(fault: SoundFault | null) => void} onSoundFault  Null: sound runs again.
 * @property {(id: string | null, summary: SessionSummary | null) => void} onEnded
 * @property {(replyId: string) => void} onReplyPlayed  To its end.
 * @property {() => void} onMicrophoneOpened  Devices have names from now on.
 *
 * @typedef {ConversationListener & ReplyPlayerListener} SessionListener
 *
 * @typedef {"audio_failed"|"network_slow"|"too_slow"|"connection_closed"} SessionFault
 */
import { AudioIO } from "./audio-io.js";
import { MicrophoneError } from "./microphone.js";
import { PlaybackTracker } from "./playback-tracker.js";
import { ReplyPlayer } from "./reply-player.js";
import { ServerConnection } from "./server-connection.js";
import { toSessionSettings, toTurnDetection } from "./session-settings.js";
import { SoundWatch } from "./sound-watch.js";

/** The close code of a client that does not take in what it is sent. */
const TOO_SLOW = 4408;
/** Frames kept while the session is being opened, so that an early first word is not lost. */
const MAX_EARLY_FRAMES = 150;
const END_TIMEOUT_MS = 1_500;
/** A reply that was interrupted is silent by then. */
const CEASED_SECONDS = 0.1;

/** @type {SessionState} */
const IDLE = {
  phase: "idle", status: null, microphone: false, muted: false, holding: false, held: null, started: null, mode: null,
};

export class Session {
  state = IDLE;
  /** @type {ServerConnection | null} */
  #connection = null;
  /** @type {ArrayBuffer[]} */
  #earlyFrames = [];
  /** Typed before the session was live. @type {string[]} */
  #pendingTexts = [];
  /** @type {number | undefined} */
  #endTimer;
  #startedBefore = false;
  /** Counts starts and ends, so that a microphone permitted too late does not revive an ended session. */
  #generation = 0;
  #commitWhenLive = false;
  /** Whether the conversation was to begin with the microphone open. */
  #microphoneAsked = true;

  /**
   * @param {URL} url
   * @param {{capture: string, playback: string}} worklets
   * @param {() => Choices} choices
   * @param {SoundChoices} sound
   * @param {SessionListener} listener
   * @param {() => Promise<boolean>} mayStart  Asked before each conversation; it may ask the person.
   */
  constructor(url, worklets, choices, sound, listener, mayStart = () => Promise.resolve(true)) {
    this.url = url;
    this.choices = choices;
    this.listener = listener;
    this.mayStart = mayStart;
    this.playback = new PlaybackTracker((report) => this.#connection?.send(report), listener.onLatency);
    this.audio = new AudioIO(worklets, sound, {
      onFrame: (pcm, level) => this.#onMicrophoneFrame(pcm, level),
      onSpeechOnset: (at) => this.playback.onSpeechOnset(at),
      onSpeechOffset: (at) => this.playback.onSpeechOffset(at),
      onAudible: (replyId, at) => {
        this.playback.onAudible(replyId, at);
        listener.onReplyAudible(replyId);
      },
      onProgress: (progress) => this.#onPlaybackProgress(progress),
      onEnded: (end) => {
        this.replies.onEnded(end);
        if (!end.stopped) listener.onReplyPlayed(end.reply);
      },
      onUnplugged: () => {
        this.#setState({ microphone: false });
        listener.onMicrophoneFault("unplugged");
      },
      onRunning: (running) => {
        if (running) listener.onPlaybackBlocked(false);
      },
    });
    this.replies = new ReplyPlayer(this.audio, this.playback, sound, {
      onReplyState: (replyId, state) => {
        this.#setState({ held: this.replies.held });
        listener.onReplyState(replyId, state);
      },
      onReplyAudio: (replyId, pcm, rate) => listener.onReplyAudio(replyId, pcm, rate),
      onWireAudio: (direction, bytes, gap) => listener.onWireAudio(direction, bytes, gap),
      onPlaybackBlocked: (blocked) => listener.onPlaybackBlocked(blocked),
    });
    this.soundWatch = new SoundWatch(() => this.audio.state, (fault) => listener.onSoundFault(fault));
  }

  // What the person does.

  /**
   * @param {{microphone: boolean}} how  Whether it starts with the microphone open.
   * @returns {Promise<boolean>} False where the person does not want it after all.
   */
  async start({ microphone }) {
    if (this.state.phase !== "idle") return true;
    if (!(await this.mayStart())) {
      this.#setState({ holding: false });
      return false;
    }
    if (this.state.phase !== "idle") return true;
    this.#microphoneAsked = microphone;
    this.#setState({ phase: "starting", muted: false, status: null });
    this.#startedBefore = false;
    if (!(await this.#openAudio(microphone))) return true;
    const connection = new ServerConnection(this.url, {
      onReady: () => this.#sendStart(),
      onMessage: (message) => this.#onMessage(message),
      onAudio: (frame, bytes) => this.replies.onAudio(frame, bytes),
      onLost: (attempt) => this.#onConnectionLost(attempt),
      onClosed: (code) => {
        this.listener.onFault(code === TOO_SLOW ? "too_slow" : "connection_closed");
        void this.#finish(null);
      },
      onSent: (message) => this.listener.onWireMessage("up", message),
    });
    this.#connection = connection;
    connection.open();
    return true;
  }

  /** Starts another conversation as the last one was started. */
  async restart() {
    await this.start({ microphone: this.#microphoneAsked });
  }

  /** Ends the conversation; the server answers with its summary. */
  async stop() {
    const { phase } = this.state;
    if (phase === "idle" || phase === "ending") return;
    if (phase !== "live") {
      await this.#finish(null);
      return;
    }
    this.soundWatch.stop();
    this.#setState({ phase: "ending" });
    this.audio.closeMicrophone();
    await this.replies.silence();
    this.#connection?.send({ type: "end_session" });
    this.#endTimer = window.setTimeout(() => void this.#finish(null), END_TIMEOUT_MS);
  }

  /** The page may be about to go away: what was heard is reported more closely. */
  prepareToLeave() {
    this.playback.reportOpen();
  }

  /** The page goes away, at once: nothing that takes time is done. */
  leave() {
    if (this.state.phase === "idle") return;
    this.playback.reportOpen();
    void this.#finish(null);
  }

  async toggleMicrophone() {
    if (!this.state.microphone) await this.#openMicrophone();
    else this.setMuted(!this.state.muted);
  }

  /** The person chose another microphone; without one in use, the next that is opened is that one. */
  async switchMicrophone() {
    if (!this.state.microphone) return;
    this.audio.closeMicrophone();
    this.#setState({ microphone: false });
    await this.#openMicrophone(this.state.muted);
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    if (muted && this.state.status === "recording") this.#connection?.send({ type: "commit" });
    this.#setState({ muted });
  }

  /** The push-to-talk button is pressed. */
  async startHolding() {
    if (this.state.holding) return;
    this.#setState({ holding: true });
    if (this.state.phase === "idle") await this.start({ microphone: true });
    else if (!this.state.microphone) await this.#openMicrophone();
  }

  /** The push-to-talk button is released, which ends the turn. */
  stopHolding() {
    if (!this.state.holding) return;
    this.#setState({ holding: false });
    if (this.state.phase === "live") this.#connection?.send({ type: "commit" });
    else if (this.state.phase === "starting" && this.#earlyFrames.length > 0) this.#commitWhenLive = true;
  }

  /**
   * @param {string} text  A typed turn; starts a session where none is live.
   * @returns {Promise<boolean>} False where no session was wanted after all: it is not sent.
   */
  async sendText(text) {
    if (this.state.phase === "live") {
      this.#sendText(text);
      return true;
    }
    this.#pendingTexts.push(text);
    const wanted = await this.start({ microphone: false });
    if (!wanted) this.#pendingTexts = [];
    return wanted;
  }

  /** Stops the reply, at once here and then at the server. */
  interruptReply() {
    const [replyId] = this.playback.openReplies;
    if (replyId) this.replies.stop(replyId);
    this.#connection?.send({ type: "interrupt", heard_ms: replyId ? this.playback.playedMs(replyId) : null });
  }

  /** Goes on in the mode that was offered. */
  acceptFallback() {
    this.#connection?.send({ type: "accept_fallback" });
  }

  /** Sends the choices that may change while a conversation goes on. */
  updateSettings() {
    this.#connection?.send({
      type: "update_session",
      barge_in_enabled: this.choices().bargeIn,
      turn_detection: toTurnDetection(this.choices()),
    });
  }

  /** Starts playback after a click, where the browser waited for one. */
  async resumeAudio() {
    await this.audio.resume();
  }

  /**
   * Switches sound on again after a click; the watch then looks anew.
   * @param {{microphone: boolean}} what  Whether the microphone is to be opened anew.
   */
  async reviveSound({ microphone }) {
    this.soundWatch.stop();
    // Where there is no output device, this promise is never kept.
    void this.audio.resume();
    if (microphone) {
      this.audio.closeMicrophone();
      this.#setState({ microphone: false });
      await this.#openMicrophone();
    }
    if (this.state.phase === "live") this.soundWatch.start();
  }

  // Audio.

  /**
   * @param {boolean} microphone
   * @returns {Promise<boolean>} Whether it is open and the session still wanted.
   */
  async #openAudio(microphone) {
    this.#generation += 1;
    const generation = this.#generation;
    try {
      await this.audio.open();
      if (microphone) await this.audio.openMicrophone();
    } catch (error) {
      if (generation !== this.#generation) return false;
      if (error instanceof MicrophoneError) this.listener.onMicrophoneFault(error.fault);
      else this.listener.onFault("audio_failed");
      await this.#finish(null);
      return false;
    }
    if (generation !== this.#generation) return false;
    this.#setState({ microphone });
    if (microphone) this.listener.onMicrophoneOpened();
    return true;
  }

  /**
   * Opens the microphone while a conversation goes on.
   * @param {boolean} [muted]
   */
  async #openMicrophone(muted = false) {
    const generation = this.#generation;
    try {
      await this.audio.openMicrophone();
      if (generation !== this.#generation) return;
      this.#setState({ microphone: true, muted });
      this.listener.onMicrophoneOpened();
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#setState({ holding: false });
      this.listener.onMicrophoneFault(error instanceof MicrophoneError ? error.fault : "failed");
    }
  }

  /**
   * @param {ArrayBuffer} pcm
   * @param {number} level
   */
  #onMicrophoneFrame(pcm, level) {
    const { phase, muted, holding } = this.state;
    const open = !muted && (!this.choices().hold || holding);
    this.listener.onInputLevel(open ? level : 0);
    if (!open) return;
    if (phase === "live") this.#sendAudio(pcm);
    else if (phase === "starting" && this.#earlyFrames.length < MAX_EARLY_FRAMES) this.#earlyFrames.push(pcm);
  }

  /** @param {ArrayBuffer} pcm */
  #sendAudio(pcm) {
    const connection = /** @type {ServerConnection} */ (this.#connection);
    const droppedBefore = connection.droppedFrames;
    connection.sendAudio(pcm);
    this.listener.onWireAudio("up", pcm.byteLength, false);
    if (droppedBefore === 0 && connection.droppedFrames > 0) this.listener.onFault("network_slow");
  }

  /** @param {PlaybackProgress} progress */
  #onPlaybackProgress(progress) {
    this.replies.onProgress(progress);
    this.listener.onPlaybackProgress(progress, Math.round((1000 * progress.rendered) / this.audio.rate));
  }

  // The server.

  #sendStart() {
    this.#connection?.send({
      type: "start_session",
      ...toSessionSettings(this.choices()),
      time_zone: timeZone(),
      input_sample_rate: this.audio.rate,
      output_sample_rate: this.audio.rate,
    });
  }

  /** @param {ServerMessage} message */
  #onMessage(message) {
    if (message.type !== "pong") this.listener.onWireMessage("down", message);
    switch (message.type) {
      case "session_started":
        this.#onStarted(message);
        break;
      case "status":
        this.#setState({ status: message.status });
        break;
      case "floor_contested":
        this.audio.setDucked(true);
        break;
      case "floor_kept":
        this.audio.setDucked(false);
        break;
      case "speech_started":
        // Not before the reply that they interrupted has ceased.
        this.audio.setDucked(false, CEASED_SECONDS);
        break;
      case "interrupted":
        this.playback.onInterrupted(message.reply_id);
        this.replies.stop(message.reply_id);
        break;
      case "mode_changed":
        this.#setState({ mode: message.mode });
        break;
      case "session_ended":
        void this.#finish(message.summary);
        return;
      case "error":
        if (this.#isAwaitingStart) void this.#finish(null);
        break;
      default:
    }
    this.listener.onMessage(message);
  }

  /** No session is live yet, or not again. */
  get #isAwaitingStart() {
    return this.state.phase === "starting" || this.state.phase === "reconnecting";
  }

  /** @param {SessionStartedMessage} message */
  #onStarted(message) {
    if (this.#startedBefore) this.listener.onRestarted();
    this.#startedBefore = true;
    this.audio.setDucked(false);
    this.#setState({ phase: "live", status: "listening", started: message, mode: message.mode });
    this.soundWatch.start();
    for (const pcm of this.#earlyFrames.splice(0)) this.#sendAudio(pcm);
    if (this.#commitWhenLive) this.#connection?.send({ type: "commit" });
    this.#commitWhenLive = false;
    for (const text of this.#pendingTexts.splice(0)) this.#sendText(text);
  }

  /** @param {string} text */
  #sendText(text) {
    this.playback.onSpeechOffset(this.audio.now);
    this.listener.onTextSent(text);
    this.#connection?.send({ type: "text_input", text });
  }

  /** @param {number} attempt */
  #onConnectionLost(attempt) {
    if (this.state.phase === "ending") {
      void this.#finish(null);
      return;
    }
    this.replies.stopAll();
    this.#setState({ phase: this.#startedBefore ? "reconnecting" : "starting", status: null });
    if (this.#startedBefore) this.listener.onConnectionLost(attempt);
  }

  /** @param {SessionSummary | null} summary */
  async #finish(summary) {
    window.clearTimeout(this.#endTimer);
    this.soundWatch.stop();
    this.#generation += 1;
    const id = this.state.started?.session_id ?? null;
    this.#connection?.close();
    this.#connection = null;
    this.#earlyFrames = [];
    this.#commitWhenLive = false;
    this.replies.clear();
    this.#setState(IDLE);
    this.listener.onEnded(id, summary);
    await this.audio.close();
  }

  /** @param {Partial<SessionState>} change */
  #setState(change) {
    this.state = { ...this.state, ...change };
    this.listener.onState(this.state);
  }
}

/** The browser's time zone; empty where it knows none, which some of them call Etc/Unknown. */
function timeZone() {
  const { timeZone: name = "" } = Intl.DateTimeFormat().resolvedOptions();
  return name === "Etc/Unknown" ? "" : name;
}
