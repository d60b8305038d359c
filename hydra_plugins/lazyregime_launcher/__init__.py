"""Launchers of sweeps; Hydra finds them by the name of the folder above."""
