"""The page of the one who is signed in: who they are, where they are signed in, and what people did."""
