"""What runs inside a trial: the data read, epochs, checkpoints, weights, and what decided its result, recorded."""
