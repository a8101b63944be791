"""The theory's experiments: what the limit means for networks of finite width.

python -m runners.theory experiment=convergence
python -m runners.theory -m 'experiment=glob(*)'          # all, one after another: `make theory`
python -m runners.theory experiment=evolution experiment.datasets='[ECG200]' experiment.seeds=3

Each writes `outputs/theory/<experiment>/`: record.json, what was asked and found; rows.csv; and its figure as PDF, SVG and PNG. An
experiment that was asked the same before is only drawn again.
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import begin, stop
from runners.experiment import run_experiment
from runners.method import absent_of


def theory(config: DictConfig) -> None:
    """Run the experiment of a configuration."""
    name = config.experiment._target_.rsplit(".", 1)[-1]
    if name != "sensitivity" and (fault := absent_of("networks")):  # a matter of the kernel alone
        stop(f"this {fault}")
    run_experiment(config, Path(config.output) / "theory" / name)


main = hydra.main(version_base="1.3", config_path="../conf", config_name="theory")(theory)

if __name__ == "__main__":
    begin("theory")
    main()
