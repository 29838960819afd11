"""Tests of Interp Widgets; the folders mirror `interp_widgets/`, beside browser/, house/, notebooks/ and peers/."""
