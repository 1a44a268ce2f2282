/**
 * What the person chose for a conversation, and how the protocol names it.
 *
 * @import {Fallbacks, ProviderChoice, Stage, TurnDetection} from "./protocol.js"
 *
 * @typedef {object} Choices  What the person chose, in the protocol's terms.
 * @property {Record<Stage, Partial<ProviderChoice>>} providers
 * @property {Fallbacks} fallbacks
 * @property {number | null} templateId
 * @property {string} systemPrompt
 * @property {string[]} tools
 * @property {boolean} bargeIn
 * @property {number} silenceMs
 * @property {boolean} hold  Push to talk.
 * @property {boolean} recording
 */

/**
 * The choices as the protocol names them; they are remembered by the same names.
 * @param {Choices} choices
 */
export function settingsOf(choices) {
  return {
    providers: choices.providers,
    fallbacks: choices.fallbacks,
    template_id: choices.templateId,
    system_prompt: choices.systemPrompt,
    tools: choices.tools,
    barge_in_enabled: choices.bargeIn,
    turn_detection: turnDetection(choices),
    recording: choices.recording,
  };
}

/**
 * @param {Choices} choices
 * @returns {TurnDetection}
 */
export function turnDetection({ hold, silenceMs }) {
  return { kind: hold ? "manual" : "vad", silence_ms: silenceMs };
}
