"""What `wandb` speaks: GraphQL, the file stream and signed files. Translates, decides nothing."""
