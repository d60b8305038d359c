"""Run folders read: cleaned, checked, and never executed."""
