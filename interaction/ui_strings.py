"""The strings that the voice page's scripts show, in the person's language.

The page gets them by ``json_script``; names in braces are filled in by the scripts. Pages about
kept turns show the same ones.
"""

from __future__ import annotations

from functools import cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _


def ui_strings() -> dict[str, str]:
    """Key to text; the keys are those in static/talk/*.js."""
    return dict(_in_language(get_language()))


@cache  # a long conversation's page asks once a turn
def _in_language(_active: str | None) -> dict[str, str]:
    return (
        _states()
        | _controls()
        | _turns()
        | _turn_events()
        | _errors()
        | _stages()
        | _microphone()
        | _session()
        | _languages()
        | _devices()
        | _microphone_check()
        | _replies()
    )


def _languages() -> dict[str, str]:
    return {
        "not_served_stt": _("{names} does not understand {language}."),
        "not_served_llm": _("{names} does not answer in {language}."),
        "not_served_tts": _("{names} does not speak {language}."),
        "does_instead": _("{name} does it instead."),
        "choose_one": _("Choose {names}."),
        "with_model": _("{names} would, with a model for it."),
        "with_key": _("With a key of yours, {names} would."),
        "nobody_does": _("No provider of this server does."),
    }


def _states() -> dict[str, str]:
    return {
        "status_idle": _("Ready"),
        "status_starting": _("Starting…"),
        "status_listening": _("Listening"),
        "status_recording": _("Recording"),
        "status_transcribing": _("Transcribing"),
        "status_responding": _("Responding"),
        "status_speaking": _("Speaking"),
        "status_reconnecting": _("Reconnecting…"),
        "status_ending": _("Ending…"),
        "status_muted": _("Microphone off"),
        "status_hold": _("Hold to talk"),
        "elapsed": _("{seconds} s"),
    }


def _controls() -> dict[str, str]:
    return {
        "talk_start": _("Start talking"),
        "talk_mute": _("Turn the microphone off"),
        "talk_unmute": _("Turn the microphone on"),
        "talk_hold": _("Hold to talk"),
        "recorded": _("Recorded"),
        "not_recorded": _("Not recorded"),
        "interruptible": _("interruptible"),
        "uninterruptible": _("not interruptible"),
        "hold_to_talk": _("hold to talk"),
        "hands_free": _("{ms} ms pause"),
        "mode_cascade": _("Cascade"),
        "mode_realtime": _("Realtime"),
        "ended_by_words": _("pause and words"),
        "found_by_provider": _("turns found by the provider"),
        "fallback_to_cascade": _("Go on with the cascade?"),
        "fallback_to_realtime": _("Go on in realtime mode?"),
        "go_on": _("Go on"),
        "not_now": _("Not now"),
        "mode_is_cascade": _("The cascade goes on from here."),
        "mode_is_realtime": _("Realtime mode goes on from here."),
        "default_is": _("Default ({name})"),
        "not_available": _("{name} (not available)"),
        "or": _("or"),
        "nobody": _("Nobody steps in"),
        "nobody_else": _("Nobody else"),
        "steps_in": _("Steps in, number {number}"),
        "not_found": _("It is not there any more. Reload the page."),
    }


def _turns() -> dict[str, str]:
    return {
        "you": _("You"),
        "agent": _("Agent"),
        "you_said": _("You said: {text}"),
        "not_understood": _("Nothing was understood"),
        "interrupted_at": _("Interrupted after {seconds} s"),
        "stopped_at": _("Stopped after {seconds} s"),
        "heard_for": _("Heard for {seconds} s"),
        "cut_length": _("The answer ends early: the model reached its length limit."),
        "cut_content_filter": _("The answer ends early: the model's content filter stopped it."),
        "interrupted_silent": _("Cut off before a sound was heard"),
        "unheard": _("not heard:"),
    }


def _errors() -> dict[str, str]:
    """What stands beside an explanation of ``error_explanations.py``."""
    return {
        "kept_words": _("Your words are kept."),
        "kept_before": _("What was said before is kept."),
        "details": _("Details"),
        "new_tab": _("new tab"),
        "action_try_again": _("Try again"),
        "action_use_another": _("Use another provider"),
        "action_type_instead": _("Type instead"),
        "action_open_keys": _("Open the keys"),
        "action_open_settings": _("Open the settings"),
        "action_sign_in": _("Sign in"),
        "action_start_again": _("Start a new conversation"),
        "action_reload": _("Reload the page"),
    }


def _turn_events() -> dict[str, str]:
    return {
        "stepped_in": _("{provider} stepped in."),
        "tool_failed": _("failed"),
        "tool_timed_out": _("took too long"),
        "tool_refused": _("was not allowed"),
        "tool_given": _("Given"),
        "tool_result": _("Result"),
    }


def _stages() -> dict[str, str]:
    return {
        "stage_end_of_turn": _("End of turn"),
        "stage_stt": _("Speech to text"),
        "stage_llm": _("Language model"),
        "stage_tts": _("Text to speech"),
        "stage_playout": _("Playout"),
        "stage_archive": _("Archive"),
        "stage_realtime": _("Realtime"),
        "total_ear": _("to first sound"),
        "total_e2e": _("to first audio sent"),
        "figures": _("Figures of turn {number}"),
        "no_figures": _("The first turn's figures appear here."),
        "ms": _("ms"),
    }


