"""How the cloud side itself is doing, for its operators."""
