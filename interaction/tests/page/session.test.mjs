import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** The socket that was opened last, as the server's side of it. */
let socket;
class FakeSocket {
  static OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  sent = [];
  constructor() {
    socket = this;
  }
  send(data) {
    this.sent.push(JSON.parse(data));
  }
  close() {
    this.readyState = 3;
  }
  receive(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

class FakeContext {
  sampleRate = 24_000;
  currentTime = 1;
  state = "running";
  audioWorklet = { addModule: async () => {} };
  async resume() {}
  async close() {}
}

class FakeNode {
  port = { postMessage: () => {} };
  gain = {
    value: 1,
    cancelScheduledValues: () => {},
    setValueAtTime: () => {},
    linearRampToValueAtTime: (value, at) => ramps.push([value, at]),
  };
  connect(next) {
    return next;
  }
}

/** What the gains were told to become, and when. */
let ramps;
/** Timers that the page has set; a test runs them by hand. */
let timers;
Object.assign(globalThis, {
  WebSocket: FakeSocket,
  AudioContext: FakeContext,
  AudioWorkletNode: FakeNode,
  GainNode: FakeNode,
  window: {
    setTimeout: (run) => timers.push(run),
    clearTimeout: () => {},
    setInterval: () => 0,
    clearInterval: () => {},
  },
});
const { Session } = await import("../../../static/talk/session.js");

const CHOICES = { mode: "cascade", hold: false, silenceMs: 600, bargeIn: true };
const SOUND = { microphone: { id: "" }, speaker: { id: "" }, volume: 1, byHand: false };
const READY = { type: "connection_ready", protocol: 1 };
const STARTED = { type: "session_started", session_id: "s", mode: "cascade" };

let called;
let session;
beforeEach(async () => {
  timers = [];
  ramps = [];
  called = [];
  const listener = new Proxy({}, { get: (_, name) => (...details) => called.push([name, ...details]) });
  session = new Session(new URL("ws://localhost/"), { capture: "c", playback: "p" }, () => CHOICES, SOUND, listener);
  await session.start({ microphone: false });
  socket.receive(READY);
  socket.receive(STARTED);
});

const reconnect = () => {
  socket.onclose({ code: 1006 });
  timers.shift()();
  socket.receive(READY);
};

for (const [settled, atLeast] of [["floor_kept", 0], ["speech_started", 0.05]]) {
  test(`while the floor is contested the reply is played softer, until ${settled}`, () => {
    ramps = [];
    socket.receive({ type: "floor_contested", turn_id: "t" });
    socket.receive({ type: settled, turn_id: "t" });
    const [[softer, soon], [again, later], ...more] = ramps;
    assert.ok(Math.abs(20 * Math.log10(softer) + 18) < 0.5);
    assert.ok(soon - 1 <= 0.05);
    assert.equal(again, 1);
    assert.ok(later - 1 >= atLeast);
    assert.deepEqual(more, []);
  });
}

test("a lost connection is followed by another session", () => {
  reconnect();
  assert.equal(session.state.phase, "reconnecting");
  assert.equal(socket.sent.at(-1).type, "start_session");
  socket.receive({ ...STARTED, session_id: "another" });
  assert.equal(session.state.phase, "live");
  assert.equal(called.filter(([name]) => name === "onRestarted").length, 1);
});

test("a session that is refused after a lost connection ends the conversation", () => {
  reconnect();
  socket.receive({ type: "error", code: "unknown_provider", message: "It is gone.", retryable: false });
  assert.equal(session.state.phase, "idle");
  assert.ok(called.some(([name]) => name === "onEnded"));
});

test("a session that breaks before it starts ends the conversation, though another may succeed", () => {
  reconnect();
  socket.receive({ type: "error", code: "internal_error", message: "It broke.", retryable: true });
  assert.equal(session.state.phase, "idle");
});

test("a conversation starts again as it was started", async () => {
  await session.stop();
  socket.receive({ type: "session_ended", session_id: "s", reason: "ended", summary: null });
  await session.restart();
  socket.receive(READY);
  assert.deepEqual([session.state.phase, session.state.microphone], ["starting", false]);
});

for (const [code, fault] of [[4408, "too_slow"], [1000, "connection_closed"], [4403, "connection_closed"]]) {
  test(`a close with ${code} is told as ${fault}`, () => {
    socket.onclose({ code });
    assert.deepEqual(called.filter(([name]) => name === "onFault"), [["onFault", fault]]);
    assert.equal(session.state.phase, "idle");
  });
}

test("nothing is sent to a server that is not ready yet", () => {
  socket.onclose({ code: 1006 });
  timers.shift()();
  session.updateSettings();
  assert.deepEqual(socket.sent, []);
  socket.receive(READY);
  assert.deepEqual(socket.sent.map(({ type }) => type), ["start_session"]);
});
