"""The run as an animation in the browser."""
