// The messages of Parley's socket, generated from their JSON Schemas by `manage.py schemas`.
// Don't edit this file: edit the models and run the command. docs/protocol.md is the reference.

export type ServerMessage =
  | ConnectionReadyMessage
  | SessionStartedMessage
  | StatusMessage
  | SpeechStartedMessage
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
  code: "language_not_heard" | "language_not_written";
  stage: "stt" | "llm" | "tts";
  message: string;
}

/** Which provider serves a stage; empty fields mean the default. */
export interface ProviderChoice {
  name: string;
  model: string;
  voice: string;
  language: string;
}

/** Who serves a stage when the one chosen fails before its first output, in order. */
export interface ProviderFallbacks {
  stt: ProviderChoice[];
  llm: ProviderChoice[];
  tts: ProviderChoice[];
}

export interface Providers {
  stt: ProviderChoice;
  llm: ProviderChoice;
  tts: ProviderChoice;
  realtime: ProviderChoice;
}

export interface TurnDetectionChoice {
  kind: "vad" | "manual" | "server" | "semantic";
  threshold: number;
  prefix_ms: number;
  silence_ms: number;
  eager_silence_ms: number | null;
  eagerness: "low" | "medium" | "high" | "auto";
}

/** All in ms, null where unknown. Definitions: docs/protocol.md. */
export interface Latency {
  end_of_turn_delay: number | null;
  transcription_delay: number | null;
  llm_ttft: number | null;
  llm_ttfs: number | null;
  tts_ttfb: number | null;
  e2e: number | null;
  ear: number | null;
  yield: number | null;
}

export interface SessionSummary {
  turns: number;
  interrupted: number;
  failed: number;
  seconds: number;
}

export interface ConnectionReadyMessage {
  type: "connection_ready";
  protocol: 1;
}

/** The effective settings, defaults filled in. */
export interface SessionStartedMessage {
  type: "session_started";
  session_id: string;
  mode: "cascade" | "realtime";
  providers: Providers;
  fallbacks: ProviderFallbacks;
  template_id: number | null;
  system_prompt: string;
  tools: string[];
  barge_in_enabled: boolean;
  turn_detection: TurnDetectionChoice;
  auto_fallback: boolean;
  recording: boolean;
  input_sample_rate: number;
  output_sample_rate: number;
  time_zone: string;
  warnings: LanguageWarning[];
}

export interface StatusMessage {
  type: "status";
  status: "listening" | "recording" | "transcribing" | "responding" | "speaking";
}

export interface SpeechStartedMessage {
  type: "speech_started";
  turn_id: string;
}

export interface SpeechEndedMessage {
  type: "speech_ended";
  turn_id: string;
  kept: boolean;
}

export interface TranscriptPartialMessage {
  type: "transcript_partial";
  turn_id: string;
  text: string;
}

export interface TranscriptFinalMessage {
  type: "transcript_final";
  turn_id: string;
  text: string;
}

export interface ResponseStartedMessage {
  type: "response_started";
  turn_id: string;
  reply_id: string;
}

/** One sentence of the reply. */
export interface ResponseTextMessage {
  type: "response_text";
  turn_id: string;
  reply_id: string;
  sentence: number;
  text: string;
}

/** The whole text of the reply. */
export interface AgentResponseMessage {
  type: "agent_response";
  turn_id: string;
  reply_id: string;
  text: string;
  cut: "length" | "content_filter" | null;
}

/** All of the reply's audio has been sent; it may still be playing. */
export interface ResponseEndedMessage {
  type: "response_ended";
  turn_id: string;
  reply_id: string;
  latency: Latency;
}

/** The reply was cut off; no audio of it follows. Stop playing it now. */
export interface InterruptedMessage {
  type: "interrupted";
  turn_id: string;
  reply_id: string;
  heard_ms: number;
  heard_text: string;
  latency: Latency;
}

/** What is kept as heard of a reply whose turn has ended; comes again where that changes. */
export interface ResponseHeardMessage {
  type: "response_heard";
  turn_id: string;
  reply_id: string;
  heard_ms: number;
  heard_text: string;
  end_reason: "played" | "heard" | "interrupted" | "superseded" | "stopped" | "mode_changed" | "client_left" | "session_ended" | "timeout" | "failed";
}

