"""On the Python path of an engine process, this folder stands in for Moonshine's library, whose
models a test cannot fetch. Every half second of sound is understood as the next word of ``WORDS``;
silence is not understood, and a sentence that has not ended is understood when that is forced."""
