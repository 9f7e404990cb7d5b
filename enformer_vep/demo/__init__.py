"""The demo: a made-up world whose rules are known, and a tiny model trained on it. Nothing of it is biology."""
