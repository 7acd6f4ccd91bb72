"""The commands beside serving, a module for each group of them."""
