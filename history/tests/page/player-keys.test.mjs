/** Which key does what on a conversation's page, and whose it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { actOfKey } from "../../../static/history/player-keys.js";

const NOTHING = { writes: false, usesSpace: false };
const key = (name, more = {}) => ({ key: name, keyCode: 0, isComposing: false, defaultPrevented: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

const ACTS = {
  " ": "toggle", k: "toggle", K: "toggle",
  ArrowLeft: "seek", ArrowRight: "seek", j: "seek", L: "seek",
  p: "turn", N: "turn", Home: "go", End: "go",
  "<": "speed", ">": "speed", s: "skip", "-": "zoom", "+": "zoom", "=": "zoom", 0: "zoom",
};
for (const [name, act] of Object.entries(ACTS)) {
  test(`${name} is ${act}`, () => assert.equal(actOfKey(key(name), NOTHING)?.act, act));
}

for (const name of ["a", "Enter", "Tab", "Escape", "ArrowUp", "ArrowDown", "PageDown", "F5", "1", "?"]) {
  test(`${name} is not the page's`, () => assert.equal(actOfKey(key(name), NOTHING), null));
}

test("J, L and the arrows go back and on", () => {
  const by = (name) => actOfKey(key(name), NOTHING).by;
  assert.deepEqual(["j", "ArrowLeft", "ArrowRight", "l"].map(by), [-10_000, -5_000, 5_000, 10_000]);
});

for (const name of Object.keys(ACTS)) {
  test(`${name} is a field's where somebody writes`, () => assert.equal(actOfKey(key(name), { writes: true, usesSpace: true }), null));
  for (const taken of ["ctrlKey", "metaKey", "altKey", "isComposing", "defaultPrevented"]) {
    test(`${name} with ${taken} is somebody else's`, () => assert.equal(actOfKey(key(name, { [taken]: true }), NOTHING), null));
  }
}

test("Space presses the button that has the focus; every other key is the page's there", () => {
  const onButton = { writes: false, usesSpace: true };
  assert.equal(actOfKey(key(" "), onButton), null);
  assert.equal(actOfKey(key("k"), onButton).act, "toggle");
});
