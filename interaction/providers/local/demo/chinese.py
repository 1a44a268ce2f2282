"""A few openings in Traditional Chinese."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from interaction.providers.local.demo.utterance import Utterance

HAN = re.compile(r"[\u3400-\u9fff]")
NAME = re.compile(r"(?:我叫|我的名字是|我是)([\u4e00-\u9fff]{1,4}|[A-Za-z]+)")
QUESTIONS = ("什麼", "甚麼", "誰", "什么", "谁")
WEEKDAYS = "一二三四五六日"
TIME = r"幾點|几点|幾時|几时|什麼時候了|時間是|现在时间|現在時間"
DATE = (
    r"幾號|几号|日期|(?:星期|禮拜|礼拜|週|周)(?:幾|几)|(?:今天|明天|昨天)是(?:幾|几|什麼日子|什么日子)"
    r"|幾月|几月|哪一天|哪一年|幾年|几年"
)
DAYS = {"明天": 1, "昨天": -1, "後天": 2, "后天": 2, "前天": -2, "聽日": 1, "尋日": -1}
DAY_NAMES = {0: "今天", 1: "明天", -1: "昨天", 2: "後天", -2: "前天"}

ANSWERS = (
    (r"謝謝|多謝|谢谢", "不客氣。"),
    (r"再見|拜拜|晚安|再见", "再見，很高興和你聊天。"),
    (r"你(?:會|会|能|可以)(?:做)?(?:什麼|甚麼|什么|乜)|幫助|帮助",
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
    if told := telling_when(utterance.text, utterance.now):
        return told
    known = (answer for pattern, answer in ANSWERS if re.search(pattern, utterance.text))
    return next(known, "我聽到了，可是這個示範程式不會回答。接上語言模型，就能真正對話。")


def telling_when(text: str, at: datetime) -> str:
    """The time or the date, whichever is asked for; empty where neither is."""
    if re.search(TIME, text):
        minutes = f"{at.minute}分" if at.minute else "整"
        return f"現在是{part_of_day(at)}{at.hour % 12 or 12}點{minutes}。"
    if not re.search(DATE, text):
        return ""
    days = next((days for word, days in DAYS.items() if word in text), 0)
    day = at + timedelta(days=days)
    said = DAY_NAMES[days]
    return f"{said}是{day.year}年{day.month}月{day.day}日，星期{WEEKDAYS[day.weekday()]}。"


def part_of_day(at: datetime) -> str:
    hours = ((5, "凌晨"), (11, "早上"), (13, "中午"), (18, "下午"), (24, "晚上"))
    return next(name for until, name in hours if at.hour < until)


def _name(text: str) -> str:
    found = NAME.search(text)
    return found[1] if found and not found[1].startswith(QUESTIONS) else ""
