"""Model kinds: dummy, linear, forest, lightgbm, networks. Each has `fit(X, y, params, setting)` and `load(folder)`.

Use `fit_model` and `load_model` of `engine.models.model`: they take care of classes missing from the rows at hand.
"""
