/**
 * What went on in a turn beside the talk: a provider that stepped in, a tool that was run.
 * ``templates/history/_doings.html`` draws the same of a turn that was kept.
 *
 * @import {Fallback, Invocation} from "./protocol.js"
 * @import {Turn} from "./record.js"
 * @import {Config} from "./words.js"
 */
import { figure } from "./waterfall.js";
import { fill, make } from "./words.js";

/**
 * Draws them where they belong: speech synthesis comes after the reply's text, all else before it.
 *
 * @param {HTMLElement} before
 * @param {HTMLElement} after
 * @param {Turn} turn
 * @param {Config} config
 */
export function drawDoings(before, after, turn, config) {
  const early = turn.fallbacks.filter(({ stage }) => stage !== "tts").map((one) => fallback(one, config));
  const late = turn.fallbacks.filter(({ stage }) => stage === "tts").map((one) => fallback(one, config));
  keep(before, [...early, ...turn.tools.map((one) => tool(one, config))]);
  keep(after, late);
}

/**
 * Replaces what is there only where it differs, so that what somebody opened stays open.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement[]} items
 */
function keep(list, items) {
  list.hidden = items.length === 0;
  if (list.children.length !== items.length) list.replaceChildren(...items);
}

/**
 * @param {Fallback} one
 * @param {Config} config
 */
function fallback({ stage, failed, code, provider }, { words, stages }) {
  const label = (/** @type {string} */ name) => stages[stage].providers.find((other) => other.name === name)?.label ?? name;
  const item = make("li", "fell-back");
  item.dataset.fallback = stage;
  item.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-switch"/></svg>';
  const line = make("span", "", fill(words.fell_back, {
    stage: words[`stage_${stage}`] ?? stage,
    failed: label(failed),
    reason: words[`failed_${code}`] ?? words.failed ?? "",
    provider: label(provider),
  }));
  item.append(line);
  return item;
}

/**
 * @param {Invocation} one
 * @param {Config} config
 */
function tool({ tool: name, arguments: given, status, result, ms }, { words, tools }) {
  const item = make("li", "tool");
  item.dataset.tool = name;
  item.dataset.status = status;
  const details = make("details");
  const summary = make("summary");
  summary.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-tool"/></svg>';
  summary.append(make("span", "name", tools[name] ?? name));
  if (status !== "succeeded") summary.append(make("span", "outcome", words[`tool_${status}`]));
  summary.append(make("span", "figure ms", `${figure(ms)} ${words.ms}`));
  const facts = make("dl");
  facts.append(...row(words.tool_given, given), ...row(words.tool_result, result));
  details.append(summary, facts);
  item.append(details);
  return item;
}

/**
 * @param {string | undefined} label
 * @param {string} text
 */
function row(label, text) {
  return [make("dt", "", label), make("dd", "figure", text || "–")];
}
