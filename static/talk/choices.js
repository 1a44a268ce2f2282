/**
 * What the person chose for a conversation, and how the protocol names it.
 *
 * @import {Fallbacks, Mode, Place, ProviderChoice, TurnDetection} from "./protocol.js"
 *
 * @typedef {object} Choices  What the person chose, in the protocol's terms.
 * @property {Mode} mode
 * @property {Record<Place, Partial<ProviderChoice>>} providers
 * @property {Fallbacks} fallbacks
 * @property {number | null} templateId
 * @property {string} systemPrompt
 * @property {string[]} tools
 * @property {boolean} bargeIn
 * @property {number} silenceMs
 * @property {boolean} hold  Push to talk.
 * @property {"vad"|"server"|"semantic"} turns  Who finds their ends in realtime mode.
 * @property {boolean} autoFallback
 * @property {boolean} recording
 */

/**
 * The choices as the protocol names them; they are remembered by the same names.
 * @param {Choices} choices
 */
export function settingsOf(choices) {
  return {
    mode: choices.mode,
    providers: choices.providers,
    fallbacks: choices.fallbacks,
    template_id: choices.templateId,
    system_prompt: choices.systemPrompt,
    tools: choices.tools,
    barge_in_enabled: choices.bargeIn,
    turn_detection: turnDetection(choices),
    auto_fallback: choices.autoFallback,
    recording: choices.recording,
  };
}

/**
 * @param {Choices} choices
 * @returns {TurnDetection}
 */
export function turnDetection({ mode, hold, turns, silenceMs }) {
  const found = mode === "realtime" ? turns : "vad";
  return { kind: hold ? "manual" : found, silence_ms: silenceMs };
}
