// The messages of Parley's socket, generated from their JSON Schemas by `manage.py schemas`.
// Don't edit this file: edit the models and run the command. docs/protocol.md is the reference.

export type ServerMessage =
  | ConnectionReadyMessage
  | SessionStartedMessage
  | StatusMessage
  | SpeechStartedMessage
  | FloorContestedMessage
  | FloorKeptMessage
  | SpeechEndedMessage
  | TranscriptPartialMessage
  | TranscriptFinalMessage
  | ResponseStartedMessage
  | ResponseTextMessage
  | AgentResponseMessage
  | ResponseEndedMessage
  | InterruptedMessage
  | ResponseHeardMessage
  | ProviderFallbackMessage
  | FallbackOfferedMessage
  | ModeChangedMessage
  | ToolInvocationMessage
  | ErrorMessage
  | SessionEndedMessage
  | PongMessage;

/** A stage that cannot do its work in the session's language. The session can be used all the same: what is typed is answered. */
export interface LanguageWarning {
  /** `language_not_heard`: what is spoken is not understood; `language_not_written`: the language model does not know the language. */
  code: "language_not_heard" | "language_not_written";
  /** Which stage cannot do its work. */
  stage: "stt" | "llm" | "tts";
  /** For people: who does not serve the language, and what would help. */
  message: string;
}

/** Which provider serves a stage; empty fields mean the default. */
export interface ProviderChoice {
  /** The provider's name, as `GET interaction/providers` lists it; empty: the server's default for the stage. */
  name: string;
  /** One of the provider's models; empty: its default. */
  model: string;
  /** Which voice speaks, of a provider that has voices; empty: its default, or one of the language. */
  voice: string;
  /** The language that is heard or spoken, a BCP 47 tag such as `en` or `zh-TW`; empty: the server's. */
  language: string;
}

/** Who serves a stage when the one chosen fails before its first output, in order. */
export interface ProviderFallbacks {
  /** Recognisers that step in, at most four. */
  stt: ProviderChoice[];
  /** Language models that step in, at most four. */
  llm: ProviderChoice[];
  /** Voices' providers that step in, at most four. */
  tts: ProviderChoice[];
}

/** The provider of each stage, and that of realtime mode. */
export interface Providers {
  /** Who turns speech into text, in cascade mode. */
  stt: ProviderChoice;
  /** Which language model answers, in cascade mode. */
  llm: ProviderChoice;
  /** Who speaks the answer, in cascade mode. */
  tts: ProviderChoice;
  /** Who serves all three at once, in realtime mode. */
  realtime: ProviderChoice;
}

/** How the server finds where a turn of the person's starts and ends. */
export interface TurnDetectionChoice {
  /** `vad`: by voice activity; `manual`: the client's `commit` ends a turn; `server` and `semantic`: in realtime mode, the provider finds the turns. In a cascade `server` is `vad`, and `semantic` waits as long as the words so far ask for. */
  kind: "vad" | "manual" | "server" | "semantic";
  /** Probability of speech, 0 to 1, at which a turn opens. */
  threshold: number;
  /** Audio from before the onset that still belongs to the turn, in milliseconds. */
  prefix_ms: number;
  /** Silence that ends a turn, in milliseconds. */
  silence_ms: number;
  /** A shorter silence, in milliseconds, after which the reply is prepared though the turn may still go on; null: never before its end. */
  eager_silence_ms: number | null;
  /** Of `semantic`: `low` gives the person most time, `high` least. */
  eagerness: "low" | "medium" | "high" | "auto";
}

/** All in ms, null where unknown. Definitions: docs/protocol.md. */
export interface Latency {
  /** From end of speech, as the VAD finds it to the turn is committed, in milliseconds, measured by the web process; null where unknown. */
  end_of_turn_delay: number | null;
  /** From end of speech to final transcript, in milliseconds, measured by the web process; null where unknown. */
  transcription_delay: number | null;
  /** From request to the language model to first token, in milliseconds, measured by the worker; null where unknown. */
  llm_ttft: number | null;
  /** From request to the language model to first sentence, in milliseconds, measured by the worker; null where unknown. */
  llm_ttfs: number | null;
  /** From request for speech to first byte of audio, in milliseconds, measured by the worker; null where unknown. */
  tts_ttfb: number | null;
  /** From end of speech to first byte of audio leaves the web process, in milliseconds, measured by the web process; null where unknown. */
  e2e: number | null;
  /** From end of speech, as the client finds it to first audible sample rendered, in milliseconds, measured by the client; null where unknown. */
  ear: number | null;
  /** From the person's onset during a reply to silence at the client, in milliseconds, measured by the client; null where unknown. */
  yield: number | null;
}

