"""Make failover_VERSION_ARCHITECTURE.deb for Debian 12: `make deb`, or `python3.11 deploy/deb/build.py --out FOLDER`.

Everything that the daemon needs beside Debian's own Python 3.11 is inside, in a virtual environment of its own below
/usr/lib/failover: the wheels are those that requirements.txt names by hash, and nothing is downloaded at installing.
What the service consists of is asked of `failover.service.install`; only the places differ, for the
package manager owns /usr and an administrator /etc.

Needs a Python 3.11 with venv, dpkg-deb and, for the wheels, whatever package index pip is set up with; no root.  The
same sources at the same SOURCE_DATE_EPOCH make the same file.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PYTHON = "python3.11"
"""Debian 12's.  The compiled wheels are for this one, and the package depends on it."""

HOME = Path("usr/lib/failover")
PACKAGES = HOME / f"lib/{PYTHON}/site-packages"
OURS = ("failover", "probes", "channels")
COMMAND = f"#!/{HOME}/bin/python\nimport sys\nfrom failover.cli import main\nsys.exit(main())\n"
ENVIRONMENT = "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n"

PLACES = {
    "etc/systemd/system": "usr/lib/systemd/system",
    "usr/local/lib/systemd/catalog": "usr/lib/systemd/catalog",
}
"""`install-service` writes where an administrator does, a package where the distribution does."""

WRITTEN_BY = "Written by `failover install-service`, which overwrites it."
ONLY_FOR_BUILDING = ("bin", "setuptools*", "_distutils_hack", "distutils-precedence.pth", "pkg_resources")
SCHEMA = "config.schema.json"
"""Not for editing, so not in /etc; the configuration names it as a file beside it, so there is a link."""

CONFFILES = ("etc/failover/config.yaml", "etc/failover/alert.env")
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/failover",
    "zsh": "usr/share/zsh/vendor-completions/_failover",
    "fish": "usr/share/fish/vendor_completions.d/failover.fish",
}
MANUALS = {"failover": "usr/share/man/man1/failover.1.gz", "config": "usr/share/man/man5/failover-config.5.gz"}


def main() -> int:
    """Build; print where the package is."""
    wanted = argparse.ArgumentParser(description="Make the Debian package of failover.")
    wanted.add_argument("--out", type=Path, default=PROJECT / "dist", metavar="FOLDER", help="default: dist")
    folder: Path = wanted.parse_args().out
    if sys.version_info[:2] != (3, 11):
        print(f"Python 3.11 is needed, which is Debian 12's; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    if shutil.which("dpkg-deb") is None:
        print("dpkg-deb is needed (apt install dpkg).", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="failover-deb-") as work:
        package = build(Path(work), folder)
    print(package)
    return 0


def build(work: Path, folder: Path) -> Path:
    """The package, made from scratch in `work`."""
    tree, tools = work / "tree", work / "tools"
    (tree / HOME / "bin").mkdir(parents=True)
    run(sys.executable, "-m", "venv", tools)
    python = tools / "bin/python"
    _dependencies(python, tree / PACKAGES)
    version = _ourselves(python, work, tree / PACKAGES)
    _environment(tree)
    _service(python, tree)
    _documents(python, tree)
    _forget_the_builder(tree / PACKAGES)
    _compile(python, tree)
    return _packed(tree, version, folder)


def run(*command: object, **more: object) -> str:
    """What it prints; its own complaint, and no trace of ours, where it fails."""
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=False, **more)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"{done.stdout}{' '.join(map(str, command))} failed ({done.returncode})")
    return str(done.stdout)


def _dependencies(python: Path, packages: Path) -> None:
    """By hash, and for the C library of Debian 12 whatever this machine's is."""
    machine = os.uname().machine
    platforms = [f"manylinux_2_28_{machine}", f"manylinux_2_17_{machine}", f"manylinux2014_{machine}"]
    run(
        python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps",
        "--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311",
        *(f"--platform={platform}" for platform in platforms),
        "--target", packages, "--requirement", PROJECT / "requirements.txt",
    )  # fmt: skip
    shutil.rmtree(packages / "bin")  # commands of the libraries, which would run the builder's Python


def _ourselves(python: Path, work: Path, packages: Path) -> str:
    """Our own wheel, made from a copy of the sources so that nothing is left behind in them; its version."""
    sources, wheels = work / "sources", work / "wheels"
    for name in OURS:
        shutil.copytree(PROJECT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, sources / name)
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(
        *pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", wheels, sources,
        env={**os.environ, "PYTHONPATH": str(packages)},
    )  # fmt: skip
    (wheel,) = wheels.glob("failover-*.whl")
    version = wheel.name.split("-")[1]
    run(*pip, "install", "--no-compile", "--no-deps", "--no-index", "--find-links", wheels, "--target", packages,
        f"failover=={version}")  # fmt: skip
    return version


