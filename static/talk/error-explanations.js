/**
 * What an error means to a person, by its code: what happened, what to do, and what the page offers
 * for it. The tables come with the page; ``interaction/error_explanations.py`` holds them, and does
 * the same for turns that were kept.
 *
 * @import {PageConfig} from "./page-config.js"
 *
 * @typedef {"try_again"|"use_another"|"type_instead"|"open_keys"|"open_settings"|"sign_in"|"start_again"|"reload"} ErrorAction
 *
 * @typedef {object} ErrorExplanation
 * @property {string} happened  A sentence, with {provider} and {part} in it.
 * @property {string} advice  What to do now; empty for nothing.
 * @property {ErrorAction[]} actions
 * @property {boolean} quiet  It is no failure.
 * @property {string} stage  Where the choice lies that helps, if the error names no stage.
 * @property {boolean} detail  The error's own message says more, in English.
 *
 * @typedef {object} ErrorExplanations
 * @property {Record<string, ErrorExplanation>} by_code
 * @property {ErrorExplanation} general  Of a code that is not known.
 * @property {ErrorExplanation} late_archive  Of every error of the stage that archives.
 * @property {Record<string, string>} parts  What does a stage's work, by stage; "" where none is named.
 * @property {string} of_stage  A stage's name before a sentence.
 * @property {string} gap  Between two sentences.
 *
 * @typedef {{code: string, message?: string, stage?: string | null, provider?: string | null}} ReportedError
 *
 * @typedef {object} Explained
 * @property {string} happened
 * @property {string} advice
 * @property {ErrorAction[]} actions
 * @property {boolean} quiet
 * @property {string} stage  Where another provider can be chosen; empty where that does not help.
 * @property {string} detail  In English; empty for nothing.
 */
import { formatText } from "./i18n.js";

/**
 * @param {ReportedError} error
 * @param {PageConfig} config
 * @returns {Explained}
 */
export function explainError({ code, message, stage, provider }, config) {
  const { by_code, general, late_archive, parts, of_stage } = config.errors;
  const { happened, advice, actions, quiet, detail, ...found } = stage === "archive" ? late_archive : (by_code[code] ?? general);
  const part = parts[stage ?? ""] ?? parts[""] ?? "";
  const said = formatText(happened, { provider: provider ? providerLabel(provider, stage, config) : part, part });
  const stageLabel = config.words[`stage_${stage}`];
  const named = provider && stageLabel && happened.includes("{provider}");
  return {
    happened: named ? formatText(of_stage, { stage: stageLabel, happened: said }) : said,
    advice,
    actions,
    quiet,
    stage: stage || found.stage,
    detail: detail && message ? message : "",
  };
}

/**
 * @param {PageConfig} config
 * @param {(string | undefined)[]} sentences  Empty ones are left out.
 * @returns {string}
 */
export function inARow({ errors }, ...sentences) {
  return sentences.filter(Boolean).join(errors.gap);
}

/**
 * A provider's name for people; its own name where it is not on the page.
 *
 * @param {string} name
 * @param {string | null | undefined} stage  Without one, whatever stage it serves.
 * @param {PageConfig} config
 */
export function providerLabel(name, stage, { stages }) {
  const found = Object.entries(stages).filter(([one]) => !stage || one === stage).flatMap(([, { providers }]) => providers);
  return found.find((one) => one.name === name)?.label ?? name.replace(/^endpoint:/, "");
}