/** What there was to a session, in figures. */
export interface SessionSummary {
  /** How many turns it had. */
  turns: number;
  /** How many of their replies the person cut off. */
  interrupted: number;
  /** How many of them were lost to an error. */
  failed: number;
  /** How long it lasted, in seconds. */
  seconds: number;
}

/** The first message on every socket: the server listens. */
export interface ConnectionReadyMessage {
  /** Says which message this is. */
  type: "connection_ready";
  /** Which version of it the server speaks. */
  protocol: 1;
}

/** The session has begun. Its effective settings, defaults filled in. */
export interface SessionStartedMessage {
  /** Says which message this is. */
  type: "session_started";
  /** By which the history has the conversation. */
  session_id: string;
  /** The mode it begins in: `cascade` or `realtime`. */
  mode: "cascade" | "realtime";
  /** Who really serves, by stage. */
  providers: Providers;
  /** Who steps in, by stage and in order. */
  fallbacks: ProviderFallbacks;
  /** The prompt template that was chosen; null: none. */
  template_id: number | null;
  /** The prompt really used: the template's text, then what was added. */
  system_prompt: string;
  /** Names of the tools that the language model may call. */
  tools: string[];
  /** Whether speech during a reply interrupts it. */
  barge_in_enabled: boolean;
  /** What speech during a reply does: `considered`, `immediate` or `off`. */
  barge_in: "off" | "immediate" | "considered";
  /** How turns of the person's are found. */
  turn_detection: TurnDetectionChoice;
  /** Whether the other mode steps in without being asked when this one fails. */
  auto_fallback: boolean;
  /** Whether audio of either side is kept. */
  recording: boolean;
  /** Sample rate of the audio that the server expects, in Hz. */
  input_sample_rate: number;
  /** Sample rate of the audio that the server sends, in Hz. */
  output_sample_rate: number;
  /** Where the person is, an IANA name; empty: where the server is. */
  time_zone: string;
  /** What its providers cannot do in its language; mostly empty. */
  warnings: LanguageWarning[];
}

/** What the conversation is doing now, for a light or a word on a page. */
export interface StatusMessage {
  /** Says which message this is. */
  type: "status";
  /** `listening`: nobody speaks; `recording`: the person does; `transcribing`: it is being understood; `responding`: the reply is made; `speaking`: it is sent. */
  status: "listening" | "recording" | "transcribing" | "responding" | "speaking";
}

/** Speech was found, and a turn has opened. */
export interface SpeechStartedMessage {
  /** Says which message this is. */
  type: "speech_started";
  /** By which all that follows of this turn names it. */
  turn_id: string;
}

/** Somebody speaks over the reply, and may want the floor: play it softer, and go on. Then comes `speech_started` of the same turn, or `floor_kept`. */
export interface FloorContestedMessage {
  /** Says which message this is. */
  type: "floor_contested";
  /** The turn that it becomes if they get the floor. */
  turn_id: string;
}

/** They did not want the floor: play on as before. Nothing more comes of their turn. */
export interface FloorKeptMessage {
  /** Says which message this is. */
  type: "floor_kept";
  /** As in `floor_contested`. */
  turn_id: string;
}

/** The open turn is over. */
export interface SpeechEndedMessage {
  /** Says which message this is. */
  type: "speech_ended";
  /** The turn that is over, as in `speech_started`. */
  turn_id: string;
  /** False: there was no speech in it, and it was dropped; nothing more comes of it. */
  kept: boolean;
}

/** What has been understood so far. It may change its mind. */
export interface TranscriptPartialMessage {
  /** Says which message this is. */
  type: "transcript_partial";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** All that was understood of the turn so far, not only what is new. */
  text: string;
}

/** What the person said. It does not change any more. */
export interface TranscriptFinalMessage {
  /** Says which message this is. */
  type: "transcript_final";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The whole turn, spoken or typed; digit sequences of 12 or more are masked. */
  text: string;
}

/** A reply is on its way. */
export interface ResponseStartedMessage {
  /** Says which message this is. */
  type: "response_started";
  /** The turn whose words are answered. */
  turn_id: string;
  /** The reply it belongs to, as in the header of its binary frames. */
  reply_id: string;
}

