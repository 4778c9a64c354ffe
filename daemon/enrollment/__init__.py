"""How a voice becomes known: recordings in, templates out; whether they are fit for it, and what is learned later."""
