"""A day in the life of the whole product, in three hours: what it holds stays what it was."""