/** The first choice failed before its first output; another provider serves this turn. */
export interface ProviderFallbackMessage {
  type: "provider_fallback";
  turn_id: string;
  stage: "stt" | "llm" | "tts";
  failed: string;
  code: string;
  provider: string;
}

/** This mode has failed; the session can go on in the other one: ``accept_fallback``. */
export interface FallbackOfferedMessage {
  type: "fallback_offered";
  mode: "cascade" | "realtime";
  provider: string;
  code: string;
  message: string;
}

/** The session goes on in this mode, with all that was said so far. */
export interface ModeChangedMessage {
  type: "mode_changed";
  mode: "cascade" | "realtime";
  automatic: boolean;
}

export interface ToolInvocationMessage {
  type: "tool_invocation";
  turn_id: string;
  reply_id: string;
  invocation_id: string;
  task_id: string;
  tool: string;
  arguments: string;
  status: "succeeded" | "failed" | "timed_out" | "refused";
  result: string;
  ms: number;
}

export interface ErrorMessage {
  type: "error";
  code: string;
  message: string;
  retryable: boolean;
  stage: "stt" | "llm" | "tts" | "archive" | "realtime" | null;
  provider: string | null;
  turn_id: string | null;
  reply_id: string | null;
}

export interface SessionEndedMessage {
  type: "session_ended";
  session_id: string;
  reason: string;
  summary: SessionSummary | null;
}

export interface PongMessage {
  type: "pong";
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
  name?: string;
  model?: string;
  voice?: string;
  language?: string;
}

/** Who serves a stage when the one chosen fails before its first output, in order. */
export interface ProviderFallbacksInput {
  stt?: ProviderChoiceInput[];
  llm?: ProviderChoiceInput[];
  tts?: ProviderChoiceInput[];
}

export interface ProvidersInput {
  stt?: ProviderChoiceInput;
  llm?: ProviderChoiceInput;
  tts?: ProviderChoiceInput;
  realtime?: ProviderChoiceInput;
}

export interface TurnDetectionChoiceInput {
  kind?: "vad" | "manual" | "server" | "semantic";
  threshold?: number;
  prefix_ms?: number;
  silence_ms?: number;
  eager_silence_ms?: number | null;
  eagerness?: "low" | "medium" | "high" | "auto";
}

export interface StartSessionMessage {
  mode?: "cascade" | "realtime";
  providers?: ProvidersInput;
  fallbacks?: ProviderFallbacksInput;
  template_id?: number | null;
  system_prompt?: string;
  tools?: string[];
  barge_in_enabled?: boolean;
  turn_detection?: TurnDetectionChoiceInput;
  auto_fallback?: boolean;
  recording?: boolean;
  input_sample_rate?: number;
  output_sample_rate?: number;
  time_zone?: string;
  title?: string;
  type: "start_session";
  session_id?: string | null;
}

export interface AudioChunkMessage {
  type: "audio_chunk";
  audio: string;
}

export interface TextInputMessage {
  type: "text_input";
  text: string;
}

export interface CommitMessage {
  type: "commit";
}

export interface InterruptMessage {
  type: "interrupt";
  heard_ms?: number | null;
}

export interface PlaybackMessage {
  type: "playback";
  reply_id: string;
  played_ms: number;
  ended?: boolean;
  underruns?: number;
  ear_ms?: number | null;
  yield_ms?: number | null;
  paused?: boolean;
}

/** Change a running session's switches; absent fields stay as they are. */
export interface UpdateSessionMessage {
  type: "update_session";
  barge_in_enabled?: boolean | null;
  turn_detection?: TurnDetectionChoiceInput | null;
}

/** Go on in the mode that was offered. */
export interface AcceptFallbackMessage {
  type: "accept_fallback";
}

export interface EndSessionMessage {
  type: "end_session";
}

export interface PingMessage {
  type: "ping";
  nonce?: string;
}
