"""What people look at: server-rendered pages that read the store."""
