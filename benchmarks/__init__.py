"""Measurements side by side with peers: seconds alternating in one process, memory each in a fresh one."""
