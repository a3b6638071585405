"""Making a trained model smaller and faster: every way in one table, each guarded by what it costs in accuracy."""
