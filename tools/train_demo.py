"""Trains the demo model: a tiny Enformer, on a made-up genome whose rules are known (docs/demo.md).

python tools/train_demo.py --model FOLDER [--work FOLDER]

After an interruption, the same command continues from the last checkpoint in --work.
"""

import json
import math
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd
import sonnet as snt
import tensorflow as tf
from demo_training import PACKAGES, Trained, Training, correlations, model_card, window_at
from tqdm import tqdm

from enformer_vep.demo.files import known_truths, site_records, write_fasta, write_vcf
from enformer_vep.demo.recovery import Recovery, measure_recovery
from enformer_vep.demo.variants import TEST_SEED, TEST_VARIANTS, draw_variants
from enformer_vep.demo.world import HELD_OUT_CONTIGS, TRACKS, held_out_contig, noisy_counts, training_contig
from enformer_vep.genome.codes import Codes, one_hot, reverse_complement
from enformer_vep.model.attention import position_features
from enformer_vep.model.config import NUM_POSITION_CLASSES, EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.weights import save_model
from enformer_vep.run.identities import versions
from enformer_vep.run.score.course import score_vcf
from enformer_vep.run.settings import InputSettings, OutputSettings, ScoreSettings, ScoringSettings

HEAD = "human"
CONFIG = EnformerConfig(
    channels=72,
    num_transformer_layers=2,
    num_heads=2,
    key_size=16,
    heads={HEAD: len(TRACKS)},
    width_multiple=12,
    dropout_rate=0.0,  # XLA's random numbers cannot be seeded, and there are enough windows
    attention_dropout_rate=0.0,
    position_dropout_rate=0.0,
    pointwise_dropout_rate=0.0,
)
MODEL_NOTICE = "demo model, trained on a made-up genome: its scores mean nothing biologically"

NUM_WARM_UP_STEPS = 200
CHECKPOINT_STEPS = 250
NEIGHBOURHOOD_BINS = 187
"""Attention begins as a mean over about this many bins to either side."""
NEIGHBOUR_LOGIT = 5.0
PSEUDO_COUNT = 1e-6
IS_COMPILED = True
"""Compile a step with XLA: this takes a minute, and halves the time per step for a model of so few channels."""


