"""Changing what the model knows: facts, and the edits that replace them."""
