"""From samples to a running embedding: where speech is, how good it is, and what the encoder makes of it."""
