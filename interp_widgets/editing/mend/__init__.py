"""MEND: a network that turns the gradient of a fact into an edit, its training and its artefact."""
