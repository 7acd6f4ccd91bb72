"""What is found by a text."""
