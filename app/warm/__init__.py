"""The warm server: trials start from a process that has imported TensorFlow already."""