def _microphone() -> dict[str, str]:
    return {
        "mic_denied": _(
            "The microphone is blocked for this page. Allow it in the browser's address bar "
            "(the icon left of the address), then try again."
        ),
        "mic_no_device": _("No microphone was found. Plug one in, then try again."),
        "mic_insecure": _(
            "Browsers give out the microphone only on localhost or over HTTPS, and this page came "
            "over plain HTTP. Open it by one of these."
        ),
        "mic_in_use": _(
            "Another program is using the microphone, or the system refused it. Close that "
            "program, then try again."
        ),
        "mic_unplugged": _("The microphone went away. Plug it in again, then turn it on."),
        "mic_failed": _("The microphone could not be opened. Try again, or reload the page."),
        "mic_type_instead": _("You can type meanwhile; the reply is spoken all the same."),
        "try_again": _("Try again"),
        "type_instead": _("Type instead"),
        "dismiss": _("Dismiss"),
        "silent_suspended": _(
            "The browser's sound does not run: nothing is played, and you may not be heard. Plug "
            "in or choose a loudspeaker or headphones in your system, then switch the sound on."
        ),
        "silent_no_input": _(
            "No sound comes from the microphone. Check that it is plugged in and chosen in your "
            "system, then open it again."
        ),
        "silent_input_muted": _(
            "Your system has muted the microphone. Unmute it there, or by the switch on the "
            "microphone, then open it again."
        ),
        "switch_sound_on": _("Switch the sound on"),
        "open_microphone": _("Open the microphone again"),
        "play": _("Play the reply"),
        "play_why": _("The browser waits for a click before it plays sound."),
    }


def _session() -> dict[str, str]:
    return {
        "lost": _("The connection was lost. What was said up to here is kept in your history."),
        "lost_attempt": _("Trying again ({attempt})…"),
        "gone": _(
            "The server cannot be reached, or your sign-in has run out. What was said up to here "
            "is kept. Reload the page, or start again."
        ),
        "again": _(
            "Connected again. This is a new conversation: the agent does not remember what came "
            "before. That part is in your history."
        ),
        "too_slow": _(
            "This page could not take in the sound as fast as it came, so the server hung up. What "
            "was said up to here is kept. Close what slows the browser or the network down, then "
            "start again."
        ),
        "slow_network": _("The network is slower than your voice: some audio was dropped."),
        "ended": _("The conversation is over; its figures come in a moment."),
        "see_history": _("See it in your history"),
        "before": _("The conversation above is over."),
        "sound_failed": _(
            "This browser could not start its sound. Reload the page, or try another."
        ),
        "key_hint": _(
            "These engines run on this machine. A provider's key adds natural voices and "
            "open-ended answers."
        ),
        "add_key": _("Add a key"),
    }


def _devices() -> dict[str, str]:
    return {
        "device_default": _("The system's default"),
        "device_gone": _("{name} (not there)"),
        "numbered_microphone": _("Microphone {number}"),
        "numbered_speaker": _("Loudspeaker {number}"),
        "pick_another": _("Pick another device"),
        "lost_microphone": _(
            "The microphone “{name}” is not there. The system's default microphone listens "
            "until it is back."
        ),
        "lost_speaker": _(
            "The loudspeaker “{name}” is not there. The system's default one plays until it is "
            "back."
        ),
        "percent": _("{number} %"),
    }


def _microphone_check() -> dict[str, str]:
    return {
        "check_start": _("Check the microphone"),
        "check_stop": _("Stop the check"),
        "check_opening": _("Opening the microphone…"),
        "check_listening": _("Say a sentence now."),
        "check_good": _("We hear you. This is how you sound."),
        "check_quiet": _(
            "We hear you, but you are too quiet. Come closer, or turn the microphone up in your "
            "system."
        ),
        "check_clipping": _(
            "You are too loud: your voice is distorted. Move away from the microphone, or turn it "
            "down in your system."
        ),
        "check_noise": _(
            "Something is heard, but nothing like speech. Say a sentence while it listens; if you "
            "did, something hums louder than you: pick another microphone."
        ),
        "check_nothing": _(
            "Nothing is heard. Check that the microphone is plugged in and not muted, and that it "
            "is the one chosen here; a browser without a loudspeaker may also hear nothing."
        ),
    }


def _replies() -> dict[str, str]:
    return {
        "status_waiting": _("Press play"),
        "status_paused": _("Paused"),
        "reply_waiting": _("Play the reply of turn {number}"),
        "reply_playing": _("Pause the reply of turn {number}"),
        "reply_paused": _("Go on with the reply of turn {number}"),
        "reply_over": _("Play the reply of turn {number} again"),
        "reply_replaying": _("Stop playing the reply of turn {number}"),
        "reply_gone": _("The sound of this reply is not kept any more. Its text is."),
    }
