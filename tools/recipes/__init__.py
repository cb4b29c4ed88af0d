"""Component recipes: their words and versions."""
