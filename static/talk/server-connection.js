/**
 * The WebSocket to the server: opens it, keeps it alive, detects a dead network, and reconnects
 * after a loss.
 *
 * @import {AudioFrame} from "./audio-frames.js"
 * @import {ClientMessage, ServerMessage} from "./protocol-types"
 */
import { decodeAudioFrame } from "./audio-frames.js";

const PING_INTERVAL_MS = 5_000;
const SILENCE_TIMEOUT_MS = 12_000;
const READY_TIMEOUT_MS = 8_000;
const RETRY_DELAYS_MS = [300, 1_000, 2_000, 4_000, 8_000];
/** Audio that would wait behind more than this many bytes is dropped: it would come too late. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/**
 * @typedef {object} ConnectionListener
 * @property {() => void} onReady  The server sent connection_ready: start_session may be sent.
 * @property {(message: ServerMessage) => void} onMessage
 * @property {(frame: AudioFrame, bytes: number) => void} onAudio  ``bytes``: header included.
 * @property {(attempt: number) => void} onLost  The connection broke; this attempt to reconnect follows.
 * @property {(code: number) => void} onClosed  Closed by the server for good, or never reached.
 * @property {(message: ClientMessage) => void} onSent
 */

export class ServerConnection {
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #lastReceivedAt = 0;
  /** @type {number | undefined} */
  #retryTimer;
  /** @type {number | undefined} */
  #keepAliveTimer;
  #ready = false;
  /** Audio frames dropped because the network is slower than the microphone. */
  droppedFrames = 0;

  /**
   * @param {URL} url
   * @param {ConnectionListener} listener
   */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
  }

  open() {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#ready = false;
    this.#lastReceivedAt = performance.now();
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#onData(data);
    socket.onclose = ({ code }) => this.#onClose(socket, code);
    this.#keepAliveTimer = window.setInterval(() => this.#keepAlive(), PING_INTERVAL_MS);
  }

  /** @param {ClientMessage} message  Not sent before the server is ready: start_session is the first. */
  send(message) {
    if (!this.#ready || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    this.listener.onSent(message);
  }

  /** @param {ArrayBuffer} pcm  Mono s16le. */
  sendAudio(pcm) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) this.droppedFrames += 1;
    else this.#socket.send(pcm);
  }

  /** Closes for good; the listener is not called after this. */
  close() {
    window.clearTimeout(this.#retryTimer);
    window.clearInterval(this.#keepAliveTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  /** @param {string | ArrayBuffer} data */
  #onData(data) {
    this.#lastReceivedAt = performance.now();
    if (typeof data !== "string") {
      this.listener.onAudio(decodeAudioFrame(data), data.byteLength);
      return;
    }
    const message = /** @type {ServerMessage} */ (JSON.parse(data));
    if (message.type === "connection_ready") {
      this.#attempt = 0;
      this.#ready = true;
      this.listener.onMessage(message);
      this.listener.onReady();
    } else {
      this.listener.onMessage(message);
    }
  }

  #keepAlive() {
    const silentMs = performance.now() - this.#lastReceivedAt;
    if (silentMs > (this.#ready ? SILENCE_TIMEOUT_MS : READY_TIMEOUT_MS)) this.#abandon(this.#socket);
    else if (this.#ready) this.send({ type: "ping", nonce: "" });
  }

  /**
   * Over a dead network no close frame is answered either, so this does not wait for one.
   * @param {WebSocket | null} socket
   */
  #abandon(socket) {
    if (!socket) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    this.#onClose(socket, 1006);
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  #onClose(socket, code) {
    if (socket !== this.#socket) return;
    window.clearInterval(this.#keepAliveTimer);
    this.#socket = null;
    const refused = code === 1008 || (code >= 4000 && code < 5000);
    if (refused || code === 1000 || this.#attempt >= RETRY_DELAYS_MS.length) {
      this.listener.onClosed(code);
      return;
    }
    const delayMs = RETRY_DELAYS_MS[this.#attempt] ?? 0;
    this.#attempt += 1;
    this.listener.onLost(this.#attempt);
    this.#retryTimer = window.setTimeout(() => this.open(), delayMs * (0.8 + 0.4 * Math.random()));
  }
}
