/**
 * The turns of the conversation, assembled from the server's messages and the page's own
 * measurements. It touches no element, no socket, no audio and no clock: moments are given, in ms.
 *
 * @import {AgentResponseMessage, ErrorMessage, InterruptedMessage, Latency, ProviderFallbackMessage, ResponseHeardMessage, ServerMessage, ToolInvocationMessage} from "./protocol-types"
 *
 * @typedef {ResponseHeardMessage["end_reason"]} EndReason
 *
 * @typedef {object} Moments  When the page learned of a step on the way to the first sound; null: not yet.
 * @property {number | null} begun  The person ceased to speak, or sent the text.
 * @property {number | null} committed
 * @property {number | null} transcribed
 * @property {number | null} wrote  The reply's first sentence is there.
 * @property {number | null} audible  Or would be, if it did not wait for the person to play it.
 *
 * @typedef {object} Turn
 * @property {string} key  The page's own id of the turn; a typed turn has none of the server's at first.
 * @property {string | null} id  The server's.
 * @property {string | null} replyId
 * @property {number} number  Counts the session's turns from 1.
 * @property {"speech"|"text"} kind
 * @property {string} transcript
 * @property {boolean} final  No more of the transcript is awaited.
 * @property {number} stableLength  Characters of a partial transcript that are as in the one before.
 * @property {string[]} sentences  Of the reply, as they are about to be spoken.
 * @property {string | null} reply  The reply's whole text, once it is written.
 * @property {boolean} over  Nothing more of the reply will come.
 * @property {{text: string, ms: number} | null} heard  Set when the reply was cut off: how much of it the person heard.
 * @property {EndReason | null} endReason  How the turn ended.
 * @property {AgentResponseMessage["cut"]} cut  Why the reply is less than the model's whole answer.
 * @property {ProviderFallbackMessage[]} fallbacks  Providers that stepped in.
 * @property {ToolInvocationMessage[]} tools  Tools that the language model called.
 * @property {Partial<Latency>} latency
 * @property {Moments} moments
 * @property {"cascade"|"realtime"} mode
 * @property {ErrorMessage | null} error  What it failed of.
 * @property {ErrorMessage[]} remarks  Errors that did not cost it.
 */

export class TurnStore {
  /** @type {Turn[]} */
  turns = [];
  #number = 0;
  #keys = 0;
  /** @type {Turn["mode"]} */
  #mode;

  /**
   * @param {(turn: Turn) => void} onChanged
   * @param {(turn: Turn) => void} onDropped  The turn held no speech after all.
   * @param {Turn["mode"]} [mode]  In which the session starts.
   */
  constructor(onChanged, onDropped, mode = "cascade") {
    this.#mode = mode;
    this.onChanged = onChanged;
    this.onDropped = onDropped;
  }

  /** Another session starts: its turns count from 1, and the turns before it are over. */
  startSession() {
    this.#number = 0;
    for (const turn of this.turns) {
      turn.id ??= turn.key;
      if (!turn.over) {
        turn.over = true;
        this.onChanged(turn);
      }
    }
  }

  /**
   * Adds a typed turn, which is shown at once; its id comes with the server's first message of it.
   * @param {string} text
   * @param {number} at
   */
  addTextTurn(text, at) {
    const turn = this.#add(null, "text");
    turn.transcript = text;
    turn.final = true;
    turn.moments = { ...turn.moments, begun: at, committed: at, transcribed: at };
    this.onChanged(turn);
  }

  /**
   * @param {string} replyId
   * @param {keyof Latency} metric
   * @param {number} ms  As the page measured it.
   */
  setLatency(replyId, metric, ms) {
    const turn = this.turns.findLast((one) => one.replyId === replyId);
    if (!turn) return;
    turn.latency[metric] = ms;
    this.onChanged(turn);
  }

  /**
   * A reply sounds, or waits for the person, which is no latency: its bar grows no more.
   * @param {string} replyId
   * @param {number} at
   */
  endWait(replyId, at) {
    const turn = this.turns.findLast((one) => one.replyId === replyId);
    if (!turn) return;
    turn.moments.audible ??= at;
    this.onChanged(turn);
  }

