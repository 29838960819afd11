"""The version, in its one place: the wheel, the labextension (held equal by a test) and the provenance read it."""

__version__ = "0.1.0"
