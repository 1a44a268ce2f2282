/**
 * What the server sends with the voice page, as JSON: ``config`` of ``talk_context``.
 *
 * @import {ErrorExplanations} from "./error-explanations.js"
 * @import {Latency, Providers} from "./protocol-types"
 * @import {Words} from "./i18n.js"
 *
 * @typedef {object} ProviderInfo  A provider as ``GET /api/v1/interaction/providers`` lists it.
 * @property {string} name
 * @property {string} label
 * @property {boolean} available
 * @property {string} reason  Why it is not available; empty where it is.
 * @property {string[]} models  The default first.
 * @property {string[]} voices
 * @property {string} voice  The default.
 * @property {boolean} tools  Whether it can call tools.
 * @property {boolean} needs_key
 * @property {""|"own"|"server"|"nobody"} key  Whose key it is used with.
 *
 * @typedef {object} StageConfig
 * @property {string} default  The provider that serves where none is chosen.
 * @property {string[]} steps_in  The fallback providers where neither is chosen.
 * @property {{name: string, model: string, voice: string}} chosen
 * @property {{name: string}[]} fallbacks
 * @property {ProviderInfo[]} providers
 *
 * @typedef {"stt" | "llm" | "tts"} LanguageStage
 *
 * @typedef {object} LanguageService  Who serves a stage in one language.
 * @property {string} default  The provider that serves where none is chosen.
 * @property {string[]} steps_in  The fallback providers where neither is chosen.
 * @property {string[]} able  Every provider that serves the language, usable or not.
 * @property {string[]} serves  Those of them whose model for it is there.
 * @property {string[]} ready  Those of them that can be used now.
 * @property {string} stands_in  Who serves where none of the chosen ones does; empty for nobody.
 * @property {Record<string, string[]>} voices  By provider: its voices for the language, the default first.
 *
 * @typedef {object} Metric  A latency metric of a turn.
 * @property {keyof Latency} name
 * @property {string} stage  The stage whose colour it has; empty for none.
 * @property {string} label
 *
 * @typedef {object} PageConfig
 * @property {string} socket  Path of the WebSocket.
 * @property {{capture: string, playback: string}} worklets  Addresses of the two scripts.
 * @property {string} history  Address of a session's page, with {session} in it.
 * @property {string} audio  Address of a reply's recording, with {session} and {turn} in it.
 * @property {string} end_card  Address of a session's figures for the end of it, with {session} in it.
 * @property {string} template  Address of a template's text, with {template} in it.
 * @property {string} keys  Address of the page where keys are added.
 * @property {string} preferences  Address at which choices are kept.
 * @property {string} csrf
 * @property {boolean} recording_agreed  Whether the person has said yes to being recorded.
 * @property {Record<keyof Providers, StageConfig>} stages
 * @property {Record<LanguageStage, Record<string, LanguageService>>} languages  By tag; "" is the server's language.
 * @property {string} server_language  A BCP 47 tag.
 * @property {Record<string, string>} language_names  A language's name for itself by its tag.
 * @property {Record<string, string[]>} openers  Things to say first, by the tag of the session's language.
 * @property {Record<string, string>} tools  Name of a tool to its label.
 * @property {Metric[]} metrics  In the order of display.
 * @property {Partial<Latency>} sample  Of the sample turn on the first screen.
 * @property {boolean} local  No provider in force needs a key.
 * @property {boolean} has_key
 * @property {ErrorExplanations} errors
 * @property {Words} words
 */

/** @returns {PageConfig} */
export function readPageConfig() {
  return JSON.parse(document.getElementById("talk-config")?.textContent ?? "{}");
}
