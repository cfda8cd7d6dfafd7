"""The history of a run (SQLite) and its checkpoints (safetensors)."""
