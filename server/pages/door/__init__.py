"""Who may see pages and press buttons, and what a pressed button does."""
