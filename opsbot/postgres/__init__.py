"""The databases that we operate (not our own state): the only place that speaks SQL to them."""
