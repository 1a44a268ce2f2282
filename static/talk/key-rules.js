/**
 * What the two keys of the page do, once: Space talks, Escape closes or stops. Nothing here touches
 * an element; ``controls.js`` looks at the page and does what is answered.
 *
 * Both keys
 *   belong to an input method while it composes, to whoever has handled them already, and to the
 *   browser together with Ctrl, Alt or Meta.
 *
 * Space
 *   belongs to the field or the control that has the focus, except the talk button itself; else it
 *   is the talk button, held or pressed.
 *
 * Escape does the first of these that there is something to do for, and only once however long it is
 * held:
 *   1. an open dialog, menu or popover: the browser closes it;
 *   2. the settings panel: closed;
 *   3. the details that have the focus, or that were opened last: closed;
 *   4. the text field, where it has the focus and nothing in it: closed;
 *   5. a reply that is made or spoken: stopped;
 *   6. a half-written line: kept, and the conversation with it;
 *   7. the conversation: ended.
 *
 * @import {SessionState} from "./session.js"
 *
 * @typedef {"nothing"|"close_panel"|"close_details"|"close_text_field"|"interrupt_reply"|"end_conversation"} EscapeAct
 *
 * @typedef {object} EscapeContext  What there is when Escape is pressed.
 * @property {boolean} dialogOpen  A dialog, menu or popover of the browser's own.
 * @property {boolean} panelOpen
 * @property {boolean} detailsOpen  Outside of the panel.
 * @property {boolean} textFieldFocused
 * @property {string} text  In the text field.
 * @property {SessionState["phase"]} phase
 * @property {SessionState["status"]} status
 */

/** Sent instead of the real code of a key that an input method took, also by browsers whose event for it says nothing of composing. */
const TAKEN_BY_INPUT_METHOD = 229;

/** Has a use for the space bar of its own. */
export const USES_SPACE = [
  "input", "textarea", "select", "option", "button", "a[href]", "summary", "audio", "video",
  "[contenteditable]:not([contenteditable=false])",
  ...["button", "switch", "checkbox", "radio", "slider", "link", "menuitem", "option", "tab", "textbox"].map((role) => `[role=${role}]`),
].join(", ");

/**
 * Whether a key is not the page's.
 * @param {Pick<KeyboardEvent, "isComposing"|"keyCode"|"defaultPrevented"|"ctrlKey"|"metaKey"|"altKey">} event
 */
export function isTaken(event) {
  const composing = event.isComposing || event.keyCode === TAKEN_BY_INPUT_METHOD;
  return composing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey;
}

/**
 * @param {EscapeContext} context
 * @returns {EscapeAct}
 */
export function onEscape({ dialogOpen, panelOpen, detailsOpen, textFieldFocused, text, phase, status }) {
  if (dialogOpen) return "nothing";
  if (panelOpen) return "close_panel";
  if (detailsOpen) return "close_details";
  if (textFieldFocused && text === "") return "close_text_field";
  if (phase === "live" && (status === "speaking" || status === "responding")) return "interrupt_reply";
  if (text.trim() !== "" || textFieldFocused) return "nothing";
  return phase === "idle" ? "nothing" : "end_conversation";
}
