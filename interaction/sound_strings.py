"""What the voice page's scripts say of devices, the microphone check and replies played by hand."""

from __future__ import annotations

from django.utils.translation import gettext as _


def sound_strings() -> dict[str, str]:
    """Part of ``ui_strings``."""
    return _devices() | _microphone_check() | _replies()


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
