"""The editors, one short file each, and the closed forms that they share."""
