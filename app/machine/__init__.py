"""The machine that trials share: cores, memory, GPUs, and processes that end with their starters."""
