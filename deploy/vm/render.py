"""Writes the user data that makes a new VM run one sweep, and prints the command that launches it on each cloud.

`make vm SWEEP=...` runs it, on any Python from 3.10. Settings are the variables of make or of the shell, those that
deploy/vm/README.md lists. They, the sweep file and install.sh are all that goes into the user data; a key is refused.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTPUT = Path("dist/vm/cloud-init.yaml")
TEMPLATE = "deploy/vm/cloud-init.yaml"
# Of the VM alone, before those that docker-compose.yml knows.
OWN_SETTINGS = (
    "REPO",
    "REF",
    "ENV_FROM",
    "REPORT_TO",
    "SHUTDOWN",
    "METADATA_URL",
    "COMPOSE_FILE",
    "TLS_NAME",
    "TLS_ISSUER",
)
# They are said in .env, which the VM fetches itself.
NEVER = ("ENV_FILE", "WANDB_API_KEY_FILE")

# What the clouds take as user data, and how a plain VM is launched there with none but their own rules of who gets in.
LIMITS_BYTES = {"AWS": 16 * 1024, "GCP": 256 * 1024, "Azure": 64 * 1024}
LAUNCH = {
    "AWS": "aws ec2 run-instances --image-id resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current"
    "/amd64/hvm/ebs-gp3/ami-id --instance-type c7i.2xlarge --key-name KEY --metadata-options HttpTokens=required"
    " --block-device-mappings 'DeviceName=/dev/sda1,Ebs={{VolumeSize=40}}' --user-data file://{file}",
    "GCP": "gcloud compute instances create tf-sweeps --image-family=ubuntu-2404-lts-amd64"
    " --image-project=ubuntu-os-cloud --machine-type=c3-standard-8 --boot-disk-size=40GB"
    " --metadata-from-file=user-data={file}",
    "Azure": "az vm create --resource-group GROUP --name tf-sweeps --image Ubuntu2404 --size Standard_F8s_v2"
    " --os-disk-size-gb 40 --admin-username sweeper --generate-ssh-keys --nsg-rule NONE --custom-data {file}",
}

# How keys look: W&B's (the embedded server's are the same), those of the clouds and of Git hosts, any that is named so.
KEYS = (
    r"\b[0-9a-f]{40}\b",
    r"\bwandb_v\d_\w{20,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bAIza[\w-]{30,}",
    r"\b(?:ghp|gho|ghs|github_pat|glpat)[_-][\w-]{20,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    r"://[^/\s:@'\"]*:[^/\s@'\"]+@",
    r"(?i)\b\w*(?:api_?key|password|token)\w*['\"]?\s*[=:]\s*['\"]?[\w+/-]{20,}",
)


class Mistake(Exception):
    """What the user is told in one line."""


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """What the VM is told, REPO and REF found where they are not given.

    Raises:
        Mistake: if the sweep file or the REF is not there.
    """
    compose = (ROOT / "docker-compose.yml").read_text()
    names = dict.fromkeys((*OWN_SETTINGS, *re.findall(r"\$\{([A-Z_]+):-", compose)))
    for line in unknown(environ.get("MAKEFLAGS", ""), [*names, "PYTHON", "DATA_DIR"]):
        print(line, file=sys.stderr)
    told = {name: environ[name] for name in names if environ.get(name) and name not in NEVER}
    if not told.get("SWEEP_ID"):
        told.setdefault("SWEEP", "sweeps/layer_size.yaml")
    if "REPO" not in told:
        told["REPO"] = _git("remote", "get-url", "origin", why="REPO is not set, and this checkout has no origin")
    if "REF" not in told:
        told["REF"] = _git("rev-parse", "HEAD", why="REF is not set, and this is no Git checkout")
    report_to = told.get("REPORT_TO", "$1")
    if "$1" not in report_to and "$@" not in report_to:
        raise Mistake(
            f'REPORT_TO={report_to} has no "$1", the report\'s folder. Set it before `make`, which would expand it.'
        )
    return told


def unknown(flags: str, names: Sequence[str]) -> Iterator[str]:
    """A line for each variable of make's command line that is no setting of a VM, with the nearest that is."""
    for name in sorted(re.findall(r"(?<!\S)(\w+)=(?:\\.|\S)*", flags.partition("-- ")[2])):
        near = difflib.get_close_matches(name.upper(), names, n=1)
        if name not in names:
            nearest = f" Did you mean {near[0]}?" if near else " deploy/vm/README.md lists them."
            yield f"{name} is no setting of a VM and has no effect.{nearest}"


def sweep_file(told: Mapping[str, str]) -> str:
    """The sweep's own contents: it need not be committed."""
    if "SWEEP" not in told:
        return ""
    path = (ROOT / told["SWEEP"]).resolve()
    there = sorted(str(found.relative_to(ROOT)) for found in (ROOT / "sweeps").glob("*.y*ml"))
    if not path.is_file() or path.parent != ROOT / "sweeps":
        raise Mistake(f"SWEEP={told['SWEEP']}: there is no such file in sweeps/. There are {', '.join(there)}.")
    return path.read_text()


