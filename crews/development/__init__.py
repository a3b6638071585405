"""A Data Scientist, an ML Engineer, a QA Engineer and an MLOps Engineer who turn a dataset into a tested model."""
