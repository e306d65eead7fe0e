"""Compile rules; compute exp and ln with the same bits everywhere; draw random numbers."""
