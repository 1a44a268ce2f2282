/**
 * The events of a turn beside its text: a provider that stepped in, a tool that was called.
 * ``templates/history/_turn_events.html`` draws the same of a turn that was kept.
 *
 * @import {PageConfig} from "./page-config.js"
 * @import {ErrorMessage, ProviderFallbackMessage, ToolInvocationMessage} from "./protocol-types"
 * @import {Turn} from "./turn-store.js"
 */
import { createElement } from "./dom.js";
import { explainError, inARow, providerLabel } from "./error-explanations.js";
import { formatText } from "./i18n.js";
import { figure } from "./waterfall.js";

/**
 * Draws a turn's events into two lists: those of speech synthesis come after the reply's text, all
 * others before it.
 *
 * @param {HTMLElement} before
 * @param {HTMLElement} after
 * @param {Turn} turn
 * @param {PageConfig} config
 */
export function drawTurnEvents(before, after, turn, config) {
  const early = turn.fallbacks.filter(({ stage }) => stage !== "tts").map((one) => createFallbackItem(one, config));
  const late = turn.fallbacks.filter(({ stage }) => stage === "tts").map((one) => createFallbackItem(one, config));
  replaceItems(before, [...early, ...turn.tools.map((one) => createToolItem(one, config))]);
  const { words } = config;
  if (turn.cut) late.push(createElement("li", "cut-short", words[`cut_${turn.cut}`]));
  late.push(...turn.remarks.map((one) => createRemark(one, config)));
  replaceItems(after, late);
}

/**
 * Replaces a list's items only where their number differs, so that opened details stay open.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement[]} items
 */
function replaceItems(list, items) {
  list.hidden = items.length === 0;
  if (list.children.length !== items.length) list.replaceChildren(...items);
}

/**
 * @param {ProviderFallbackMessage} fallback
 * @param {PageConfig} config
 */
function createFallbackItem({ stage, failed, code, provider }, config) {
  const item = createElement("li", "fell-back");
  item.dataset.fallback = stage;
  item.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-switch"/></svg>';
  const { happened } = explainError({ code, stage, provider: failed }, config);
  const steppedIn = formatText(config.words.stepped_in, { provider: providerLabel(provider, stage, config) });
  item.append(createElement("span", "", inARow(config, happened, steppedIn)));
  return item;
}

/**
 * @param {ErrorMessage} error  One that did not cost the turn.
 * @param {PageConfig} config
 */
function createRemark(error, config) {
  const { happened, advice } = explainError(error, config);
  return createElement("li", "remark", inARow(config, happened, advice));
}

/**
 * @param {ToolInvocationMessage} invocation
 * @param {PageConfig} config
 */
function createToolItem({ tool, arguments: given, status, result, ms }, { words, tools }) {
  const item = createElement("li", "tool");
  item.dataset.tool = tool;
  item.dataset.status = status;
  const details = createElement("details");
  const summary = createElement("summary");
  summary.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-tool"/></svg>';
  summary.append(createElement("span", "name", tools[tool] ?? tool));
  if (status !== "succeeded") summary.append(createElement("span", "outcome", words[`tool_${status}`]));
  summary.append(createElement("span", "figure ms", `${figure(ms)} ${words.ms}`));
  const values = createElement("dl");
  values.append(...createDefinition(words.tool_given, given), ...createDefinition(words.tool_result, result));
  details.append(summary, values);
  item.append(details);
  return item;
}

/**
 * @param {string | undefined} term
 * @param {string} value
 */
function createDefinition(term, value) {
  const definition = createElement("dd", "figure", value || "–");
  definition.dir = "auto";
  return [createElement("dt", "", term), definition];
}
