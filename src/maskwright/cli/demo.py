"""maskwright demo"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "phantom data -> train -> evaluate -> predict -> pictures, in a few minutes on two cores"
EXAMPLE = """maskwright demo --out maskwright-demo
  maskwright demo --task volumes          # abdomen, pictures, classes or volumes
  maskwright demo --task pictures --data-only --out cells    # phantoms to try everything on"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "--out", default="maskwright-demo", metavar="DIR", help="folder to work in (default: %(default)s)"
    )
    parser.add_argument(
        "--task", default="abdomen", choices=["abdomen", "pictures", "classes", "volumes"],
        help="what is segmented (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--data-only", action="store_true", help="make the phantoms and their configuration, no more")
    parser.add_argument("--epochs", type=int, help="length of the training (default: as the task needs)")
    parser.add_argument("--cases", type=int, help="how many phantoms (default: as the task needs)")
    parser.add_argument("--seed", type=int, default=137, help="seed of the phantoms (default: %(default)s)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Run the demonstration and say where to look."""
    from maskwright.demo import make_data, run_demo
    from maskwright.demo_tasks import CONFIG_NAME, TASKS
    from maskwright.evaluation.summary import headline

    folder, task = Path(arguments.out), TASKS[arguments.task]
    if arguments.data_only:
        make_data(
            task, folder, reporter, epochs=arguments.epochs or task.epochs, cases=arguments.cases or task.cases,
            seed=arguments.seed,
        )  # fmt: skip
        text = f"{folder / 'dataset'}  {task.what}\n{folder / CONFIG_NAME}  a configuration for it"
        return Outcome({"folder": folder, "data": folder / "dataset", "config": folder / CONFIG_NAME}, text)
    demo = run_demo(
        folder, reporter, task=arguments.task, epochs=arguments.epochs, cases=arguments.cases, seed=arguments.seed
    )
    text = "\n".join(
        [
            "",
            "Scores on patients that the network has not seen:",
            headline(demo.summary),
            "",
            "Look at:",
            f"  {demo.picture}  predictions (yellow) and ground truth (white)",
            f"  {demo.run / 'train_losses.png'}  the training",
            f"  {demo.run / 'predictions'}  every test case",
            f"  {demo.run / 'per_patient.csv'}  every patient's scores",
            f"  {demo.folder / 'demo.toml'}  the configuration, to start your own from",
            "Try it in the browser (extra [serve]):",
            f"  maskwright serve {demo.run}  and drop one of {demo.folder / 'dataset' / task.dropped}",
        ]
    )
    return Outcome({"folder": demo.folder, "run": demo.run, "picture": demo.picture, "evaluation": demo.summary}, text)
