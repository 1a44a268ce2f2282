// OpenAI's own client for voice agents, unchanged, in conversation with Parley: connects, types,
// speaks, has a function called, interrupts. Prints what came of it as one line of JSON.
//
//   node stock_client.mjs NODE_MODULES_FOLDER SOCKET_URL KEY_FILE SPEECH.pcm
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, url, keyFile, speechFile] = process.argv.slice(2);
const { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } = createRequire(`${modules}/`)("@openai/agents-realtime");
const speech = readFileSync(speechFile);
const PATIENCE_MS = 40_000;

const seen = [];
const errors = [];
const waiting = new Set();
const told = { heard: [], audio: 0, interrupted: 0, weather: null };

const weather = tool({
  name: "get_weather",
  description: "Tells the weather in a city.",
  strict: false,
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: true },
  execute: async (asked) => {
    told.weather = asked;
    return "sunny";
  },
});
const session = new RealtimeSession(new RealtimeAgent({ name: "tester", instructions: "Be brief.", tools: [weather] }), {
  transport: new OpenAIRealtimeWebSocket({ url }),
  config: {
    audio: { input: { transcription: { model: "any" }, turnDetection: { type: "server_vad", silenceDurationMs: 500 } } },
  },
});
session.on("transport_event", (event) => {
  seen.push(event.type);
  if (event.type.endsWith("transcription.completed")) told.heard.push(event.transcript);
  for (const look of waiting) look();
});
session.on("audio", ({ data }) => {
  told.audio += data.byteLength;
});
session.on("audio_interrupted", () => {
  told.interrupted += 1;
});
session.on("error", (error) => errors.push(error));

/** Resolves once ``count`` events of a type have come. */
function until(type, count = 1) {
  return new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error(`no ${type}: ${seen.slice(-20)}`)), PATIENCE_MS);
    const look = () => {
      if (seen.filter((one) => one === type).length < count) return;
      clearTimeout(late);
      waiting.delete(look);
      done();
    };
    waiting.add(look);
    look();
  });
}

function speak() {
  session.sendAudio(speech.buffer.slice(speech.byteOffset, speech.byteOffset + speech.byteLength));
  session.sendAudio(new ArrayBuffer(48_000));
}

const count = (type) => seen.filter((one) => one === type).length;

await session.connect({ apiKey: readFileSync(keyFile, "utf8").trim() });
await until("session.updated");
session.sendMessage("hello there");
await until("response.done");
told.typed = told.audio;
speak();
await until("response.done", 2);
session.sendMessage("What's the weather in Paris?");
// One that calls the function, and one that answers with what it gave.
await until("response.done", 4);
session.sendMessage("Count from one to thirty.");
await until("response.output_audio.delta", count("response.output_audio.delta") + 1);
speak();
await until("response.done", 6);
session.close();
console.log(JSON.stringify({ ...told, errors: errors.length }));
process.exit(0);
