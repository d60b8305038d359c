"""Who watches a run: wandb, TensorBoard, or nobody."""