/** One sentence of the reply, as it will be spoken. */
export interface ResponseTextMessage {
  /** Says which message this is. */
  type: "response_text";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The reply it belongs to, as in the header of its binary frames. */
  reply_id: string;
  /** Its number in the reply, from 0, as in the header of binary frames. */
  sentence: number;
  /** The words of this sentence. */
  text: string;
}

/** The whole text of the reply. */
export interface AgentResponseMessage {
  /** Says which message this is. */
  type: "agent_response";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The reply it belongs to, as in the header of its binary frames. */
  reply_id: string;
  /** Everything that the language model wrote for this reply. */
  text: string;
  /** Why it is less than the model's whole answer: `length` (its limit of tokens) or `content_filter`; null: it is all of it. */
  cut: "length" | "content_filter" | null;
}

/** All of the reply's audio has been sent; it may still be playing. */
export interface ResponseEndedMessage {
  /** Says which message this is. */
  type: "response_ended";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The reply it belongs to, as in the header of its binary frames. */
  reply_id: string;
  /** The turn's figures, as far as they are known by now. */
  latency: Latency;
}

/** The reply was cut off; no audio of it follows. Stop playing it now. */
export interface InterruptedMessage {
  /** Says which message this is. */
  type: "interrupted";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The reply it belongs to, as in the header of its binary frames. */
  reply_id: string;
  /** How much of its audio is taken to have been heard, in milliseconds; 0: nothing. */
  heard_ms: number;
  /** The words of the reply that were heard. */
  heard_text: string;
  /** The turn's figures, as far as they are known by now. */
  latency: Latency;
}

/** What is kept as heard of a reply whose turn has ended; comes again where that changes. */
export interface ResponseHeardMessage {
  /** Says which message this is. */
  type: "response_heard";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The reply it belongs to, as in the header of its binary frames. */
  reply_id: string;
  /** How much of the reply's audio was heard, in milliseconds. */
  heard_ms: number;
  /** The words of the reply that were heard. */
  heard_text: string;
  /** How the turn ended, such as `played`, `interrupted`, `stopped` or `failed`. */
  end_reason: "played" | "heard" | "interrupted" | "superseded" | "stopped" | "mode_changed" | "client_left" | "session_ended" | "timeout" | "failed";
}

/** The first choice failed before its first output; another provider serves this turn. */
export interface ProviderFallbackMessage {
  /** Says which message this is. */
  type: "provider_fallback";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The stage in which somebody stepped in. */
  stage: "stt" | "llm" | "tts";
  /** Name of the provider that failed. */
  failed: string;
  /** Why it failed: the code of an error. */
  code: string;
  /** Name of the provider that serves the turn instead. */
  provider: string;
}

/** This mode has failed; the session can go on in the other one: ``accept_fallback``. */
export interface FallbackOfferedMessage {
  /** Says which message this is. */
  type: "fallback_offered";
  /** The one in which the session can go on. */
  mode: "cascade" | "realtime";
  /** Name of the provider that failed. */
  provider: string;
  /** Why it failed: the code of an error. */
  code: string;
  /** The same for people, in their language. */
  message: string;
}

/** The session goes on in this mode, with all that was said so far. */
export interface ModeChangedMessage {
  /** Says which message this is. */
  type: "mode_changed";
  /** The mode that serves from now on. */
  mode: "cascade" | "realtime";
  /** True: nobody was asked, as `auto_fallback` wants it. */
  automatic: boolean;
}

/** A tool of the language model's has been run. */
export interface ToolInvocationMessage {
  /** Says which message this is. */
  type: "tool_invocation";
  /** The turn it belongs to, as in `speech_started` or `response_started`. */
  turn_id: string;
  /** The reply it belongs to, as in the header of its binary frames. */
  reply_id: string;
  /** Names this one call of the tool. */
  invocation_id: string;
  /** Groups all calls that one request of the person's led to. */
  task_id: string;
  /** Name of the tool that was called. */
  tool: string;
  /** What it was called with: JSON text, as the model wrote it. */
  arguments: string;
  /** `refused`: there is no such tool, or its arguments were not valid. */
  status: "succeeded" | "failed" | "timed_out" | "refused";
  /** What it answered: JSON text, or a sentence on what went wrong. */
  result: string;
  /** How long it ran, in milliseconds. */
  ms: number;
}

