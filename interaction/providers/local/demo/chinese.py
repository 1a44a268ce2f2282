"""A few openings in Traditional Chinese."""

from __future__ import annotations

import re

from interaction.providers.local.demo.utterance import Utterance

HAN = re.compile(r"[\u3400-\u9fff]")
NAME = re.compile(r"(?:我叫|我的名字是|我是)([\u4e00-\u9fff]{1,4}|[A-Za-z]+)")
QUESTIONS = ("什麼", "甚麼", "誰", "什么", "谁")
WEEKDAYS = "一二三四五六日"

ANSWERS = (
    (r"謝謝|多謝|谢谢", "不客氣。"),
    (r"再見|拜拜|晚安|再见", "再見，很高興和你聊天。"),
    (r"你(?:會|能|可以)(?:做)?(?:什麼|甚麼|什么)|幫助",
     "我可以記住你的名字，說出時間和日期，也可以用英語做算術和複述。你隨時可以打斷我。"),
    (r"你是誰|你叫(?:什麼|甚麼|什么)|你的名字|你是谁",
     "我是 Parley 的示範助理，一個只在這台機器上運行的小程式，不是語言模型。"),
    (r"你好嗎|你好吗", "我很好，謝謝。你呢？"),
    (r"你好|您好|早安|早上好|午安|哈囉", "你好！我是 Parley 的示範助理。你叫什麼名字？"),
)  # fmt: skip


def speaking_chinese(utterance: Utterance) -> str | None:
    if not HAN.search(utterance.text):
        return None
    if re.search(r"我(?:叫|的名字是)(?:什麼|甚麼|什么)|我是(?:誰|谁)", utterance.text):
        name = next(filter(None, map(_name, utterance.earlier("user"))), "")
        return f"你叫{name}。" if name else "你還沒有告訴我。請說：我叫，然後說你的名字。"
    if name := _name(utterance.text):
        return f"{name}，很高興認識你。我會記住的。"
    if re.search(r"幾點|几点", utterance.text):
        return f"現在是{utterance.now.hour}點{utterance.now.minute}分。"
    if re.search(r"幾號|日期|星期幾|几号|星期几", utterance.text):
        day = utterance.now
        return f"今天是{day.month}月{day.day}日，星期{WEEKDAYS[day.weekday()]}。"
    known = (answer for pattern, answer in ANSWERS if re.search(pattern, utterance.text))
    return next(known, "我聽到了，可是這個示範程式不會回答。接上語言模型，就能真正對話。")


def _name(text: str) -> str:
    found = NAME.search(text)
    return found[1] if found and not found[1].startswith(QUESTIONS) else ""
