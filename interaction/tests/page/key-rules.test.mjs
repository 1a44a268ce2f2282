import assert from "node:assert/strict";
import { test } from "node:test";

import { isTaken, onEscape } from "../../../static/talk/key-rules.js";

const KEY = { isComposing: false, keyCode: 27, defaultPrevented: false, ctrlKey: false, metaKey: false, altKey: false };
const NOTHING_OPEN = {
  dialogOpen: false, panelOpen: false, detailsOpen: false, textFieldFocused: false, text: "", phase: "live", status: "listening",
};
const escape = (context) => onEscape({ ...NOTHING_OPEN, ...context });

test("a key is the page's unless an input method, a modifier or somebody else has it", () => {
  assert.equal(isTaken(KEY), false);
  for (const taken of [{ isComposing: true }, { keyCode: 229 }, { defaultPrevented: true }, { ctrlKey: true }, { metaKey: true }, { altKey: true }]) {
    assert.equal(isTaken({ ...KEY, ...taken }), true, JSON.stringify(taken));
  }
});

const EVERYTHING = { dialogOpen: true, panelOpen: true, detailsOpen: true, textFieldFocused: true, status: "speaking" };
const ORDER = [
  ["nothing", "dialogOpen"],
  ["close_panel", "panelOpen"],
  ["close_details", "detailsOpen"],
  ["close_text_field", "textFieldFocused"],
];

test("Escape closes what is open, the foremost first, then stops the reply, then ends the conversation", () => {
  const context = { ...NOTHING_OPEN, ...EVERYTHING };
  for (const [act, open] of ORDER) {
    assert.equal(onEscape(context), act);
    context[open] = false;
  }
  assert.equal(onEscape(context), "interrupt_reply");
  context.status = "listening";
  assert.equal(onEscape(context), "end_conversation");
});

test("whatever is open, it is closed before a reply is stopped or a conversation ended", () => {
  for (const [act, open] of ORDER) {
    for (const status of ["listening", "recording", "transcribing", "responding", "speaking", null]) {
      for (const phase of ["idle", "starting", "live", "reconnecting", "ending"]) {
        assert.equal(escape({ [open]: true, status, phase }), act);
      }
    }
  }
});

test("a half-written line is never lost with its conversation, wherever the focus is", () => {
  for (const textFieldFocused of [true, false]) {
    for (const status of ["listening", "recording", "transcribing"]) {
      for (const text of ["I was about to", "半句", "نصف", "x "]) assert.equal(escape({ text, textFieldFocused, status }), "nothing");
    }
    for (const status of ["responding", "speaking"]) assert.equal(escape({ text: "I was", textFieldFocused, status }), "interrupt_reply");
  }
});

test("blanks in the field that has the focus are something that the person wrote; elsewhere they hold nobody up", () => {
  assert.equal(escape({ text: "  ", textFieldFocused: true }), "nothing");
  assert.equal(escape({ text: "  " }), "end_conversation");
});

test("without a conversation there is nothing to end", () => {
  assert.equal(escape({ phase: "idle", status: null }), "nothing");
  for (const phase of ["starting", "reconnecting"]) assert.equal(escape({ phase, status: null }), "end_conversation");
});