def _environment(tree: Path) -> None:
    """A virtual environment is a file that names its Python, and a link to that."""
    home = tree / HOME
    (home / "pyvenv.cfg").write_text(ENVIRONMENT)
    (home / "bin/python").symlink_to(f"/usr/bin/{PYTHON}")
    _write(home / "bin/failover", COMMAND, 0o755)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/failover").symlink_to("../lib/failover/bin/failover")


def _service(python: Path, tree: Path) -> None:
    """The files of `install-service`, as it would install them for the command of this package."""
    prefix, root = f"/{HOME}/bin", tree.parent / "installed"
    root.mkdir()
    script = (
        "import pathlib, sys\nfrom failover.service.install import install\n"
        "sys.exit(install(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), out=lambda _line: None))"
    )
    _failover(python, tree, "-c", script, prefix, root)
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        place = next((name.replace(one, PLACES[one]) for one in PLACES if name.startswith(f"{one}/")), name)
        if path.is_dir() and name == "etc/failover/secrets":
            (tree / place).mkdir(parents=True)
            (tree / place).chmod(0o700)
        elif path.is_file():
            text = path.read_text(encoding="utf-8").replace(WRITTEN_BY, "Part of the package failover.")
            _write(tree / place, text, path.stat().st_mode & 0o777)
    schema = tree / "etc/failover" / SCHEMA
    (tree / "usr/share/failover").mkdir(parents=True)
    schema.rename(tree / "usr/share/failover" / SCHEMA)
    schema.symlink_to(f"../../usr/share/failover/{SCHEMA}")


def _documents(python: Path, tree: Path) -> None:
    doc = tree / "usr/share/doc/failover"
    _write(doc / "copyright", (HERE / "copyright").read_text(encoding="utf-8"))
    _write_zipped(doc / "changelog.gz", (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8"))
    for name, place in MANUALS.items():
        _write_zipped(tree / place, _failover(python, tree, "-m", "failover", "manual", name))
    for shell, place in COMPLETIONS.items():
        _write(tree / place, _failover(python, tree, "-m", "failover", "completion", shell))


def _failover(python: Path, tree: Path, *command: object) -> str:
    """What the packaged failover itself prints."""
    return run(python, *command, env={"PATH": os.defpath, "PYTHONPATH": str(tree / PACKAGES), "LC_ALL": "C.UTF-8"},
               cwd=tree.parent)  # fmt: skip


def _forget_the_builder(packages: Path) -> None:
    """What was needed to build only, and whatever tells where that was done."""
    for pattern in ONLY_FOR_BUILDING:
        for path in packages.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("direct_url.json", "REQUESTED"):
        for path in packages.glob(f"*.dist-info/{name}"):
            path.unlink()
    for record in packages.glob("*.dist-info/RECORD"):
        lines = [line for line in record.read_text(encoding="utf-8").splitlines() if _is_there(line, packages)]
        record.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _is_there(line: str, packages: Path) -> bool:
    name = line.rpartition(",")[0].rpartition(",")[0].strip('"')
    return (packages / name).is_file()


def _compile(python: Path, tree: Path) -> None:
    """Once and for all: nobody may write there later, and no time stamp is in it."""
    for cache in [*tree.rglob("__pycache__")]:
        shutil.rmtree(cache)
    run(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
        "-s", tree, "-p", "/", tree / PACKAGES)  # fmt: skip


def _packed(tree: Path, version: str, folder: Path) -> Path:
    architecture = run("dpkg", "--print-architecture").strip()
    package = folder / f"failover_{version}_{architecture}.deb"
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or _last_change()
    size = sum(path.lstat().st_size for path in tree.rglob("*") if not path.is_dir()) // 1024
    control = (HERE / "control").read_text(encoding="utf-8")
    for gap, value in (("VERSION", version), ("ARCHITECTURE", architecture), ("SIZE", str(size))):
        control = control.replace(f"@{gap}@", value)
    _write(tree / "DEBIAN/control", control)
    _write(tree / "DEBIAN/conffiles", "".join(f"/{name}\n" for name in CONFFILES))
    for script in ("postinst", "prerm", "postrm"):
        _write(tree / "DEBIAN" / script, (HERE / script).read_text(encoding="utf-8"), 0o755)
    for path in [tree, *tree.rglob("*")]:
        if path.is_dir() and path.name != "secrets":
            path.chmod(0o755)
        os.utime(path, (int(epoch), int(epoch)), follow_symlinks=False)
    folder.mkdir(parents=True, exist_ok=True)
    run("dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zxz", "-z6", "--build", tree, package,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch})  # fmt: skip
    return package


def _last_change() -> str:
    """When the sources were last committed; outside a repository the time of the changelog."""
    done = subprocess.run(
        ["git", "-C", str(PROJECT), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or str(int((PROJECT / "CHANGELOG.md").stat().st_mtime))


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _write_zipped(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    path.chmod(0o644)


if __name__ == "__main__":
    sys.exit(main())