def check_ref(told: Mapping[str, str]) -> None:
    """Fetches it as the VM will, if only the commit: one that was never pushed is the usual mistake."""
    where = f"REF={told['REF']} cannot be fetched from REPO={told['REPO']} (is it pushed?)"
    with tempfile.TemporaryDirectory() as empty:
        _git("init", "--quiet", empty)
        _git("-C", empty, "fetch", "--quiet", "--depth=1", "--filter=tree:0", told["REPO"], told["REF"], why=where)


def render(told: Mapping[str, str], sweep: str) -> str:
    """The user data: the template, each of its marks replaced by a text with the mark's indentation."""
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in told.items())
    contents = {"settings": lines, "sweep": sweep, "install": (ROOT / "deploy/vm/install.sh").read_text()}

    def filled(mark: re.Match[str]) -> str:
        return "\n".join(f"{mark[1]}{line}" if line else "" for line in contents[mark[2]].splitlines())

    return re.sub(r"^( +)@(\w+)@$", filled, (ROOT / TEMPLATE).read_text(), flags=re.MULTILINE)


def check_keys(text: str, told: Mapping[str, str], known: Iterator[str]) -> None:
    """Looks for whatever is or looks like a key.

    Args:
        known: this checkout's own keys.

    Raises:
        Mistake: with the line, and without the key.
    """
    literal = [re.escape(key) for key in known if key]
    for number, line in enumerate(text.splitlines(), 1):
        shown = line.replace(told["REF"], "REF")  # a commit looks like one
        if any(re.search(pattern, shown) for pattern in (*KEYS, *literal)):
            name = re.match(r"\s*([A-Z_]+)=", line)
            where = f"{name[1]}" if name else f"line {number}"
            raise Mistake(
                f"the user data would hold a key, in {where}: whoever may look at the VM could read it. "
                "Keep it in the cloud's secret store and let ENV_FROM fetch it."
            )


def own_keys(environ: Mapping[str, str]) -> Iterator[str]:
    """The keys that this checkout and its shell know."""
    yield environ.get("WANDB_API_KEY", "")
    for path in (ROOT / ".env", ROOT / (environ.get("DATA_DIR") or "data") / "server/api-key"):
        if path.is_file():
            text = path.read_text().strip()
            yield from re.findall(r"^\s*(?:export )?\w*KEY=['\"]?([^\s'\"]+)", text, re.MULTILINE)
            yield text if path.name == "api-key" else ""


def launches(size_bytes: int) -> Iterator[str]:
    """A line for each cloud: the command, or that the user data is too large there."""
    for cloud, limit_bytes in LIMITS_BYTES.items():
        command = LAUNCH[cloud].format(file=OUTPUT)
        if size_bytes > limit_bytes:
            command = (
                f"# takes {limit_bytes:,} bytes of user data; these are {size_bytes:,}. A shorter sweep file helps."
            )
        yield f"\n# {cloud}\n{command}"


def main() -> None:
    if words := sys.argv[1:]:
        print(__doc__)
        sys.exit(0 if words[0] in ("-h", "--help") else 2)
    try:
        told = settings(os.environ)
        text = render(told, sweep_file(told))
        check_keys(text, told, own_keys(os.environ))
        check_ref(told)
        size_bytes = len(text.encode())
        if size_bytes > max(LIMITS_BYTES.values()):
            raise Mistake(f"the user data has {size_bytes:,} bytes, and no cloud takes more than 262,144.")
    except Mistake as mistake:
        sys.exit(f"Error: {mistake}")
    (ROOT / OUTPUT).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / OUTPUT).write_text(text)
    print(f"{OUTPUT}: {size_bytes:,} bytes, {told.get('SWEEP') or told['SWEEP_ID']} at {told['REF']} of {told['REPO']}")
    if _git("diff", "--stat", told["REF"], "--", "app", "search", "server", "terms", "charts", missing=""):
        print("The code here differs from REF's, which is what will run.")
    print(*launches(size_bytes), sep="\n")


def _git(*words: str, why: str = "", missing: str | None = None) -> str:
    """What git answers; `missing`, if it refuses.

    Raises:
        Mistake: if it refuses and nothing is given in its place; `why`, and git's own words.
    """
    done = subprocess.run(
        ["git", "-C", str(ROOT), *words], capture_output=True, text=True, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"}
    )
    if done.returncode == 0:
        return done.stdout.strip()
    if missing is not None:
        return missing
    raise Mistake(f"{why}: {' '.join(done.stderr.split())}")


if __name__ == "__main__":
    main()
