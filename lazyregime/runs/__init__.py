"""The run folder and nothing else: identity, status words, lock, one atomic writer, results, reading back."""
