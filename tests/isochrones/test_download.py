"""Files as MIST distributes them: reading, and downloading from a local server."""

import io
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.errors import ArchiveError, ParameterError, StorageError
from stellar_core.isochrones import infer_posterior, load_tracks
from stellar_core.isochrones.download import archive_name, fetch_archive
from stellar_core.isochrones.eep_files import Z_OVER_X_SUN, parse_track, read_eep_files

#: Some of the 77 columns, in the order and width MIST writes them.
NAMES = (
    "star_age",
    "star_mass",
    "star_mdot",
    "log_L",
    "log_Teff",
    "log_R",
    "log_g",
    "log_surf_z",
    "surface_h1",
    "phase",
)


def written(feh, mass, last=808):
    """A ``.track.eep`` file as MIST writes it, with the numbers of our own track; rows before EEP 202 are filled."""
    tracks = load_tracks()
    eep = np.arange(1, last + 1)
    points = tracks.at(mass, feh, np.maximum(eep, 202))
    age = 10.0**points.log_age * np.where(eep < 202, 1e-3 * eep, 1.0)
    hydrogen = np.full(eep.size, 0.7)
    log_z = points.feh_surface + np.log10(hydrogen) + np.log10(Z_OVER_X_SUN)
    columns = (
        age,
        points.current_mass,
        0 * age,
        points.log_luminosity,
        points.log_teff,
        points.log_radius,
        points.logg,
        log_z,
        hydrogen,
        0 * age,
    )
    rule = "# " + "-" * 86
    head = [
        "# MIST version number  = 1.2",
        "# MESA revision number = 7503",
        rule,
        "#  Yinit        Zinit   [Fe/H]   [a/Fe]  v/vcrit",
        f"#  0.2703  1.42857E-02    {feh:5.2f}     0.00     0.40",
        rule,
        "#  initial_mass   N_pts   N_EEP   N_col   phase           type",
        f"#  {mass:.7E}     {last}       8      {len(NAMES)}     YES        low-mass",
        "#  EEPS:       1     202     353     454     605     631     707     808",
        rule,
        "#" + "".join(f"{k + 1:>32}" for k in range(len(NAMES))),
        "#" + "".join(f"{name:>32}" for name in NAMES),
    ]
    rows = ["".join(f"{value:32.16E}" for value in row) for row in zip(*columns)]
    return "\n".join(head + rows) + "\n"


def archive(folder, feh, masses):
    path = folder / archive_name(feh)
    with tarfile.open(path, "w:xz") as tar:
        for mass in masses:
            data = written(feh, mass).encode()
            info = tarfile.TarInfo(f"{path.stem}/{round(mass * 1e4):07d}M.track.eep")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_one_track():
    track = parse_track(written(0.0, 1.0))
    assert (track.feh, track.mass) == (0.0, 1.0)
    ours = load_tracks().track(1.0, 0.0)
    rows = ours.eep.astype(int) - 1
    for name in ("log_age", "log_teff", "logg", "log_radius", "feh_surface"):
        assert track.columns[name][rows] == pytest.approx(getattr(ours, name), abs=1e-9)


def test_folder_and_archives_give_the_same_interface(tmp_path):
    masses = [0.9, 1.0, 1.1]
    paths = [archive(tmp_path, feh, masses) for feh in (-0.25, 0.0)]
    folder = tmp_path / "files"
    folder.mkdir()
    for feh in (-0.25, 0.0):
        for mass in masses:
            (folder / f"{feh}_{mass}.track.eep").write_text(written(feh, mass))
    packed, loose = read_eep_files(paths), read_eep_files(folder)
    assert packed.log_age.shape == (2, 3, 607)
    np.testing.assert_array_equal(packed.log_age, loose.log_age)
    assert packed.at(1.0, 0.0, 400).log_teff == pytest.approx(float(load_tracks().at(1.0, 0.0, 400).log_teff), abs=1e-8)
    assert packed.source.startswith("MIST's own files")
    found = infer_posterior(5772.0, 4.438, -0.05, (50.0, 0.05, 0.05), tracks=packed)
    assert found.inside_models and found.stages()["Medium"] > 0.9


def test_a_track_that_ends_early(tmp_path):
    for feh in (-0.25, 0.0):
        (tmp_path / f"a{feh}.track.eep").write_text(written(feh, 0.5, last=454))
        (tmp_path / f"b{feh}.track.eep").write_text(written(feh, 1.0))
    tracks = read_eep_files(tmp_path)
    assert tracks.real[0, 0].sum() == 454 - 202 + 1 and tracks.real[0, 1].all()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("log_surf_z", "other_name"),
        lambda text: "\n".join(line for line in text.splitlines() if "initial_mass" not in line),
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("E+0", "E+x", 40),
    ],
)
def test_damaged_files_are_refused(spoil):
    with pytest.raises(StorageError):
        parse_track(spoil(written(0.0, 1.0)), "0010000M.track.eep")


