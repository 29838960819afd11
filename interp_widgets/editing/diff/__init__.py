"""`iw.edit_diff`: the model with an edit beside the one without, as a result, a picture, a page and a payload."""
