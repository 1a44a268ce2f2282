/**
 * The voice page: creates its parts and connects them.
 *
 * @import {MicrophoneFault, PlaybackProgress} from "./audio-io.js"
 * @import {FallbackOfferedMessage, ServerMessage, SessionSummary} from "./protocol-types"
 * @import {SessionFault, SessionState} from "./session.js"
 * @import {Mode} from "./session-settings.js"
 * @import {SoundFault} from "./sound-watch.js"
 */
import { Controls } from "./controls.js";
import { createElement, findElement } from "./dom.js";
import { EventLog } from "./event-log.js";
import { FiguresColumn } from "./figures-column.js";
import { formatText } from "./i18n.js";
import { LevelMeter } from "./level-meter.js";
import { NoticeList } from "./notice-list.js";
import { readPageConfig } from "./page-config.js";
import { Session } from "./session.js";
import { SettingsPanel } from "./settings-panel.js";
import { TurnList } from "./turn-list.js";
import { TurnStore } from "./turn-store.js";
import { describe, drawWaterfall, figure, layOut } from "./waterfall.js";

const KEY_HINT = "parley.key-hint";

const config = readPageConfig();
const { words } = config;
const root = findElement(document, "#talk", HTMLElement);
const welcome = findElement(root, "[data-welcome]", HTMLElement);
const announcer = findElement(root, "[data-announce]", HTMLElement);
const turnList = new TurnList(root, config);
const figuresColumn = new FiguresColumn(root, config);
const eventLog = new EventLog(root);
const notices = new NoticeList(root, words.dismiss ?? "");
const levelMeter = new LevelMeter(findElement(root, "[data-level-meter]", HTMLCanvasElement));

let turnStore = createTurnStore("cascade");
/** The conversation that ended last, if anything was said in it. @type {string | null} */
let endedSession = null;

const panel = new SettingsPanel(root, config, (live) => {
  if (live) session.updateSettings();
  controls.draw(session.state);
});

const url = new URL(config.socket, window.location.href);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";

const session = new Session(url, config.worklets, () => panel.choices, {
  onState,
  onMessage,
  onTextSent: (text) => turnStore.addTextTurn(text, performance.now()),
  onLatency: (replyId, metric, ms) => turnStore.setLatency(replyId, metric, ms, performance.now()),
  onInputLevel: (level) => {
    controls.setLevel(level);
    levelMeter.setInputLevel(level);
  },
  onPlaybackProgress,
  onWireMessage: (direction, message) => eventLog.addMessage(direction, message),
  onWireAudio: (direction, bytes, gap) => eventLog.addAudio(direction, bytes, gap),
  onMicrophoneFault,
  onFault,
  onRestarted: () => {
    notices.clear("lost");
    turnStore.startSession();
    turnList.addDivider(words.again ?? "");
  },
  onConnectionLost: (attempt) => notices.show("lost", formatText(words.lost, { attempt }), { error: true }),
  onPlaybackBlocked,
  onSoundFault,
  onEnded,
  onReplyPlayed: suggestKey,
});

const controls = new Controls(root, session, panel, words);
window.addEventListener("pagehide", () => session.leave());
drawSample();

/** @param {Mode} mode */
function createTurnStore(mode) {
  return new TurnStore(
    (turn) => {
      root.dataset.turn = turn.id ?? "";
      turnList.showTurn(turn);
      figuresColumn.showTurn(turn, turnStore.turns);
    },
    (turn) => turnList.removeTurn(turn),
    mode,
  );
}

/** Draws the bar of the sample turn, as those of real turns are drawn. */
function drawSample() {
  const layout = layOut(config.sample);
  const bar = drawWaterfall(layout, layout.total ?? 0, null, describe(layout, words));
  findElement(root, "[data-sample-bar]", HTMLElement).replaceChildren(bar);
  findElement(root, "[data-sample-total]", HTMLElement).textContent = `${figure(layout.total)} ${words.ms}`;
}

/** @param {SessionState} state */
function onState(state) {
  const before = root.dataset.phase;
  root.dataset.phase = state.phase;
  root.dataset.status = state.phase === "live" ? (state.status ?? "listening") : state.phase;
  root.dataset.microphone = state.microphone && !state.muted ? "on" : "off";
  root.dataset.session = state.started?.session_id ?? root.dataset.session ?? "";
  if (before === "idle" && state.phase === "starting") clearNotices();
  if (before === "starting" && state.phase === "live") beginConversation(state.mode ?? "cascade");
  if (before !== "live" && state.phase === "live") panel.setOpen(false, false);
  if (state.phase === "live") levelMeter.start();
  else levelMeter.stop();
  panel.onSessionState(state);
  controls.draw(state);
}

function clearNotices() {
  notices.clearAll();
  eventLog.clear();
  root.dataset.session = "";
  root.dataset.renderedMs = "0";
}

/**
 * What was said in the conversation before stays in reach: above a line that leads to its history.
 * @param {Mode} mode
 */
