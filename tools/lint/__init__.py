"""Recipes, checked for both nuclei before a device sees them."""