  /**
   * @param {ServerMessage} message
   * @param {number} at  When it came.
   * @param {number} [pauseMs]  The silence that ends a turn, where one does.
   */
  onMessage(message, at, pauseMs = 0) {
    switch (message.type) {
      case "session_started":
      case "mode_changed":
        this.#mode = message.mode;
        break;
      case "speech_started":
        this.onChanged(this.#turn(message.turn_id, "speech"));
        break;
      case "speech_ended":
        if (!message.kept) this.#drop(message.turn_id);
        else this.#update(message.turn_id, ({ moments }) => Object.assign(moments, { begun: at - pauseMs, committed: at }));
        break;
      case "transcript_partial":
      case "transcript_final":
        this.#setTranscript(message.turn_id, message.text, message.type === "transcript_final", at);
        break;
      case "response_started":
        this.#update(message.turn_id, (turn) => {
          turn.replyId = message.reply_id;
        });
        break;
      case "response_text":
        this.#update(message.turn_id, (turn) => {
          turn.sentences[message.sentence] = message.text;
          turn.moments.wrote ??= at;
        });
        break;
      case "agent_response":
        this.#update(message.turn_id, (turn) => {
          turn.reply = message.text;
          turn.cut = message.cut;
        });
        break;
      case "response_ended":
        this.#update(message.turn_id, (turn) => endReply(turn, message.latency));
        break;
      case "interrupted":
        this.#update(message.turn_id, (turn) => interruptReply(turn, message));
        break;
      case "response_heard":
        this.#update(message.turn_id, (turn) => {
          turn.endReason = message.end_reason;
          turn.heard = message.end_reason === "played" ? null : { text: message.heard_text, ms: message.heard_ms };
          turn.over = true;
        });
        break;
      case "provider_fallback":
        this.#update(message.turn_id, (turn) => {
          turn.fallbacks = [...turn.fallbacks, message];
        });
        break;
      case "tool_invocation":
        this.#update(message.turn_id, (turn) => {
          turn.tools = [...turn.tools.filter((one) => one.invocation_id !== message.invocation_id), message];
        });
        break;
      case "error":
        if (message.turn_id) this.#update(message.turn_id, (turn) => noteError(turn, message));
        break;
      default:
    }
  }

  /**
   * @param {string} id
   * @param {string} text
   * @param {boolean} final
   * @param {number} at
   */
  #setTranscript(id, text, final, at) {
    this.#update(id, (turn) => {
      if (turn.final && !final) return;
      turn.stableLength = final ? text.length : commonWords(turn.transcript, text);
      turn.transcript = text;
      turn.final = final;
      if (final) turn.moments.transcribed ??= at;
    });
  }

  /**
   * @param {string} id
   * @param {(turn: Turn) => void} change
   */
  #update(id, change) {
    const turn = this.#turn(id);
    change(turn);
    this.onChanged(turn);
  }

  /**
   * The turn with this id. A new id belongs to the oldest typed turn without one, else to a new
   * turn of speech.
   * @param {string} id
   * @param {"speech"} [kind]  Given: it belongs to no typed turn.
   * @returns {Turn}
   */
  #turn(id, kind) {
    const found = this.turns.find((turn) => turn.id === id);
    if (found) return found;
    const unnamed = kind ? undefined : this.turns.find((turn) => turn.id === null);
    if (unnamed) {
      unnamed.id = id;
      return unnamed;
    }
    return this.#add(id, kind ?? "speech");
  }

  /**
   * @param {string | null} id
   * @param {"speech"|"text"} kind
   * @returns {Turn}
   */
  #add(id, kind) {
    this.#number += 1;
    this.#keys += 1;
    /** @type {Turn} */
    const turn = {
      key: `turn-${this.#keys}`,
      id,
      replyId: null,
      number: this.#number,
      kind,
      transcript: "",
      final: false,
      stableLength: 0,
      sentences: [],
      reply: null,
      over: false,
      heard: null,
      endReason: null,
      cut: null,
      fallbacks: [],
      tools: [],
      latency: {},
      moments: { begun: null, committed: null, transcribed: null, wrote: null, audible: null },
      mode: this.#mode,
      error: null,
      remarks: [],
    };
    this.turns.push(turn);
    return turn;
  }

  /** @param {string} id */
  #drop(id) {
    const turn = this.turns.find((one) => one.id === id);
    if (!turn) return;
    this.turns = this.turns.filter((one) => one !== turn);
    this.onDropped(turn);
  }
}

/**
 * Whether a reply may still start or go on.
 * @param {Turn} turn
 */
export function isReplyAwaited(turn) {
  return !turn.over && turn.error === null && turn.heard === null;
}

/**
 * The reply's text as far as it is known, split into what was heard and what was not.
 * @param {Turn} turn
 * @returns {{heard: string, unheard: string}}
 */
export function splitReply(turn) {
  const text = turn.reply ?? turn.sentences.filter(Boolean).join(" ");
  if (!turn.heard) return { heard: text, unheard: "" };
  const heard = text.startsWith(turn.heard.text) ? turn.heard.text : turn.heard.text.trim();
  return { heard, unheard: text.startsWith(heard) ? text.slice(heard.length) : "" };
}

/**
 * @param {Turn} turn
 * @param {Latency} latency
 */
function endReply(turn, latency) {
  turn.latency = { ...latency, ...knownMetrics(turn.latency) };
  turn.over = true;
}

/**
 * @param {Turn} turn
 * @param {ErrorMessage} message
 */
function noteError(turn, message) {
  if (message.stage === "archive" || message.code === "audio_dropped") {
    turn.remarks = [...turn.remarks, message];
    return;
  }
  turn.error = message;
  turn.over = true;
  turn.stableLength = turn.transcript.length;
  turn.final = true;
}

/**
 * @param {Turn} turn
 * @param {InterruptedMessage} message
 */
function interruptReply(turn, message) {
  if (turn.replyId === null) {
    // The next turn overtook this one before its reply started: its transcription was given up too.
    turn.replyId = message.reply_id;
    turn.stableLength = turn.transcript.length;
    turn.final = true;
  }
  turn.heard = { text: message.heard_text, ms: message.heard_ms };
  endReply(turn, message.latency);
}

/**
 * @param {string} before
 * @param {string} now
 * @returns {number} Characters of the whole words that both begin with.
 */
function commonWords(before, now) {
  let same = 0;
  while (same < before.length && before[same] === now[same]) same += 1;
  const whole = same === now.length || now[same] === " ";
  return whole ? same : now.lastIndexOf(" ", same) + 1;
}

/**
 * @param {Partial<Latency>} latency
 * @returns {Partial<Latency>}
 */
function knownMetrics(latency) {
  return Object.fromEntries(Object.entries(latency).filter(([, ms]) => ms !== null));
}
