"""What of a transcript was said, and what is only a mark for a noise or for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.core.spoken_words import has_words, spoken_words

NO_WORDS = [
    *(".", "..", "...", "…", " . . .", "?", "!", "-", "--", "—", ",", "。", "。。。", "、", "？"),
    *("！", "¿?", '" "', "''", "«»", "*", "**", "***", "♪", "♪♪", "♫", "♪ ♪ ♪", "♪ [music] ♪"),
    *("🎵", "🎶🎶", "🎼", "😊", "[BLANK_AUDIO]", " [BLANK_AUDIO]", "[BLANK_AUDIO] [BLANK_AUDIO]"),
    *("[blank_audio].", "[ Silence ]", "[silence]", "(silence)", "[Music]"),
    *("[Music playing]", "[MUSIC PLAYING]", "(music)", "(upbeat music)"),
    *("(soft piano plays)", "[Applause]", "[Laughter]", "(laughs)", "(laughing)", "*laughs*"),
    *("*sighs heavily*", "**coughs**", "(coughing)", "[inaudible]", "[INAUDIBLE]"),
    *("[unintelligible]", "(unintelligible)", "[noise]", "[NOISE] [NOISE]", "<noise>"),
    *("<unk>", "<unk> <unk>", "<s></s>", "<sil>", "<|nospeech|>", "<|NoSpeech|>"),
    *("<|endoftext|>", "<|startoftranscript|><|en|><|nospeech|><|endoftext|>"),
    *("<|0.00|><|2.00|>", "<|en|><|EMO_UNKNOWN|><|Event_UNK|><|woitn|>"),
    *("[00:00:00.000 --> 00:00:02.000]  [BLANK_AUDIO]", "[00:00:00.000 --> 00:00:02.000]"),
    *("(speaking in foreign language)", "(speaks Spanish)", "[door slams]", "[SOUND]"),
    *(
        "(wind blowing)",
        "{breath}",
        "【音乐】",
        "（音樂）",
        "[音楽]",
        "（拍手）",
        "(笑)",
        "(掌声)",
        "[음악]",
    ),
    *("[박수]", "[музыка]", "(смех)", "[Música]", "(risas)", "[Musik]", "(Lachen)"),
    *("[Musique]", "(rires)", "[نا مفهوم]", "(etwas Unverständliches)", "[no speech]"),
    *("[no audio]", "(...)", "[…]", "[ ]", "()", "\u200b", "\u3000", "\ufeff"),
]

SAID = [
    ("Hello.", "Hello."),
    (" Hello there ", "Hello there"),
    ("Thank you for watching!", "Thank you for watching!"),
    ("Thanks for watching.", "Thanks for watching."),
    ("Subtitles by the Amara.org community", "Subtitles by the Amara.org community"),
    ("you", "you"),
    ("Bye.", "Bye."),
    ("Uh", "Uh"),
    ("Hmm...", "Hmm..."),
    ("5", "5"),
    ("٣", "٣"),
    ("(02) 1234 5678", "(02) 1234 5678"),
    ("Call (555) 123-4567 please", "Call (555) 123-4567 please"),
    ("(555)", "(555)"),
    ("2*3*4 equals 24", "2*3*4 equals 24"),
    ("What is 5 * 6 * 7?", "What is 5 * 6 * 7?"),
    ("a < b and b > c", "a < b and b > c"),
    ("music", "music"),
    ("Silence!", "Silence!"),
    ("Play some music.", "Play some music."),
    ("noise", "noise"),
    ("笑", "笑"),
    ("音乐", "音乐"),
    ("[Music] Hello there", "Hello there"),
    ("Hello there. [Music]", "Hello there."),
    ("Hello [inaudible] there", "Hello there"),
    ("[BLANK_AUDIO] What time is it?", "What time is it?"),
    ("*laughs* That is funny", "That is funny"),
    ("(laughs) That is funny", "That is funny"),
    ("♪ Happy birthday to you ♪", "Happy birthday to you"),
    ("<|zh|><|NEUTRAL|><|Speech|><|woitn|>你好", "你好"),
    ("<|startoftranscript|><|en|><|transcribe|> Hello<|endoftext|>", "Hello"),
    ("hello <unk> there", "hello there"),
    ("[00:00:00.000 --> 00:00:02.000]  Hello there", "Hello there"),
    ("（笑）你好", "你好"),
    ("The list (of names) is long", "The list (of names) is long"),
    ("Take the bus [number 5]", "Take the bus [number 5]"),
    ("It was *really* good", "It was *really* good"),
    ("ok", "ok"),
    ("👍 ok", "👍 ok"),
    ("¿Qué?", "¿Qué?"),
    ("नमस्ते।", "नमस्ते।"),
    ("ありがとう。", "ありがとう。"),
    ("안녕", "안녕"),
    ("สวัสดี", "สวัสดี"),
    ("My card is [number] and my code is 1234.", "My card is [number] and my code is 1234."),
    ("line one\nline two", "line one\nline two"),
]


@pytest.mark.parametrize("text", ["", " ", "\n", *NO_WORDS])
def test_where_nothing_was_said_there_are_no_words(text: str) -> None:
    assert spoken_words(text) == ""


@pytest.mark.parametrize(("text", "words"), SAID)
def test_what_was_said_stays(text: str, words: str) -> None:
    assert spoken_words(text) == words


@given(st.text())
def test_words_are_found_once_and_for_all(text: str) -> None:
    words = spoken_words(text)
    assert spoken_words(words) == words
    assert not words or has_words(words)


@given(st.text(alphabet="abcé中あ ,.?!", max_size=40))
def test_plain_text_is_never_changed(text: str) -> None:
    assert spoken_words(text) == (text.strip() if has_words(text) else "")
