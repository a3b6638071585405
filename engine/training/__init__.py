"""Training of torch models: the loop, its losses and metrics, checkpoints, and more than one device.

Importing this package loads no torch; its modules do.
"""
