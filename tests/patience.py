"""How long a test waits for what is to happen: until it does, however busy the machine is."""

# It ends a test that hangs, and tells where. No test waits for it to pass, and none fails for having taken long.
HANG_S = 600
