"""An error that costs a trial nothing, as it is told in passing."""

MOST_CHARACTERS = 300


def one_line(error: Exception) -> str:
    """Its type and what it says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:MOST_CHARACTERS]}"
