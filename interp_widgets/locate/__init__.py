"""Where in the model an answer comes from."""
