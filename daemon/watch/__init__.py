"""Captures, heard without end: the state machine of their attempts, and who is told of them."""
