"""How well the scene learner keeps its word on real footage, and what it costs."""
