/**
 * The voice page: creates its parts and connects them.
 *
 * @import {Action} from "./action-controls.js"
 * @import {PlaybackProgress} from "./audio-io.js"
 * @import {DeviceUse} from "./devices.js"
 * @import {MicrophoneFault} from "./microphone.js"
 * @import {ErrorMessage, FallbackOfferedMessage, ServerMessage, SessionSummary} from "./protocol-types"
 * @import {ReplyState} from "./reply-player.js"
 * @import {SessionFault, SessionState} from "./session.js"
 * @import {Mode} from "./session-settings.js"
 * @import {SoundFault} from "./sound-watch.js"
 */
import { ClipPlayer } from "./clip-player.js";
import { Controls } from "./controls.js";
import { DevicePickers } from "./devices.js";
import { createElement, findElement } from "./dom.js";
import { ErrorActions } from "./error-actions.js";
import { explainError, inARow } from "./error-explanations.js";
import { EventLog } from "./event-log.js";
import { failureText } from "./failure-block.js";
import { FiguresColumn } from "./figures-column.js";
import { formatText } from "./i18n.js";
import { LevelMeter } from "./level-meter.js";
import { MicCheck } from "./mic-check.js";
import { NoticeList } from "./notice-list.js";
import { readPageConfig } from "./page-config.js";
import { RecordingConsent } from "./recording-consent.js";
import { ReplyControls } from "./reply-controls.js";
import { ReplyStore } from "./reply-store.js";
import { Session } from "./session.js";
import { expectedPause } from "./session-settings.js";
import { SettingsPanel } from "./settings-panel.js";
import { loadSoundChoices } from "./sound-choices.js";
import { TurnList } from "./turn-list.js";
import { TurnStore } from "./turn-store.js";
import { describe, drawWaterfall, figure, layOut } from "./waterfall.js";

const KEY_HINT = "parley.key-hint";
/** Announcements that stay in the live region. */
const MAX_ANNOUNCED = 3;

const config = readPageConfig();
const { words } = config;
const root = findElement(document, "#talk", HTMLElement);
const welcome = findElement(root, "[data-welcome]", HTMLElement);
const announcer = findElement(root, "[data-announce]", HTMLElement);
const turnList = new TurnList(root, config, (explained, said) => errorActions.offers(explained, said));
const figuresColumn = new FiguresColumn(root, config);
const eventLog = new EventLog(root);
const notices = new NoticeList(root, words.dismiss ?? "", announce);
const levelMeter = new LevelMeter(findElement(root, "[data-level-meter]", HTMLCanvasElement));

const sound = loadSoundChoices();
const clips = new ClipPlayer(sound);
const replyStore = new ReplyStore();

let turnStore = createTurnStore("cascade");
/** The conversation that ended last, if anything was said in it. @type {string | null} */
let endedSession = null;

const panel = new SettingsPanel(root, config, (live) => {
  if (live) session.updateSettings();
  controls.draw(session.state);
});

const consent = new RecordingConsent(root, panel, config.recording_agreed);

const url = new URL(config.socket, window.location.href);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";

const session = new Session(url, config.worklets, () => panel.choices, sound, {
  onState,
  onMessage,
  onTextSent: (text) => turnStore.addTextTurn(text, performance.now()),
  onLatency: (replyId, metric, ms) => turnStore.setLatency(replyId, metric, ms),
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
    notices.clear("lost", "error");
    turnStore.startSession();
    turnList.addDivider(words.again ?? "");
    announce(words.again ?? "");
  },
  onConnectionLost: (attempt) =>
    notices.show("lost", words.lost ?? "", { error: true, progress: formatText(words.lost_attempt, { attempt }) }),
  onPlaybackBlocked,
  onSoundFault,
  onEnded,
  onReplyPlayed: () => {
    notices.clear("fallback"); // this mode works again
    suggestKey();
  },
  onReplyAudible: (replyId) => turnStore.endWait(replyId, performance.now()),
  onReplyState,
  onReplyAudio: (replyId, pcm, rate) => replyStore.add(replyId, pcm, rate),
  onMicrophoneOpened: () => void devices.refresh(),
}, () => consent.ask());

const replyControls = new ReplyControls(root, config, session.replies, replyStore, clips, () => {
  notices.show("replay", words.reply_gone ?? "");
});
const devices = new DevicePickers(root, words, sound, { onChosen: onDeviceChosen, onVolume: applySound, onLost: onDeviceLost });
const micCheck = new MicCheck(root, words, config.worklets.capture, sound, clips, () => void devices.refresh());

const controls = new Controls(root, session, panel, words);
const errorActions = new ErrorActions(config, session, panel, controls);
window.addEventListener("beforeunload", () => session.prepareToLeave());
window.addEventListener("pagehide", () => session.leave());
drawSample();

