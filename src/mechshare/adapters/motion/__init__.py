"""Finds how clips move, and which move alike, by computing with small grey pictures."""
