/**
 * The messages of Parley's socket, as the page sees them. docs/protocol.md is the reference.
 *
 * @typedef {{name: string, model: string, voice: string, language: string}} ProviderChoice
 * @typedef {"stt"|"llm"|"tts"} Stage
 * @typedef {Stage | "realtime"} Place  Where a provider is chosen.
 * @typedef {"cascade"|"realtime"} Mode
 * @typedef {Record<Place, ProviderChoice>} Providers
 * @typedef {Partial<Record<Stage, Partial<ProviderChoice>[]>>} Fallbacks
 * @typedef {{kind: "vad"|"manual"|"server"|"semantic", silence_ms?: number}} TurnDetection
 * @typedef {"listening"|"recording"|"transcribing"|"responding"|"speaking"} Status
 * @typedef {"end_of_turn_delay"|"transcription_delay"|"llm_ttft"|"llm_ttfs"|"tts_ttfb"|"e2e"|"ear"|"yield"} Metric
 * @typedef {Partial<Record<Metric, number|null>>} Latency  All in ms, null where unknown.
 *
 * @typedef {{type: "start_session", mode: Mode, providers: Partial<Record<Place, Partial<ProviderChoice>>>, fallbacks: Fallbacks,
 *   template_id: number|null, system_prompt: string, tools: string[], barge_in_enabled: boolean,
 *   turn_detection: TurnDetection, auto_fallback: boolean, recording: boolean, input_sample_rate: number, output_sample_rate: number}} StartSession
 * @typedef {{type: "playback", reply_id: string, played_ms: number, ended: boolean, underruns: number,
 *   ear_ms: number|null, yield_ms: number|null}} Playback
 * @typedef {StartSession | Playback
 *   | {type: "text_input", text: string}
 *   | {type: "commit"}
 *   | {type: "interrupt", heard_ms: number|null}
 *   | {type: "update_session", barge_in_enabled?: boolean, turn_detection?: TurnDetection}
 *   | {type: "accept_fallback"}
 *   | {type: "end_session"}
 *   | {type: "ping", nonce: string}} ClientMessage
 *
 * @typedef {{type: "session_started", session_id: string, mode: Mode, providers: Providers, fallbacks: Fallbacks,
 *   template_id: number|null, system_prompt: string, tools: string[], barge_in_enabled: boolean, turn_detection: TurnDetection, recording: boolean,
 *   input_sample_rate: number, output_sample_rate: number}} SessionStarted
 * @typedef {{type: "error", code: string, message: string, retryable: boolean, stage: string|null,
 *   provider: string|null, turn_id: string|null, reply_id: string|null}} ErrorMessage
 * @typedef {{type: "interrupted", turn_id: string, reply_id: string, heard_ms: number, heard_text: string, latency: Latency}} Interrupted
 * @typedef {{stage: Stage, failed: string, code: string, provider: string}} Fallback  In a turn: who stepped in for whom.
 * @typedef {{invocation_id: string, tool: string, arguments: string, status: "succeeded"|"failed"|"timed_out"|"refused",
 *   result: string, ms: number}} Invocation  ``arguments`` and mostly ``result`` are JSON text.
 * @typedef {{turns: number, interrupted: number, failed: number, seconds: number}} Summary
 * @typedef {{type: "connection_ready", protocol: number}
 *   | SessionStarted
 *   | {type: "status", status: Status}
 *   | {type: "speech_started", turn_id: string}
 *   | {type: "speech_ended", turn_id: string, kept: boolean}
 *   | {type: "transcript_partial", turn_id: string, text: string}
 *   | {type: "transcript_final", turn_id: string, text: string}
 *   | {type: "response_started", turn_id: string, reply_id: string}
 *   | {type: "response_text", turn_id: string, reply_id: string, sentence: number, text: string}
 *   | {type: "agent_response", turn_id: string, reply_id: string, text: string}
 *   | {type: "response_ended", turn_id: string, reply_id: string, latency: Latency}
 *   | Interrupted
 *   | {type: "fallback_offered", mode: Mode, provider: string, code: string, message: string}
 *   | {type: "mode_changed", mode: Mode, automatic: boolean}
 *   | (Fallback & {type: "provider_fallback", turn_id: string})
 *   | (Invocation & {type: "tool_invocation", turn_id: string, reply_id: string, task_id: string})
 *   | ErrorMessage
 *   | {type: "session_ended", session_id: string, reason: string, summary: Summary}
 *   | {type: "pong", nonce: string}} ServerMessage
 *
 * @typedef {{replyId: string, sequence: number, sentence: number, last: boolean, pcm: ArrayBuffer}} ReplyAudio
 */

const HEADER_BYTES = 24;

/**
 * Reads a binary frame of the server: 24 bytes of header, big-endian, then mono s16le.
 *
 * @param {ArrayBuffer} frame
 * @returns {ReplyAudio}
 */
export function readAudio(frame) {
  const view = new DataView(frame);
  let hex = "";
  for (let i = 0; i < 16; i += 1) hex += view.getUint8(i).toString(16).padStart(2, "0");
  return {
    replyId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    sequence: view.getUint32(16),
    sentence: view.getUint16(20),
    last: view.getUint16(22) !== 0,
    pcm: frame.slice(HEADER_BYTES),
  };
}
