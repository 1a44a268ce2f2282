/**
 * The line to the server: opens, keeps alive, notices silence, and comes back after a loss.
 *
 * @import {ClientMessage, ServerMessage, ReplyAudio} from "./protocol.js"
 */
import { readAudio } from "./protocol.js";

const PING_EVERY_MS = 5_000;
const SILENT_FOR_MS = 12_000;
const READY_WITHIN_MS = 8_000;
const RETRY_AFTER_MS = [300, 1_000, 2_000, 4_000, 8_000];
/** Audio waiting to leave beyond this many bytes is dropped: late words help nobody. */
const MOST_WAITING = 256 * 1024;

/**
 * @typedef {object} LineEvents
 * @property {() => void} ready  The server greeted: start_session may be sent.
 * @property {(message: ServerMessage) => void} message
 * @property {(audio: ReplyAudio, bytes: number) => void} audio
 * @property {(attempt: number) => void} lost  The connection broke; the next attempt is under way.
 * @property {(code: number) => void} gone  It is given up: closed for good, or never reached.
 * @property {(message: ClientMessage) => void} sent
 */

export class Line {
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #heardAt = 0;
  /** @type {number | undefined} */
  #retry;
  /** @type {number | undefined} */
  #watch;
  #ready = false;
  /** Audio frames dropped because the network is slower than the voice. */
  dropped = 0;

  /**
   * @param {URL} url
   * @param {LineEvents} on
   */
  constructor(url, on) {
    this.url = url;
    this.on = on;
  }

  open() {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#ready = false;
    this.#heardAt = performance.now();
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(socket, code);
    this.#watch = window.setInterval(() => this.#keepAlive(), PING_EVERY_MS);
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    this.on.sent(message);
  }

  /** @param {ArrayBuffer} pcm  Mono s16le. */
  sendAudio(pcm) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MOST_WAITING) this.dropped += 1;
    else this.#socket.send(pcm);
  }

  /** Hangs up; nothing is reported after this. */
  close() {
    window.clearTimeout(this.#retry);
    window.clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    this.#heardAt = performance.now();
    if (typeof data !== "string") {
      this.on.audio(readAudio(data), data.byteLength);
      return;
    }
    const message = /** @type {ServerMessage} */ (JSON.parse(data));
    if (message.type === "connection_ready") {
      this.#attempt = 0;
      this.#ready = true;
      this.on.message(message);
      this.on.ready();
    } else {
      this.on.message(message);
    }
  }

  #keepAlive() {
    const silent = performance.now() - this.#heardAt;
    if (silent > (this.#ready ? SILENT_FOR_MS : READY_WITHIN_MS)) this.#giveUpOn(this.#socket);
    else if (this.#ready) this.send({ type: "ping", nonce: "" });
  }

  /**
   * A dead network never answers a close either: don't wait for it.
   * @param {WebSocket | null} socket
   */
  #giveUpOn(socket) {
    if (!socket) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    this.#closed(socket, 1006);
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  #closed(socket, code) {
    if (socket !== this.#socket) return;
    window.clearInterval(this.#watch);
    this.#socket = null;
    const refused = code === 1008 || (code >= 4000 && code < 5000);
    if (refused || code === 1000 || this.#attempt >= RETRY_AFTER_MS.length) {
      this.on.gone(code);
      return;
    }
    const wait = RETRY_AFTER_MS[this.#attempt] ?? 0;
    this.#attempt += 1;
    this.on.lost(this.#attempt);
    this.#retry = window.setTimeout(() => this.open(), wait * (0.8 + 0.4 * Math.random()));
  }
}
