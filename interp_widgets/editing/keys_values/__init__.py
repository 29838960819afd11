"""What editors find first: where to edit, texts, the keys of a subject, their statistics, and the values wanted."""
