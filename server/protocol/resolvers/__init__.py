"""One module a noun; each has FIELDS: GraphQL type -> field -> function of (parent, info, arguments)."""