function beginConversation(mode) {
  welcome.hidden = true;
  figuresColumn.clear();
  turnStore = createTurnStore(mode);
  if (!endedSession) return;
  const line = createElement("li", "divider soft", words.before);
  const link = document.createElement("a");
  link.href = config.history.replace("{session}", endedSession);
  link.textContent = words.see_history ?? "";
  line.append(" ", link);
  turnList.startConversation(line);
  endedSession = null;
}

/** @param {ServerMessage} message */
function onMessage(message) {
  const { hold, silenceMs } = panel.choices;
  turnStore.onMessage(message, performance.now(), hold ? 0 : silenceMs);
  switch (message.type) {
    case "speech_started":
    case "speech_ended":
    case "interrupted":
      levelMeter.addMark(message.type);
      break;
    case "transcript_final":
      // Only the person's words: the reply is played, and a screen reader would talk over it.
      announcer.textContent = formatText(words.you_said, { text: message.text });
      break;
    case "fallback_offered":
      offerFallback(message);
      break;
    case "mode_changed":
      notices.clear("fallback");
      turnList.addDivider(words[`mode_is_${message.mode}`] ?? "");
      break;
    case "error":
      if (!message.turn_id) notices.show("error", message.message, { error: true });
      break;
    default:
  }
}

/**
 * @param {PlaybackProgress} progress
 * @param {number} playedMs
 */
function onPlaybackProgress({ reply, level }, playedMs) {
  root.dataset.outputLevel = level.toFixed(4);
  levelMeter.setOutputLevel(level);
  controls.setOutputLevel(level);
  if (reply === null) return;
  root.dataset.reply = reply;
  root.dataset.renderedMs = String(playedMs);
  turnList.setPlayback(reply, playedMs, level);
}

/** @param {FallbackOfferedMessage} offer */
function offerFallback({ mode, provider }) {
  const failed = Object.values(config.stages).flatMap(({ providers }) => providers).find(({ name }) => name === provider);
  const text = formatText(words[`fallback_to_${mode}`], { provider: failed?.label ?? provider });
  const actions = [
    { label: words.go_on ?? "", run: () => session.acceptFallback() },
    { label: words.not_now ?? "", run: () => {} },
  ];
  notices.show("fallback", text, { error: true, actions });
}

/** @param {SessionFault} fault */
function onFault(fault) {
  if (fault === "audio_failed") notices.show("sound", words.sound_failed ?? "", { error: true });
  else if (fault === "network_slow") notices.show("slow", words.slow_network ?? "");
  else {
    notices.clear("lost");
    const retry = { label: words.try_again ?? "", run: () => void session.start({ microphone: true }) };
    notices.show("gone", words.gone ?? "", { error: true, actions: [retry] });
  }
}

/** @param {MicrophoneFault} fault */
function onMicrophoneFault(fault) {
  const typeInstead = { label: words.type_instead ?? "", run: () => controls.showTextField(true) };
  const retry = {
    label: words.try_again ?? "",
    run: () => void (session.state.phase === "idle" ? session.start({ microphone: true }) : session.toggleMicrophone()),
  };
  const actions = fault === "insecure" ? [typeInstead] : [retry, typeInstead];
  notices.show("microphone", `${words[`mic_${fault}`]} ${words.mic_type_instead}`, { error: true, actions });
}

/** @param {boolean} blocked */
function onPlaybackBlocked(blocked) {
  notices.clear("blocked");
  if (!blocked) return;
  const play = { label: words.play ?? "", run: () => void session.resumeAudio() };
  notices.show("blocked", words.play_why ?? "", { actions: [play] });
}

/** @param {SoundFault | null} fault */
function onSoundFault(fault) {
  notices.clear("silent");
  if (!fault) return;
  const microphone = fault !== "suspended" || session.state.microphone;
  const label = (fault === "suspended" ? words.switch_sound_on : words.open_microphone) ?? "";
  const actions = [{ label, run: () => void session.reviveSound({ microphone }) }];
  notices.show("silent", words[`silent_${fault}`] ?? "", { error: true, actions });
}

/**
 * @param {string | null} id  Null where the session never started.
 * @param {SessionSummary | null} summary  Null where the server sent none.
 */
function onEnded(id, summary) {
  notices.clear("lost");
  if (!id || turnStore.turns.length === 0) return;
  endedSession = id;
  if (summary?.turns === 0) return;
  const address = config.figures.replace("{session}", id);
  turnList.addEndCard(summary ? `${address}?turns=${summary.turns}` : address, words.ended ?? "");
}

/** Says once, after the first reply that was played to its end, what a provider's key would add. */
function suggestKey() {
  if (config.has_key || !config.local || localStorage.getItem(KEY_HINT)) return;
  localStorage.setItem(KEY_HINT, "shown");
  notices.show("key", words.key_hint ?? "", { link: { href: config.keys, label: words.add_key ?? "" } });
}