/** Something went wrong. It never closes the socket; with a `turn_id` it cost that turn, and the session goes on. */
export interface ErrorMessage {
  /** Says which message this is. */
  type: "error";
  /** For programs: one of the listed codes. */
  code: string;
  /** For people, in their language: what is wrong and what to do. It repeats nothing of what was said. */
  message: string;
  /** Whether the same again may succeed. */
  retryable: boolean;
  /** Where it failed; null where no stage is to blame. */
  stage: "stt" | "llm" | "tts" | "archive" | "realtime" | null;
  /** Name of the provider that failed; null where none did. */
  provider: string | null;
  /** The turn that it cost; null where it cost none. */
  turn_id: string | null;
  /** The reply that was lost with it; null where there was none. */
  reply_id: string | null;
}

/** The session is over, and its record is closed. The socket is ready for another one. */
export interface SessionEndedMessage {
  /** Says which message this is. */
  type: "session_ended";
  /** The conversation that is over. */
  session_id: string;
  /** `ended` (the client asked), `ended_by_agent` (a tool did), `engine_unavailable` or `internal_error`. */
  reason: string;
  /** Its figures; null where a bug ended the session and nobody can tell. */
  summary: SessionSummary | null;
}

/** The answer to a `ping`: everything sent before that was carried out. */
export interface PongMessage {
  /** Says which message this is. */
  type: "pong";
  /** The text that the `ping` had. */
  nonce: string;
}

export type ClientMessage =
  | StartSessionMessage
  | AudioChunkMessage
  | TextInputMessage
  | CommitMessage
  | InterruptMessage
  | PlaybackMessage
  | UpdateSessionMessage
  | AcceptFallbackMessage
  | EndSessionMessage
  | PingMessage;

/** Which provider serves a stage; empty fields mean the default. */
export interface ProviderChoiceInput {
  /** The provider's name, as `GET interaction/providers` lists it; empty: the server's default for the stage. */
  name?: string;
  /** One of the provider's models; empty: its default. */
  model?: string;
  /** Which voice speaks, of a provider that has voices; empty: its default, or one of the language. */
  voice?: string;
  /** The language that is heard or spoken, a BCP 47 tag such as `en` or `zh-TW`; empty: the server's. */
  language?: string;
}

/** Who serves a stage when the one chosen fails before its first output, in order. */
export interface ProviderFallbacksInput {
  /** Recognisers that step in, at most four. */
  stt?: ProviderChoiceInput[];
  /** Language models that step in, at most four. */
  llm?: ProviderChoiceInput[];
  /** Voices' providers that step in, at most four. */
  tts?: ProviderChoiceInput[];
}

/** The provider of each stage, and that of realtime mode. */
export interface ProvidersInput {
  /** Who turns speech into text, in cascade mode. */
  stt?: ProviderChoiceInput;
  /** Which language model answers, in cascade mode. */
  llm?: ProviderChoiceInput;
  /** Who speaks the answer, in cascade mode. */
  tts?: ProviderChoiceInput;
  /** Who serves all three at once, in realtime mode. */
  realtime?: ProviderChoiceInput;
}

/** How the server finds where a turn of the person's starts and ends. */
export interface TurnDetectionChoiceInput {
  /** `vad`: by voice activity; `manual`: the client's `commit` ends a turn; `server` and `semantic`: in realtime mode, the provider finds the turns. In a cascade `server` is `vad`, and `semantic` waits as long as the words so far ask for. */
  kind?: "vad" | "manual" | "server" | "semantic";
  /** Probability of speech, 0 to 1, at which a turn opens. */
  threshold?: number;
  /** Audio from before the onset that still belongs to the turn, in milliseconds. */
  prefix_ms?: number;
  /** Silence that ends a turn, in milliseconds. */
  silence_ms?: number;
  /** A shorter silence, in milliseconds, after which the reply is prepared though the turn may still go on; null: never before its end. */
  eager_silence_ms?: number | null;
  /** Of `semantic`: `low` gives the person most time, `high` least. */
  eagerness?: "low" | "medium" | "high" | "auto";
}

