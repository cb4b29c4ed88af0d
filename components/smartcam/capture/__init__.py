"""The component that turns cameras into frames and notices."""
