"""How the decoder's process says what became of its work, beside 0."""

NOT_DECODABLE, NO_SOUND, TOO_LONG = 10, 11, 12
