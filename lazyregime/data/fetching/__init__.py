"""The bytes of published data sets: at hand, rebuilt from another form, or fetched; checked before use, kept whole."""