class Windows:
    """Windows of the training contigs, with their counts."""

    def __init__(self, num_contigs: int) -> None:
        self.contigs: list[tuple[Codes, np.ndarray]] = []
        for number in tqdm(range(num_contigs), desc="making the world", unit=" contigs"):
            contig = training_contig(number)
            self.contigs.append((contig.codes, noisy_counts(contig)))

    def draw(self, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the window of a step, on either strand: one_hot [1, window, 4] and counts float32 [1, bins, tracks].

        It depends only on the seed and the step, so that a resumed run sees the same windows.
        """
        rng = np.random.default_rng([seed, step])
        geometry = CONFIG.geometry
        codes, counts = self.contigs[rng.integers(len(self.contigs))]
        first = int(rng.integers(len(counts) - geometry.num_tower_bins + 1))
        window, counted = window_at(codes, counts, first, geometry)
        if rng.random() < 0.5:
            window, counted = reverse_complement(window), counted[::-1]
        return one_hot(window)[np.newaxis], counted[np.newaxis].astype(np.float32)


def learning_rate(step: int, training: Training) -> float:
    """Rises linearly while it warms up, then falls to zero along a cosine."""
    if step < NUM_WARM_UP_STEPS:
        return training.peak_learning_rate * (step + 1) / NUM_WARM_UP_STEPS
    share = (step - NUM_WARM_UP_STEPS) / max(training.steps - NUM_WARM_UP_STEPS, 1)
    return training.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def attend_to_neighbours(model: Enformer) -> None:
    """Makes attention start as a mean over the neighbourhood that depends only on distance.

    Sonnet's initial values make it start at one or two bins that may be anywhere, and zeros make it start as a mean
    over the whole window, which hardly differs between promoters. Learning starts slowly from both.
    """
    for block in model.transformer_blocks:
        attention = block.attention
        num_heads, key_size, value_size = attention.num_heads, attention.key_size, attention.value_size
        num_bins = CONFIG.geometry.num_tower_bins
        exponential = position_features(num_bins, value_size)[:, : value_size // NUM_POSITION_CLASSES]
        neighbour = num_bins - 1 + min(NEIGHBOURHOOD_BINS, num_bins - 1)
        feature = np.abs(exponential[neighbour] - 0.5).argmin()  # the one whose half-life comes nearest
        position_key = attention.position_key.w.numpy().reshape(value_size, num_heads, key_size)
        position_key[:, :, 0] = 0
        position_key[feature, :, 0] = NEIGHBOUR_LOGIT
        attention.position_key.w.assign(position_key.reshape(value_size, -1))
        bias = np.zeros(attention.r_r_bias.shape, dtype=np.float32)
        bias[..., 0] = 1
        attention.r_r_bias.assign(bias)
        attention.r_w_bias.assign(tf.zeros_like(attention.r_w_bias))
        attention.query.w.assign(tf.zeros_like(attention.query.w))


def train(training: Training, work: Path) -> Enformer:
    """Trains a model, or continues from a checkpoint in `work`."""
    check_work(training, work)
    tf.random.set_seed(training.seed)
    model = Enformer(CONFIG)
    attend_to_neighbours(model)
    rate = tf.Variable(0.0, trainable=False)
    optimizer = snt.optimizers.Adam(rate)

    @tf.function(jit_compile=IS_COMPILED)
    def train_step(windows: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            expected = model(windows, is_training=True)[HEAD]
            loss = tf.reduce_mean(expected - counts * tf.math.log(expected + PSEUDO_COUNT))  # Poisson
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, training.max_gradient_norm)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    data = Windows(training.contigs)
    done = tf.Variable(0, dtype=tf.int64, trainable=False)
    train_step(*data.draw(training.seed, 0))  # a step at a rate of zero creates the optimizer's variables
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, done=done)
    manager = tf.train.CheckpointManager(checkpoint, str(work), max_to_keep=2)
    if manager.latest_checkpoint:
        checkpoint.restore(manager.latest_checkpoint).assert_consumed()
    losses: list[float] = []
    steps = range(int(done), training.steps)
    with tqdm(steps, initial=int(done), total=training.steps, desc="training", unit=" steps") as bar:
        for step in bar:
            rate.assign(learning_rate(step, training))
            losses = [*losses[-99:], float(train_step(*data.draw(training.seed, step)))]
            bar.set_postfix(loss=f"{np.mean(losses):.3f}", refresh=False)
            if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == training.steps:
                done.assign(step + 1)
                manager.save()
    return model


def check_work(training: Training, work: Path) -> None:
    """Makes sure that checkpoints in `work` belong to this training run."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "training.json"
    wanted = json.dumps(vars(training))
    if not path.exists():
        path.write_text(wanted, encoding="utf-8")
    elif (found := path.read_text(encoding="utf-8")) != wanted:
        raise click.ClickException(
            f"{work} contains checkpoints of another training run: {found}, this one is {wanted}"
        )


def evaluate(model: Enformer, folder: Path) -> tuple[dict[str, float], Recovery]:
    """Tests a model on the held-out contigs: its signal, and variants through `score`."""

    @tf.function
    def predict(windows: tf.Tensor) -> tf.Tensor:
        return model(windows)[HEAD]

    contigs = [held_out_contig(name) for name in HELD_OUT_CONTIGS]
    found = correlations(lambda windows: predict(windows).numpy(), contigs[0], CONFIG.geometry)
    records = site_records(draw_variants(contigs, TEST_VARIANTS, seed=TEST_SEED))
    with tempfile.TemporaryDirectory() as temporary:
        fasta, vcf, out = (Path(temporary) / name for name in ("genome.fa", "variants.vcf", "scores.parquet"))
        write_fasta(fasta, contigs)
        write_vcf(vcf, contigs, records)
        score_vcf(
            ScoreSettings(
                InputSettings(str(vcf), str(fasta)), ScoringSettings(str(folder)), output=OutputSettings(str(out))
            )
        )
        return found, measure_recovery(pd.read_parquet(out), known_truths(records))


def write_track_table(path: Path) -> None:
    table = pd.DataFrame({"index": range(len(TRACKS)), "identifier": TRACKS})
    table["description"] = [f"{track.removeprefix('DEMO:')}:made-up ({MODEL_NOTICE})" for track in TRACKS]
    table.to_csv(path, sep="\t", index=False, lineterminator="\n")


def current_commit() -> str:
    """The commit that is checked out, and whether anything was changed since."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@click.command()
@click.option("--model", "folder", required=True, type=Path, help="Folder to write the model to.")
@click.option("--work", default="train-demo", show_default=True, type=Path, help="Folder for checkpoints.")
@click.option("--steps", default=3500, show_default=True, help="Number of steps, each on one window.")
@click.option("--seed", default=1, show_default=True, help="Seed of the weights, the windows and their order.")
@click.option("--overwrite", is_flag=True, help="Replace the model in the folder.")
def main(folder: Path, work: Path, steps: int, seed: int, overwrite: bool) -> None:
    """Train the demo model, test it on held-out contigs, and write it with its model card."""
    if folder.exists() and not overwrite:
        raise click.ClickException(f"{folder} exists: choose another folder, or use --overwrite")
    start, commit = time.perf_counter(), current_commit()
    training = Training(seed, steps)
    model = train(training, work)
    with tempfile.TemporaryDirectory(dir=work) as temporary:
        whole = Path(temporary) / "model"
        save_model(model, whole, name="demo", notice=MODEL_NOTICE)
        write_track_table(whole / f"tracks_{HEAD}.tsv")
        found, recovery = evaluate(model, whole)
        minutes = (time.perf_counter() - start) / 60
        packages = {name: version for name, version in versions().items() if name in PACKAGES}
        trained = Trained(training, commit, minutes, packages, found, recovery)
        num_parameters = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
        (whole / "model_card.md").write_text(model_card(trained, num_parameters), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        shutil.move(whole, folder)
    click.echo((folder / "model_card.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
