"""The statistics of drift, one family a file: what differs, by how much, and how often chance alone gives as much.

Every test returns an effect beside its p-value. An effect is corrected for what chance brings on average at the sizes
at hand, so that one threshold holds for fifty rows and for a million.
"""
