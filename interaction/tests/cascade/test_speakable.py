from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.cascade.speakable import SpeechFilter, speakable
from interaction.core.sentence_splitter import SentenceSplitter


def said(text: str, language: str = "") -> list[str]:
    splitter, speech = SentenceSplitter(language), SpeechFilter()
    pieces = [*splitter.feed(text), *splitter.finish()]
    return [spoken for spoken in map(speech.say, pieces) if spoken]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Bold** and *it* and `code`", "Bold and it and code"),
        ("***Both*** and __strong__ and ~~gone~~", "Both and strong and gone"),
        ("这是**重要**的", "这是重要的"),
        ("[the site](https://example.com/a?b=c) is up", "the site is up"),
        ("[a page](https://example.com/x_(y)) is up", "a page is up"),
        ("![a cat](http://x.org/y.png) sits", "a cat sits"),
        ("See https://www.example.com/docs/?x=1#y.", "See example.com/docs."),
        ("See <https://example.org/a_b_c>.", "See example.org/a_b_c."),
        ("# A heading", "A heading"),
        ("## A heading ##\nText", "A heading. Text"),
        ("- one item", "one item"),
        ("- [x] one item", "one item"),
        ("> quoted", "quoted"),
        ("🙂", ""),
        ("---", ""),
        ("|---|:---:|", ""),
        ("Great! 🎉👩‍👩‍👧 🇩🇪 👍🏽 ✅", "Great!"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("```\na*b*c\n__init__\n# no heading\n```", "a*b*c, __init__, # no heading"),
        ("| a | b |", "a, b"),
        ("| Ann | 3 |\n|---|---|\n| Bob | 4 |\n", "Ann, 3. Bob, 4."),
        ("Press <b>Enter</b> &amp; wait<br>for 5.", "Press Enter & wait, for 5."),
        ("Wait <break time='1s'/> please, <speak>now</speak>.", "Wait, please, now."),
        ("Paris<!-- sure? --> it is【4:0†source】.", "Paris it is."),
        ("Paris is the capital [1].", "Paris is the capital."),
        ("It is so[1][2], and old[^note].", "It is so, and old."),
        ("It is true [cite: 1, 2]. [citation:3]", "It is true."),
        ("It is \ue200cite\ue202turn0search1\ue201 true.", "It is true."),
        ("H<sub>2</sub>O, x<sup>2</sup>", "H₂O, x²"),
        ("\\*not emphasis\\*", "*not emphasis*"),
        ("The sum $x^2 + y_1$ and $$a$$ hold", "The sum x^2 + y_1 and a hold"),
        ("\\(\\frac{a}{b} \\times 2\\)", "a/b × 2"),
        ("1️⃣ First", "1 First"),
        ("Tom &amp; Jerry&#39;s &lt;3", "Tom & Jerry's <3"),
    ],
)
def test_what_is_only_markup_is_not_said(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    "text",
    [
        *("2*3*4 equals 24.", "2 * 3 * 4 is 24.", "3*x*y and 2**10 are numbers."),
        *("a < b and 3 > 2.", "x_1, y_2 and snake_case_name stay.", "10 % 3 is 1."),
        *("C# and F# and #1 and #python.", "@name wrote to a_b_c@example.org.", "C++ & AT&T."),
        *("It costs $5 to $10, 5 €, ₹ 20, £3.", "It is 20 °C, 25℃ or 77℉.", "Ohm is Ω, № 5."),
        *("© 2024 Acme™ and Foo®.", "½ of x² is 3 → 4 ⇒ 5.", "~5 km, ±2, 5–10, 3/4, 1:30."),
        *("List<String> and a[0] and x[1] = 2.", "The interval [1, 3] is closed."),
        *("x && y, a || b, P(A|B), |x| < 3.", "Prices* may vary.", "Call **** or ****1234."),
        *("Use __init__.py and _private.", "f**k and sh*t.", "a**b**c.", "if a<b>c:"),
        *("Wildcards *.txt and *.py match.", "Pass *args.", "A 5* hotel.", "def __init__ of it."),
        *("5 - 3 + 2 = 4.", "-5 degrees."),
        *("می‌خواهم بروم.", "क्‍ष और श्री‌मान।", "今天北京25℃。", "《书名》【重要】。", "①②③ ㎡ ㈱ ㊗."),
        *("नमस्ते, आप कैसे हैं?", "สวัสดีครับ", "གཏེར་མ།", "¿Qué? ¡Sí!", "«Oui», dit-il."),
        *("A: 1; B: 2.", "(a) or [b] or {c}.", "100% and 5‰.", "e.g. this/that.", "♭ and ♯ keys."),
        *(
            "Qui est-ce ? C'est moi ! Bien ; oui.",
            "rock 'n' roll",
            '"Quoted."',
            "it’s — well… fine.",
            "7 × 8 ÷ 2 ≠ 3 ≤ 4.",
            "\\alpha 1.",
        ),
    ],
)
def test_what_carries_meaning_is_said_as_it_is(text: str) -> None:
    assert speakable(text) == text


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        (
            "**Note: This is important. Do it now.** Then rest.",
            ["Note: This is important.", "Do it now.", "Then rest."],
        ),
        ("*One is here. Two is here.* Three.", ["One is here.", "Two is here.", "Three."]),
        ("_One is here. Two is here._ End it.", ["One is here.", "Two is here.", "End it."]),
        ("~~One is here. Two is here.~~ End.", ["One is here.", "Two is here.", "End."]),
        ("`One a*b*c. Two d*e*f.` Then *three* is.", ["One a*b*c.", "Two d*e*f. Then three is."]),
        ("```\nx = 2*3*4\n\ny = a_b_c\n```\nThen *rest* now.",
         ["x = 2*3*4, y = a_b_c", "Then rest now."]),
        ("这是**很好。非常好。**完了。", ["这是很好。", "非常好。", "完了。"]),
        ("नमस्ते **दुनिया। यह अच्छा है।** *ठीक* है।", ["नमस्ते दुनिया।", "यह अच्छा है।", "ठीक है।"]),
        ("这是**重要**的。*强调*文字。", ["这是重要的。", "强调文字。"]),
        ("C'est bien. « *Oui, bien sûr.* » Et puis ?",
         ["C'est bien.", "« Oui, bien sûr. »", "Et puis ?"]),
        ("1. Six eggs from there\n   - brown\n   - white\n",
         ["1. Six eggs from there.", "brown. white."]),
        ("OK.\n\n| A | B |\n|:--|--:|\n| z | **3** |\n\nNext.", ["OK.", "A, B.", "z, 3.", "Next."]),
        ("Line one\\\nof it\nand two", ["Line one", "of it, and two"]),
        ("[the site. Then more](https://example.com/a_(b)) is up.", ["the site. Then more is up."]),
        ("好。1. 第一\n2. 第二\n", ["好。", "1. 第一。2. 第二。"]),
        ("今天北京25℃，明天28℃。", ["今天北京25℃，", "明天28℃。"]),
    ],
)  # fmt: skip
def test_what_spans_sentences_is_known_in_each(written: str, spoken: list[str]) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("items", "mark"),
    [
        (["Milk", "Eggs", "Bread", "Tea"], "."), (["Milch", "Eier", "Brot", "Tee"], "."),
        (["牛奶", "鸡蛋", "面包", "茶"], "。"), (["ミルク", "たまご", "パン", "お茶"], "。"),
        (["दूध", "अंडे", "रोटी", "चाय"], "।"), (["দুধ", "ডিম", "রুটি", "চা"], "।"),
        (["حليب", "بيض", "خبز", "شاي"], "."), (["دودھ", "انڈے", "روٹی", "چائے"], "۔"),
        (["կաթ", "ձու", "հաց", "թեյ"], "։"), (["ወተት", "እንቁላል", "ዳቦ", "ሻይ"], "።"),
        (["နို့", "ကြက်ဥ", "ပေါင်မုန့်", "လက်ဖက်"], "။"), (["ទឹកដោះ", "ស៊ុត", "នំប៉័ង", "តែ"], "។"),
        (["นม", "ไข่", "ขนมปัง", "ชา"], ","), (["молоко", "яйца", "хлеб", "чай"], "."),
        (["우유", "계란", "빵", "차"], "."), (["γάλα", "αυγά", "ψωμί", "τσάι"], "."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["- {}\n", "* {}\n", "1. {}\n", "## {}\n", "| {} | x |\n"])
def test_a_break_that_a_reader_sees_is_heard(items: list[str], mark: str, form: str) -> None:
    spoken = " ".join(said("".join(map(form.format, items))))
    ends = [match.end() for item in items for match in re.finditer(re.escape(item), spoken)]
    assert len(ends) >= len(items)
    if "|" not in form:
        assert spoken.count(mark) >= len(items)


WORDS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
FORMS = ["{}", "**{}**", "*{}*", "`{}`", "~~{}~~", "[{}](http://x.org)", "{}.", "{},", "# {}",
         "{} 🎉", "\n- {}", "({})", "<b>{}</b>", "\n> {}", "\n| {} | {} |\n"]  # fmt: skip


@given(st.lists(st.tuples(WORDS, st.sampled_from(FORMS))))
def test_no_word_is_lost_on_the_way_to_the_voice(words: list[tuple[str, str]]) -> None:
    text = " ".join(form.replace("{}", word) for word, form in words)
    expected = [word for word, form in words for _ in range(form.count("{}"))]
    assert re.findall(r"[a-z]+", " ".join(said(text))) == expected


@given(st.text(alphabet="aé1 .,!?你नम्aقا؟-+%€", max_size=60))
def test_plain_text_keeps_its_letters_and_is_not_changed_twice(text: str) -> None:
    spoken = speakable(text)
    assert speakable(spoken) == spoken
    letters = [c for c in text if c.isalnum()]
    assert [c for c in spoken if c.isalnum()] == letters


@given(st.text(alphabet="ab*_`~[]()<>|#$&;\\- \n.\f\v\x1c\u2028", max_size=60))
def test_broken_markup_breaks_nothing(text: str) -> None:
    letters = re.findall("[ab]", text)
    spoken = re.findall("[ab]", " ".join(said(text)))
    assert len(spoken) <= len(letters)
