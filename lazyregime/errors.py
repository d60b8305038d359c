"""What a user did wrong, in a sentence: what was given, what is allowed, what to do."""


class LazyRegimeError(ValueError):
    """A mistake of the caller's; the doors print its sentence without a traceback."""
