/**
 * What is known of the conversation: the server's messages and the page's own measurements go in,
 * turns come out. It knows no page, no socket and no sound.
 *
 * @import {ServerMessage, Latency, ErrorMessage, Fallback, Invocation} from "./protocol.js"
 *
 * @typedef {object} Turn
 * @property {string} key  The page's own name of the turn; a typed one has no id before its reply.
 * @property {string | null} id
 * @property {string | null} replyId
 * @property {number} number
 * @property {"speech"|"text"} kind
 * @property {string} transcript
 * @property {boolean} final
 * @property {number} firm  How many characters of a partial transcript held since the one before.
 * @property {string[]} sentences  As they are about to be spoken.
 * @property {string | null} reply  The whole text, once it is written.
 * @property {boolean} over  Nothing more of its reply will come.
 * @property {{text: string, ms: number} | null} heard  Set when the reply was interrupted.
 * @property {Fallback[]} fallbacks  Providers that stepped in.
 * @property {Invocation[]} tools  What the language model had done.
 * @property {Latency} latency
 * @property {boolean} measured  The server's figures are in.
 * @property {Pick<ErrorMessage, "stage"|"provider"|"code"|"message"|"retryable"> | null} error
 */

export class Record {
  /** @type {Turn[]} */
  turns = [];
  #number = 0;
  #keys = 0;

  /**
   * @param {(turn: Turn) => void} changed
   * @param {(turn: Turn) => void} dropped  The turn came to nothing.
   */
  constructor(changed, dropped) {
    this.changed = changed;
    this.dropped = dropped;
  }

  /** Another session begins: its turns count from 1, and nothing more comes of those before. */
  begin() {
    this.#number = 0;
    for (const turn of this.turns) {
      turn.id ??= turn.key;
      if (!turn.over) {
        turn.over = true;
        this.changed(turn);
      }
    }
  }

  /**
   * A typed turn: shown at once, named by the server with its reply.
   * @param {string} text
   */
  typed(text) {
    const turn = this.#add(null, "text");
    turn.transcript = text;
    turn.final = true;
    this.changed(turn);
  }

  /**
   * @param {string} replyId
   * @param {"ear"|"yield"} metric
   * @param {number} ms
   */
  measured(replyId, metric, ms) {
    const turn = this.ofReply(replyId);
    if (!turn) return;
    turn.latency[metric] = ms;
    this.changed(turn);
  }

  /** @param {string | null} replyId */
  ofReply(replyId) {
    return this.turns.findLast((turn) => replyId !== null && turn.replyId === replyId);
  }

  /** @param {ServerMessage} message */
  take(message) {
    switch (message.type) {
      case "speech_started":
        this.changed(this.#turn(message.turn_id, "speech"));
        break;
      case "speech_ended":
        if (!message.kept) this.#drop(message.turn_id);
        break;
      case "transcript_partial":
      case "transcript_final":
        this.#transcript(message.turn_id, message.text, message.type === "transcript_final");
        break;
      case "response_started":
        this.#update(message.turn_id, (turn) => {
          turn.replyId = message.reply_id;
        });
        break;
      case "response_text":
        this.#update(message.turn_id, (turn) => {
          turn.sentences[message.sentence] = message.text;
        });
        break;
      case "agent_response":
        this.#update(message.turn_id, (turn) => {
          turn.reply = message.text;
        });
        break;
      case "response_ended":
        this.#update(message.turn_id, (turn) => {
          turn.latency = { ...message.latency, ...known(turn.latency) };
          turn.measured = true;
          turn.over = true;
        });
        break;
      case "interrupted":
        this.#update(message.turn_id, (turn) => {
          turn.heard = { text: message.heard_text, ms: message.heard_ms };
          turn.latency = { ...message.latency, ...known(turn.latency) };
          turn.measured = true;
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
        if (message.turn_id) {
          this.#update(message.turn_id, (turn) => {
            turn.error = message;
            turn.over = true;
          });
        }
        break;
      default:
    }
  }

  /**
   * @param {string} id
   * @param {string} text
   * @param {boolean} final
   */
  #transcript(id, text, final) {
    this.#update(id, (turn) => {
      if (turn.final && !final) return;
      turn.firm = final ? text.length : firmPart(turn.transcript, text);
      turn.transcript = text;
      turn.final = final;
    });
  }

  /**
   * @param {string} id
   * @param {(turn: Turn) => void} change
   */
  #update(id, change) {
    const turn = this.#turn(id);
    change(turn);
    this.changed(turn);
  }

  /**
   * The turn with this id. One that is new is the oldest typed turn without a name, or spoken.
   * @param {string} id
   * @param {"speech"|"text"} [kind]
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
      firm: 0,
      sentences: [],
      reply: null,
      over: false,
      heard: null,
      fallbacks: [],
      tools: [],
      latency: {},
      measured: false,
      error: null,
    };
    this.turns.push(turn);
    return turn;
  }

  /** @param {string} id */
  #drop(id) {
    const turn = this.turns.find((one) => one.id === id);
    if (!turn) return;
    this.turns = this.turns.filter((one) => one !== turn);
    this.dropped(turn);
  }
}

/**
 * @param {string} before
 * @param {string} now
 * @returns {number} The length of the words that both begin with.
 */
function firmPart(before, now) {
  let same = 0;
  while (same < before.length && before[same] === now[same]) same += 1;
  const whole = same === now.length || now[same] === " ";
  return whole ? same : now.lastIndexOf(" ", same) + 1;
}

/**
 * @param {Latency} latency
 * @returns {Latency}
 */
function known(latency) {
  return Object.fromEntries(Object.entries(latency).filter(([, ms]) => ms !== null));
}

/**
 * The reply's text as far as it is known, split into what was heard and what was not.
 * @param {Turn} turn
 * @returns {{heard: string, unheard: string}}
 */
export function replyOf(turn) {
  const text = turn.reply ?? turn.sentences.filter(Boolean).join(" ");
  if (!turn.heard) return { heard: text, unheard: "" };
  const heard = text.startsWith(turn.heard.text) ? turn.heard.text : turn.heard.text.trim();
  return { heard, unheard: text.startsWith(heard) ? text.slice(heard.length) : "" };
}
