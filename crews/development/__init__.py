"""A Data Scientist and an ML Engineer who turn a dataset into a model."""
