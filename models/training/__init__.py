"""Training: pretrained encoder, intermediate tasks, target task (STILTs: Phang et al. 2018)."""

from models.training.bars import training_progress
from models.training.run import TrainingRun, train

__all__ = ["TrainingRun", "train", "training_progress"]
