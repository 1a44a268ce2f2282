/**
 * What the keys of a conversation's page do. Nothing here touches the page.
 *
 * A key belongs to an input method while it composes, to whoever has handled it already, and to the
 * browser together with Ctrl, Alt or Meta; Space to the control that has the focus; and every key to
 * a field that is written in.
 *
 * @typedef {{act: "toggle"} | {act: "seek", by: number} | {act: "turn", by: number} | {act: "go", to: "start"|"end"}
 *   | {act: "speed", by: number} | {act: "skip"} | {act: "zoom", to: "in"|"out"|"fit"}} PlayerAct  ``by``: ms, or turns.
 *
 * @typedef {object} Focus  What has the focus.
 * @property {boolean} writes  A field, or a list to choose from: it needs its keys.
 * @property {boolean} usesSpace  Anything that Space presses.
 */
import { isTaken } from "../talk/key-rules.js";

/** Needs every key that writes or moves within it. */
export const WRITES = "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]:not([contenteditable=false])";

/** @type {Record<string, PlayerAct>} */
const ACTS = {
  " ": { act: "toggle" },
  k: { act: "toggle" },
  arrowleft: { act: "seek", by: -5_000 },
  arrowright: { act: "seek", by: 5_000 },
  j: { act: "seek", by: -10_000 },
  l: { act: "seek", by: 10_000 },
  p: { act: "turn", by: -1 },
  n: { act: "turn", by: 1 },
  home: { act: "go", to: "start" },
  end: { act: "go", to: "end" },
  "<": { act: "speed", by: -1 },
  ">": { act: "speed", by: 1 },
  s: { act: "skip" },
  "-": { act: "zoom", to: "out" },
  "+": { act: "zoom", to: "in" },
  "=": { act: "zoom", to: "in" },
  0: { act: "zoom", to: "fit" },
};

/**
 * @param {Pick<KeyboardEvent, "key"|"isComposing"|"keyCode"|"defaultPrevented"|"ctrlKey"|"metaKey"|"altKey">} event
 * @param {Focus} focus
 * @returns {PlayerAct | null}  Null: the key is not the page's.
 */
export function actOfKey(event, { writes, usesSpace }) {
  if (isTaken(event) || writes) return null;
  if (event.key === " " && usesSpace) return null;
  return ACTS[event.key.toLowerCase()] ?? null;
}
