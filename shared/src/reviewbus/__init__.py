"""The chassis that every service of the review system stands on."""
