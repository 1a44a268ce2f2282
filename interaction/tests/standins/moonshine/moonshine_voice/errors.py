class MoonshineError(Exception):
    pass
