"""The component that turns frames into events."""
