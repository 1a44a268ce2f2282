/**
 * When each word of a text sounds, as near as is known: between two places whose times are known, its
 * letters take the same time each.
 *
 * Nothing here touches the page. Places in a text are counted as JavaScript counts.
 *
 * @typedef {{start: number, end: number, from: number, to: number}} TimedWord  Its place in the text;
 *   its time in ms on the axis.
 * @typedef {[number, number]} Anchor  A place in the text, and the ms at which it sounds.
 */

/**
 * @param {string} text
 * @returns {{start: number, end: number}[]}  The words, without the spaces and marks between them.
 */
export function splitWords(text) {
  if ("Segmenter" in Intl) {
    const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
    return Array.from(segmenter.segment(text))
      .filter(({ isWordLike }) => isWordLike)
      .map(({ index, segment }) => ({ start: index, end: index + segment.length }));
  }
  return Array.from(text.matchAll(/[\p{L}\p{N}\p{M}'’]+/gu), (match) => ({ start: match.index ?? 0, end: (match.index ?? 0) + match[0].length }));
}

/**
 * @param {string} text
 * @param {Anchor[]} anchors  In their order; the last one is where the text, or what sounds of it, ends.
 * @returns {TimedWord[]}
 */
export function timeWords(text, anchors) {
  if (anchors.length < 2) return [];
  return splitWords(text).map(({ start, end }) => ({ start, end, from: timeOf(start, anchors), to: timeOf(end, anchors) }));
}

/**
 * When a place in the text sounds.
 * @param {number} place
 * @param {Anchor[]} anchors
 */
export function timeOf(place, anchors) {
  const after = Math.max(1, anchors.findIndex(([at]) => at > place));
  const next = anchors[anchors.some(([at]) => at > place) ? after : anchors.length - 1];
  const before = anchors[anchors.some(([at]) => at > place) ? after - 1 : anchors.length - 2];
  if (!next || !before) return 0;
  const [[startPlace, startMs], [endPlace, endMs]] = [before, next];
  const part = endPlace > startPlace ? Math.min(Math.max((place - startPlace) / (endPlace - startPlace), 0), 1) : 0;
  return startMs + part * (endMs - startMs);
}

/**
 * The word that sounds at a time, or sounded last; null before the first and after the last.
 * @param {TimedWord[]} words
 * @param {number} ms
 * @returns {TimedWord | null}
 */
export function wordAt(words, ms) {
  const last = words.at(-1);
  if (!last || ms >= last.to) return null;
  return words.findLast(({ from }) => from <= ms) ?? null;
}
