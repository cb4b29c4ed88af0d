"""How frames get to inference."""
