"""A clock that a test moves by hand."""


class Clock:
    """Gives `now`, in seconds, wherever a clock function is wanted."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
