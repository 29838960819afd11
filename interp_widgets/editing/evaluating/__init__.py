"""What is measured of an edit: the papers' scores, ripple, preservation, fluency, the alarm, suites that are kept."""
