"""A reporter that keeps what it is told."""

from maskwright.progress import Reporter


class Said(Reporter):
    """Says nothing; `lines` has all, warnings with the word before them."""

    def __init__(self):
        super().__init__(quiet=True)
        self.lines = []

    def say(self, message):
        self.lines.append(message)

    def warn(self, message):
        self.lines.append(f"warning: {message}")
