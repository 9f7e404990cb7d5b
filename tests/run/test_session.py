from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from enformer_vep.errors import FastaError, InputError
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.run import session as session_module
from enformer_vep.run.session import NUM_ENGINES, Session
from enformer_vep.run.settings import ComputeSettings, ScoringSettings


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    scoring = ScoringSettings(str(folder / "model"))
    with Session(scoring, ComputeSettings(), str(folder / "genome.fa"), None) as session:
        yield session


def test_the_model_is_loaded_when_it_is_first_used_and_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []
    prepare = session_module.prepare_device
    monkeypatch.setattr(
        session_module, "prepare_device", lambda *args, **more: prepared.append(1) or prepare(*args, **more)
    )
    assert session.genome.resolve("1") == "chr1"
    assert not prepared
    assert session.model is session.model_for(session.scoring)
    assert prepared == [1]
    assert len(session.model.tracks.identifiers) == 5


def test_a_way_of_looking_keeps_its_engine_and_the_least_recently_used_one_goes(session: Session) -> None:
    ways = [replace(session.scoring, bins=ScoredBins(centre_bp=128 * number)) for number in range(1, NUM_ENGINES + 2)]
    first, *others = [session.engine(way) for way in ways[:NUM_ENGINES]]
    assert session.engine(ways[0]) is first
    assert session.engine(replace(ways[0], statistics=())) is first
    session.engine(ways[-1])
    assert session.engine(ways[0]) is first
    assert session.engine(ways[2]) is others[1]
    assert session.engine(ways[1]) is not others[0]


def test_other_settings_or_tracks_are_another_engine(session: Session) -> None:
    scoring, plain = session.scoring, replace(session.compute, engine="full")
    some = replace(scoring, tracks=TrackChoice((3, 1)))
    engines = [session.engine(scoring), session.engine(some), session.engine(scoring, plain)]
    assert len({id(engine) for engine in [*engines, session.engine(scoring, is_anywhere=True)]}) == 4
    assert session.model_for(some).tracks.indices == [3, 1]
    assert session.scorer(some).num_scores == 2


def test_what_does_not_fit_is_refused(session: Session, folder: Path) -> None:
    with pytest.raises(InputError, match="no contig chr9"):
        session.scorer(replace(session.scoring, bins=ScoredBins.parse("chr9:1-5")))
    compute, fasta = ComputeSettings(), str(folder / "genome.fa")
    with pytest.raises(FastaError, match="which genome"):
        Session(session.scoring, compute, None, None)
    with pytest.raises(FastaError, match=r"no such file: none\.fa"):
        Session(session.scoring, compute, "none.fa", None)
    with pytest.raises(InputError, match="unknown head 'fly'"):
        Session(replace(session.scoring, head="fly"), compute, fasta, None).model  # noqa: B018


def test_an_unloaded_model_is_loaded_again_and_a_closed_session_says_so(session: Session) -> None:
    before = session.model
    engine = session.engine(session.scoring)
    session.unload()
    assert session.model is not before
    assert session.engine(session.scoring) is not engine
    with session.turn():
        session.close()
    with pytest.raises(InputError, match="closed"), session.turn():
        pass
