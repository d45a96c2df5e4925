"""What can be wrong with an address table or a list; knows nothing of either."""


class OriginError(ValueError):
    """A file that cannot serve as address table or list; the message is one sentence."""