/** Start a conversation on this socket: with settings of its own, or one that REST has made. Every field but `type` may be left out. */
export interface StartSessionMessage {
  /** `cascade`: three stages, one after the other; `realtime`: one provider for all of it. The other mode may step in (`fallback_offered`), with the providers chosen here. */
  mode?: "cascade" | "realtime";
  /** Who serves, by stage; what is left out is the server's default. */
  providers?: ProvidersInput;
  /** Who steps in, by stage; where neither this nor `providers` says anything, the server's own order holds. */
  fallbacks?: ProviderFallbacksInput;
  /** Id of a prompt template (`GET interaction/templates`); `system_prompt`, where given, is added after its text. Null: none. */
  template_id?: number | null;
  /** What the language model is told to be and to do, at most 20,000 characters together with the template's text. */
  system_prompt?: string;
  /** Names of tools that the language model may call; none by default. */
  tools?: string[];
  /** Whether speech during a reply interrupts it; false is `barge_in` `off`. */
  barge_in_enabled?: boolean;
  /** What speech during a reply does. `considered`: the reply goes on, softer, until it is known whether somebody wants the floor, or only listens on ("mm-hmm"), coughs, or is somebody else; `immediate`: it stops the reply; `off`: nothing. In realtime mode `considered` means `immediate`. */
  barge_in?: "off" | "immediate" | "considered";
  /** How turns of the person's are found. */
  turn_detection?: TurnDetectionChoiceInput;
  /** Whether the other mode steps in without being asked when this one fails. */
  auto_fallback?: boolean;
  /** Whether audio of either side is kept; the words are kept in any case. True is the person's consent to being recorded, and is kept with its time. */
  recording?: boolean;
  /** Sample rate of the audio that the client sends, in Hz. */
  input_sample_rate?: number;
  /** Sample rate of the audio that the client is sent, in Hz. */
  output_sample_rate?: number;
  /** Where the person is, an IANA name such as `Asia/Taipei`, by which tools tell the time; empty: the server's. */
  time_zone?: string;
  /** A name for the history; empty: it goes by its time. */
  title?: string;
  /** Says which message this is. */
  type: "start_session";
  /** A session made by REST; its own settings then hold, and the rest here is ignored. Null: a new one is made. */
  session_id?: string | null;
}

/** A piece of the person's audio, for clients that cannot send binary frames. */
export interface AudioChunkMessage {
  /** Says which message this is. */
  type: "audio_chunk";
  /** Base64 of mono PCM, signed 16 bit, little endian, at `input_sample_rate`; at most 1 MiB of it. */
  audio: string;
}

/** A typed turn: it interrupts a reply that still plays. */
export interface TextInputMessage {
  /** Says which message this is. */
  type: "text_input";
  /** What the person wrote. It must hold something to answer, not only spaces. */
  text: string;
}

/** End the turn now: the person has finished speaking. */
export interface CommitMessage {
  /** Says which message this is. */
  type: "commit";
}

/** Stop the reply that is being made or played. */
export interface InterruptMessage {
  /** Says which message this is. */
  type: "interrupt";
  /** How much of the reply was heard, in milliseconds of its audio; null: as reported by `playback`. */
  heard_ms?: number | null;
}

/** What the client has rendered of a reply, counted in samples. Sent a few times a second while it plays. */
export interface PlaybackMessage {
  /** Says which message this is. */
  type: "playback";
  /** Which reply plays, as in the header of its binary frames. */
  reply_id: string;
  /** How much of its audio has been rendered so far, in milliseconds. */
  played_ms: number;
  /** Nothing more of it will be played: it was the last, or it was silenced. */
  ended?: boolean;
  /** How often playback ran out of audio in the middle of this reply. */
  underruns?: number;
  /** From the end of speech, as the client finds it, to the first audible sample, in milliseconds; null where it cannot be measured. */
  ear_ms?: number | null;
  /** From the person's onset during the reply to silence at the client, in milliseconds; null where that did not happen. */
  yield_ms?: number | null;
  /** Playback waits for the person; the turn stays as it is, at most ten minutes. */
  paused?: boolean;
}

/** Change a running session's switches; absent fields stay as they are. */
export interface UpdateSessionMessage {
  /** Says which message this is. */
  type: "update_session";
  /** Whether speech during a reply interrupts it; null or absent: as it is. True takes it back from `off` to what the session began with, or to `considered`. */
  barge_in_enabled?: boolean | null;
  /** What speech during a reply does, as in `start_session`; null or absent: as it is. */
  barge_in?: "off" | "immediate" | "considered" | null;
  /** How turns are found from now on; null or absent: as it is. */
  turn_detection?: TurnDetectionChoiceInput | null;
}

/** Go on in the mode that `fallback_offered` named. */
export interface AcceptFallbackMessage {
  /** Says which message this is. */
  type: "accept_fallback";
}

/** End the conversation; the socket stays open for another one. */
export interface EndSessionMessage {
  /** Says which message this is. */
  type: "end_session";
}

/** Ask for a `pong`, which comes after everything that was sent before has been carried out. */
export interface PingMessage {
  /** Says which message this is. */
  type: "ping";
  /** Any text, at most 64 characters, that the `pong` will repeat. */
  nonce?: string;
}
