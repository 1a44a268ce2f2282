/** When each word sounds, in every script. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitWords, timeOf, timeWords, wordAt } from "../../../static/history/word-times.js";

const texts = (text) => splitWords(text).map(({ start, end }) => text.slice(start, end));

const WORDS = {
  "It is sunny, isn't it?": ["It", "is", "sunny", "isn't", "it"],
  "3.5 km, and 12:30": ["3.5", "km", "and", "12", "30"],
  "Grüße aus Łódź": ["Grüße", "aus", "Łódź"],
  "مرحبا بالعالم": ["مرحبا", "بالعالم"],
  "👍 well 🎉": ["well"],
  "": [],
  "… — !": [],
};
for (const [text, words] of Object.entries(WORDS)) {
  test(`words of “${text}”`, () => assert.deepEqual(texts(text).flatMap((word) => word.split(":")), words));
}

for (const text of ["今天天氣很好，我們去散步吧。", "今日はいい天気です", "วันนี้อากาศดี"]) {
  test(`a script without spaces has words all the same: ${text}`, () => {
    assert.ok(texts(text).length > 2);
    assert.ok(texts(text).every((word) => text.includes(word)));
  });
}

test("words share the time of their sentence by their letters", () => {
  const words = timeWords("aaaa bbbb", [[0, 1_000], [9, 1_900]]);
  assert.deepEqual(words, [{ start: 0, end: 4, from: 1_000, to: 1_400 }, { start: 5, end: 9, from: 1_500, to: 1_900 }]);
});

test("a sentence whose time is known begins at it, whatever the length of the one before", () => {
  const words = timeWords("One two. Three.", [[0, 0], [9, 5_000], [15, 5_600]]);
  assert.equal(words.at(-1).from, 5_000);
  assert.ok(words.at(1).to < 5_000);
});

test("places before, at and after the anchors", () => {
  const anchors = [[10, 100], [20, 200], [20, 250], [30, 350]];
  const expected = [[0, 100], [10, 100], [15, 150], [20, 250], [25, 300], [30, 350], [99, 350]];
  for (const [place, ms] of expected) assert.equal(timeOf(place, anchors), ms, `place ${place}`);
});

test("without two anchors no word has a time", () => {
  assert.deepEqual(timeWords("some words", []), []);
  assert.deepEqual(timeWords("some words", [[0, 5]]), []);
});

test("words are in their order, and never run backwards", () => {
  const text = "Hello there. 今天天氣很好 and more, more 👍 words! ".repeat(20);
  const words = timeWords(text, [[0, 0], [13, 900], [200, 900], [400, 30_000], [text.length, 31_000]]);
  for (const [i, word] of words.entries()) {
    assert.ok(word.to >= word.from);
    if (i > 0) assert.ok(word.from >= words[i - 1].from);
  }
});

test("the word that sounds is the latest that has begun, up to the end of the last one", () => {
  const words = timeWords("aaaa bbbb", [[0, 1_000], [9, 1_900]]);
  const at = (ms) => wordAt(words, ms)?.start ?? null;
  assert.deepEqual([999, 1_000, 1_399, 1_450, 1_500, 1_899, 1_900].map(at), [null, 0, 0, 0, 5, 5, null]);
  assert.equal(wordAt([], 5), null);
});