def test_nothing_to_read(tmp_path):
    with pytest.raises(StorageError, match="No .track.eep"):
        read_eep_files(tmp_path)
    with pytest.raises(StorageError):
        read_eep_files(tmp_path / "none.txz")
    (tmp_path / "bad.txz").write_bytes(b"not an archive")
    with pytest.raises(StorageError, match="not a whole archive"):
        read_eep_files(tmp_path / "bad.txz")
    (tmp_path / "one.track.eep").write_text(written(0.0, 1.0))
    with pytest.raises(StorageError, match="at least two"):
        read_eep_files(tmp_path)


# Download


class Server(SimpleHTTPRequestHandler):
    """Serves a folder, honours Range, and can break off after some bytes."""

    breaks_after = None
    ranges: list = []

    def do_GET(self):
        path = self.translate_path(self.path)
        try:
            data = open(path, "rb").read()
        except OSError:
            self.send_error(404)
            return
        start = 0
        if "Range" in self.headers:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            type(self).ranges.append(start)
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        stop = len(data) if self.breaks_after is None else min(len(data), start + self.breaks_after)
        self.wfile.write(data[start:stop])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    handler = type("Handler", (Server,), {"ranges": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(store))) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/", store, handler
        http.shutdown()


def payload(store, size=1_000_000):
    data = np.random.default_rng(0).bytes(size)
    (store / archive_name(0.0)).write_bytes(data)
    return data


def test_archive_names():
    assert archive_name(-0.25) == "MIST_v1.2_feh_m0.25_afe_p0.0_vvcrit0.4_EEPS.txz"
    assert archive_name(0.5, 0.0) == "MIST_v1.2_feh_p0.50_afe_p0.0_vvcrit0.0_EEPS.txz"
    for feh, vvcrit in ((0.1, 0.4), (0.0, 0.2)):
        with pytest.raises(ParameterError):
            archive_name(feh, vvcrit)


def test_an_archive_is_downloaded_once_with_progress(server, tmp_path):
    url, store, _ = server
    data = payload(store)
    seen = []
    path = fetch_archive(
        0.0, tmp_path / "cache", servers=[url], progress=lambda step, done, total: seen.append((done, total))
    )
    assert path.read_bytes() == data
    assert seen[-1] == (len(data), len(data)) and len(seen) > 1
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    (store / path.name).unlink()
    assert fetch_archive(0.0, tmp_path / "cache", servers=[url]) == path, "a complete archive is not downloaded again"


def test_an_interrupted_download_is_continued(server, tmp_path):
    url, store, handler = server
    data = payload(store)
    handler.breaks_after = 400_000
    with pytest.raises(ArchiveError, match="the part already fetched is kept"):
        fetch_archive(0.0, tmp_path / "cache", servers=[url])
    part = tmp_path / "cache" / f"{archive_name(0.0)}.part"
    kept = part.stat().st_size
    assert kept > 0
    handler.breaks_after = None
    assert fetch_archive(0.0, tmp_path / "cache", servers=[url]).read_bytes() == data
    assert handler.ranges == [kept] and not part.exists()


def test_hash_is_checked(server, tmp_path):
    url, store, _ = server
    payload(store)
    with pytest.raises(ArchiveError, match="not the file expected"):
        fetch_archive(0.0, tmp_path / "cache", servers=[url], sha256="0" * 64)
    path = fetch_archive(0.0, tmp_path / "kept", servers=[url])
    path.write_bytes(b"changed on disk")
    (store / path.name).write_bytes(b"and on the server")
    with pytest.raises(ArchiveError, match="not the file expected"):
        fetch_archive(0.0, tmp_path / "kept", servers=[url])


def test_second_server_is_tried(server, tmp_path):
    url, store, _ = server
    data = payload(store)
    path = fetch_archive(0.0, tmp_path / "cache", servers=[url + "gone/", url])
    assert path.read_bytes() == data


def test_error_if_no_server_answers(tmp_path):
    with pytest.raises(ArchiveError, match="No server sent"):
        fetch_archive(0.0, tmp_path, servers=["http://127.0.0.1:9/"], timeout=2)


def test_the_command_downloads_and_prints_the_path(server, tmp_path):
    url, store, _ = server
    data = payload(store)
    done = CliRunner().invoke(app, ["fetch", "mist", "--out", str(tmp_path / "cache"), "--feh", "0", "--server", url])
    assert done.exit_code == 0, done.output
    path = tmp_path / "cache" / archive_name(0.0)
    assert str(path) in done.stdout and path.read_bytes() == data
    bad = CliRunner().invoke(app, ["fetch", "mist", "--out", str(tmp_path), "--feh", "0.1"])
    assert isinstance(bad.exception, ParameterError)
