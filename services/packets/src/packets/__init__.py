"""Calibration, release, views and the PDF of a review packet."""
