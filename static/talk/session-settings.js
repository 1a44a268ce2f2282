/**
 * What the person chose for a conversation, and the same as the protocol's session settings.
 *
 * @import {ProviderFallbacksInput, Providers, ProvidersInput, StartSessionMessage, TurnDetectionChoiceInput} from "./protocol-types"
 *
 * @typedef {NonNullable<StartSessionMessage["mode"]>} Mode
 * @typedef {keyof Providers} Place  Where a provider is chosen: a stage of the cascade, or realtime.
 * @typedef {Exclude<NonNullable<TurnDetectionChoiceInput["kind"]>, "manual">} EndOfTurnDetector
 * @typedef {NonNullable<TurnDetectionChoiceInput["eagerness"]>} Eagerness
 *
 * @typedef {object} Choices
 * @property {Mode} mode
 * @property {ProvidersInput} providers
 * @property {ProviderFallbacksInput} fallbacks
 * @property {number | null} templateId
 * @property {string} systemPrompt
 * @property {string[]} tools
 * @property {boolean} bargeIn
 * @property {number} silenceMs
 * @property {boolean} hold  Push to talk.
 * @property {EndOfTurnDetector} detector  Who detects the end of a turn in realtime mode, or what does in a cascade.
 * @property {Eagerness} eagerness  How soon a turn ends whose words count.
 * @property {boolean} autoFallback
 * @property {boolean} recording
 */

/**
 * The choices as the protocol names them; the person's preferences are kept under the same names.
 * @param {Choices} choices
 * @returns {Omit<StartSessionMessage, "type">}
 */
export function toSessionSettings(choices) {
  return {
    mode: choices.mode,
    providers: choices.providers,
    fallbacks: choices.fallbacks,
    template_id: choices.templateId,
    system_prompt: choices.systemPrompt,
    tools: choices.tools,
    barge_in_enabled: choices.bargeIn,
    turn_detection: toTurnDetection(choices),
    auto_fallback: choices.autoFallback,
    recording: choices.recording,
  };
}

/**
 * @param {Choices} choices
 * @returns {TurnDetectionChoiceInput}
 */
export function toTurnDetection({ hold, detector, eagerness, silenceMs }) {
  return { kind: hold ? "manual" : detector, eagerness, silence_ms: silenceMs };
}
