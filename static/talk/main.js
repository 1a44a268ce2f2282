/**
 * The voice page: finds its parts and lets them know of each other.
 *
 * @import {ServerMessage} from "./protocol.js"
 * @import {MicrophoneFault} from "./sound.js"
 * @import {State} from "./session.js"
 */
import { Conversation } from "./conversation.js";
import { Dock } from "./dock.js";
import { Events } from "./events.js";
import { Notices } from "./notices.js";
import { Panel } from "./panel.js";
import { Record } from "./record.js";
import { Session } from "./session.js";
import { Strip } from "./strip.js";
import { fill, find, readConfig } from "./words.js";

const KEY_HINT = "parley.key-hint";

const config = readConfig();
const { words } = config;
const root = find(document, "#talk", HTMLElement);
const welcome = find(root, "[data-welcome]", HTMLElement);
const announcer = find(root, "[data-announce]", HTMLElement);
const conversation = new Conversation(root, config);
const events = new Events(root);
const notices = new Notices(root, words.dismiss ?? "");
const strip = new Strip(find(root, "[data-strip]", HTMLCanvasElement));

let record = newRecord();

const panel = new Panel(root, config, (live) => {
  if (live) session.update();
  dock.draw(session.state);
});

const url = new URL(config.socket, window.location.href);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";

const session = new Session(url, config.worklets, () => panel.choices, {
  state,
  message,
  typed: (text) => record.typed(text),
  measured: (reply, metric, ms) => record.measured(reply, metric, ms),
  input: (level) => {
    dock.level(level);
    strip.input(level);
  },
  output: ({ reply, level }, playedMs) => {
    root.dataset.outputLevel = level.toFixed(4);
    strip.output(level);
    if (reply === null) return;
    root.dataset.reply = reply;
    root.dataset.renderedMs = String(playedMs);
    conversation.played(reply, playedMs, level);
  },
  event: (direction, what) => events.add(direction, what),
  audio: (direction, bytes, gap) => events.audio(direction, bytes, gap),
  microphone: microphoneFault,
  trouble: (what) => {
    if (what === "sound") notices.show("sound", words.sound_failed ?? "", { error: true });
    else if (what === "slow") notices.show("slow", words.slow_network ?? "");
    else if (what === "gone") {
      notices.clear("lost");
      notices.show("gone", words.gone ?? "", { error: true, actions: [again()] });
    } else {
      notices.clear("lost");
      record.begin();
      conversation.divide(words.again ?? "");
    }
  },
  lost: (attempt) => notices.show("lost", fill(words.lost, { attempt }), { error: true }),
  blocked: (blocked) => {
    notices.clear("blocked");
    if (!blocked) return;
    const act = () => void session.resume();
    notices.show("blocked", words.play_why ?? "", { actions: [{ label: words.play ?? "", act }] });
  },
  over: (id, summary) => {
    if (!summary || !id || summary.turns === 0) return;
    const text = fill(summary.failed ? words.ended_failed : words.ended, {
      ...summary,
      seconds: Math.round(summary.seconds),
    });
    const link = { href: config.history.replace("{session}", id), label: words.see_history ?? "" };
    notices.show("over", text, { link });
  },
  played: hintAtKey,
});

const dock = new Dock(root, session, panel, words);
window.addEventListener("pagehide", () => void session.stop());

function newRecord() {
  return new Record(
    (turn) => {
      root.dataset.turn = turn.id ?? "";
      conversation.show(turn);
    },
    (turn) => conversation.drop(turn),
  );
}

/** @param {State} now */
function state(now) {
  const before = root.dataset.phase;
  root.dataset.phase = now.phase;
  root.dataset.status = now.phase === "live" ? (now.status ?? "listening") : now.phase;
  root.dataset.microphone = now.microphone && !now.muted ? "on" : "off";
  root.dataset.session = now.started?.session_id ?? root.dataset.session ?? "";
  if (before === "idle" && now.phase === "starting") begin();
  if (before !== "live" && now.phase === "live") panel.open(false, false);
  if (now.phase === "live") strip.start();
  else strip.stop();
  panel.follow(now);
  dock.draw(now);
}

function begin() {
  notices.clearAll();
  events.clear();
  conversation.clear();
  record = newRecord();
  root.dataset.session = "";
  root.dataset.renderedMs = "0";
}

/** @param {ServerMessage} what */
function message(what) {
  record.take(what);
  if (what.type === "session_started") welcome.hidden = true;
  else if (what.type === "speech_started") strip.mark("speech");
  else if (what.type === "speech_ended") strip.mark("end");
  else if (what.type === "interrupted") strip.mark("cut");
  else if (what.type === "transcript_final") {
    // The reply is heard anyway; read aloud as well it would talk over itself.
    announcer.textContent = fill(words.you_said, { text: what.text });
  } else if (what.type === "fallback_offered") offerFallback(what);
  else if (what.type === "mode_changed") {
    notices.clear("fallback");
    conversation.divide(words[`mode_is_${what.mode}`] ?? "");
  } else if (what.type === "error" && !what.turn_id) {
    notices.show("error", what.message, { error: true });
  }
}

/** @param {Extract<ServerMessage, {type: "fallback_offered"}>} offer */
function offerFallback({ mode, provider }) {
  const failed = Object.values(config.stages).flatMap(({ providers }) => providers).find(({ name }) => name === provider);
  const text = fill(words[`fallback_to_${mode}`], { provider: failed?.label ?? provider });
  const actions = [
    { label: words.go_on ?? "", act: () => session.acceptFallback() },
    { label: words.not_now ?? "", act: () => {} },
  ];
  notices.show("fallback", text, { error: true, actions });
}

function again() {
  return {
    label: words.try_again ?? "",
    act: () => void session.start({ microphone: true }),
  };
}

/** @param {MicrophoneFault} fault */
function microphoneFault(fault) {
  const typeInstead = { label: words.type_instead ?? "", act: () => dock.type(true) };
  const retry = {
    label: words.try_again ?? "",
    act: () => void (session.state.phase === "idle" ? session.start({ microphone: true }) : session.toggleMicrophone()),
  };
  const actions = fault === "insecure" ? [typeInstead] : [retry, typeInstead];
  notices.show("microphone", `${words[`mic_${fault}`]} ${words.mic_type_instead}`, { error: true, actions });
}

/** Says once, after the first reply was heard, what a key would add. */
function hintAtKey() {
  if (config.has_key || !config.local || localStorage.getItem(KEY_HINT)) return;
  localStorage.setItem(KEY_HINT, "said");
  notices.show("key", words.key_hint ?? "", { link: { href: config.keys, label: words.add_key ?? "" } });
}