/** @param {Mode} mode */
function createTurnStore(mode) {
  return new TurnStore(
    (turn) => {
      root.dataset.turn = turn.id ?? "";
      turnList.showTurn(turn);
      const { started } = session.state;
      if (started) replyControls.showTurn(turn, { id: started.session_id, recorded: started.recording });
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
  root.dataset.status = state.phase === "live" ? (state.held ?? state.status ?? "listening") : state.phase;
  root.dataset.microphone = state.microphone && !state.muted ? "on" : "off";
  root.dataset.session = state.started?.session_id ?? root.dataset.session ?? "";
  if (before === "idle" && state.phase === "starting") clearNotices();
  if (before === "starting" && state.phase === "live") beginConversation(state.mode ?? "cascade");
  if (before !== "live" && state.phase === "live") panel.setOpen(false, false);
  if (state.phase === "live") levelMeter.start();
  else levelMeter.stop();
  panel.onSessionState(state);
  micCheck.onSessionState(state);
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
  turnStore.onMessage(message, performance.now(), expectedPause(panel.choices));
  switch (message.type) {
    case "speech_started":
      clips.stop();
      levelMeter.addMark(message.type);
      break;
    case "speech_ended":
    case "interrupted":
      levelMeter.addMark(message.type);
      break;
    case "transcript_final":
      // Only the person's words: the reply is played, and a screen reader would talk over it.
      announce(formatText(words.you_said, { text: message.text }));
      break;
    case "fallback_offered":
      offerFallback(message);
      break;
    case "mode_changed":
      notices.clear("fallback");
      turnList.addDivider(words[`mode_is_${message.mode}`] ?? "");
      announce(words[`mode_is_${message.mode}`] ?? "");
      break;
    case "error":
      onError(message);
      break;
    default:
  }
}

/** @param {string} text  Read out by a screen reader once it is free. */
function announce(text) {
  // One after the other: two at once would leave the second alone.
  announcer.append(createElement("p", "", text));
  while (announcer.children.length > MAX_ANNOUNCED) announcer.firstElementChild?.remove();
}

/** @param {ErrorMessage} error  One of a turn is shown there. */
function onError(error) {
  if (error.turn_id) {
    const turn = turnStore.turns.find(({ id }) => id === error.turn_id);
    if (turn?.error === error) announce(failureText(turn, config));
    return;
  }
  const explained = explainError(error, config);
  const { happened, advice, quiet } = explained;
  const kept = !quiet && turnStore.turns.length > 0 ? words.kept_before : "";
  notices.show("error", inARow(config, happened, kept, advice), { error: !quiet, actions: errorActions.offers(explained) });
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

/**
 * @param {string} replyId
 * @param {ReplyState} state
 */
function onReplyState(replyId, state) {
  if (state === "waiting") turnStore.endWait(replyId, performance.now());
  replyControls.setState(replyId, state);
}

/** @param {FallbackOfferedMessage} offer */
function offerFallback({ mode, provider, code }) {
  const error = turnStore.turns.at(-1)?.error;
  // The turn may say it already.
  const told = error?.code === code && error.provider === provider;
  const stage = mode === "cascade" ? "realtime" : null;
  const { happened } = explainError({ code, stage, provider }, config);
  const text = inARow(config, told ? "" : happened, words[`fallback_to_${mode}`]);
  const actions = [
    { label: words.go_on ?? "", run: () => session.acceptFallback() },
    { label: words.not_now ?? "", run: () => {} },
  ];
  notices.show("fallback", text, { actions });
}

/** @param {SessionFault} fault */
function onFault(fault) {
  if (fault === "audio_failed") notices.show("sound", words.sound_failed ?? "", { error: true });
  else if (fault === "network_slow") notices.show("slow", words.slow_network ?? "");
  else {
    notices.clear("lost");
    const again = { label: words.action_start_again ?? "", run: () => void session.restart() };
    const reload = { label: words.action_reload ?? "", run: () => window.location.reload() };
    if (fault === "too_slow") notices.show("slow", words.too_slow ?? "", { error: true, actions: [again] });
    else notices.show("gone", words.gone ?? "", { error: true, actions: [again, reload] });
  }
}

/** @param {MicrophoneFault} fault */
function onMicrophoneFault(fault) {
  const typeInstead = { label: words.type_instead ?? "", run: () => controls.showTextField(true) };
  const retry = {
    label: words.try_again ?? "",
    run: () => void (session.state.phase === "idle" ? session.start({ microphone: true }) : session.toggleMicrophone()),
  };
  /** @type {Action[]} */
  const actions = fault === "insecure" ? [typeInstead] : [retry, typeInstead];
  if (fault !== "insecure" && fault !== "denied") actions.splice(1, 0, pickAnother("microphone"));
  notices.show("microphone", `${words[`mic_${fault}`]} ${words.mic_type_instead}`, { error: true, actions });
}

/**
 * @param {DeviceUse} use
 * @returns {Action}
 */
function pickAnother(use) {
  return {
    label: words.pick_another ?? "",
    run: () => {
      panel.setOpen(true, false);
      devices.focus(use);
    },
  };
}

/** @param {DeviceUse} use */
function onDeviceChosen(use) {
  if (use === "microphone") void session.switchMicrophone();
  else applySound();
}

function applySound() {
  session.audio.applyChoices();
  void clips.applyChoices();
}

/**
 * The system's default one serves meanwhile. A microphone that goes while it is open says so itself.
 * @param {DeviceUse} use
 * @param {string | null} name
 */
function onDeviceLost(use, name) {
  notices.clear(`lost_${use}`);
  if (use === "speaker") applySound();
  if (name === null || (use === "microphone" && session.state.phase !== "idle")) return;
  notices.show(`lost_${use}`, formatText(words[`lost_${use}`], { name }), { actions: [pickAnother(use)] });
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
  const use = fault === "suspended" ? "speaker" : "microphone";
  const actions = [{ label, run: () => void session.reviveSound({ microphone }) }, pickAnother(use)];
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
  const address = config.end_card.replace("{session}", id);
  turnList.addEndCard(summary ? `${address}?turns=${summary.turns}` : address, words.ended ?? "");
}

/** Says once, after the first reply that was played to its end, what a provider's key would add. */
function suggestKey() {
  if (config.has_key || !config.local || localStorage.getItem(KEY_HINT)) return;
  localStorage.setItem(KEY_HINT, "shown");
  notices.show("key", words.key_hint ?? "", { link: { href: config.keys, label: words.add_key ?? "" } });
}
