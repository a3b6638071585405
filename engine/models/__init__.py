"""Model kinds: dummy, linear, forest, lightgbm. Each is a module with `fit(X, y, params, setting)` and `load(folder)`.

Use `fit_model` and `load_model` of `engine.models.model`: they take care of classes missing from the rows at hand.
"""
