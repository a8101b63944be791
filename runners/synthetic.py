"""The synthetic study: the next step of a noisy sinusoid from windows of unequal length.

python -m runners.synthetic                       # `make synthetic`
python -m runners.synthetic preset=full           # 1,000 repeats
python -m runners.synthetic experiment.T_fixed=20 'experiment.noises=[0.1, 0.2]'

Writes `outputs/synthetic/`: record.json, what was asked and found; rows.csv, a row a prediction task; and the figure.
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import begin
from runners.experiment import run_experiment


def synthetic(config: DictConfig) -> None:
    """Run the study of a configuration."""
    run_experiment(config, Path(config.output) / "synthetic")


main = hydra.main(version_base="1.3", config_path="../conf", config_name="synthetic")(synthetic)

if __name__ == "__main__":
    begin("synthetic")
    main()
