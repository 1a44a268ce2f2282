"""The player of a kept conversation, listened to where its sound comes out."""

from __future__ import annotations

LISTEN = """() => {
  const context = new AudioContext();
  const split = context.createChannelSplitter(2);
  const source = context.createMediaElementSource(document.querySelector("[data-audio]"));
  source.connect(split);
  source.connect(context.destination);
  const sides = [0, 1].map(side => {
    const analyser = context.createAnalyser();
    analyser.fftSize = 4096;
    split.connect(analyser, side);
    return analyser;
  });
  window.sounding = () => sides.map(analyser => {
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    return bins[loudest] > -60 ? loudest * context.sampleRate / analyser.fftSize : 0;
  });
}"""
"""Gives the page ``sounding()``: the loudest frequency of each side in Hz, 0 where it is silent."""
PLACE_MS = "document.querySelector('[data-audio]').currentTime * 1000"
PLAYS = "document.getElementById('conversation').dataset.state === 'playing'"
