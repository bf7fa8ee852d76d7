"""Training: pretrained encoder, intermediate tasks, target task (STILTs: Phang et al. 2018)."""

from models.training.bars import training_progress
from models.training.prepare import TrainingRun
from models.training.rehearsal import rehearse
from models.training.run import train

__all__ = ["TrainingRun", "rehearse", "train", "training_progress"]
