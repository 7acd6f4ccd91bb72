#!/usr/bin/env bash
# Makes a plain Debian or Ubuntu VM run one sweep as a service. Cloud-init runs it at the first boot; it can be run again,
# and then takes the settings, the .env and the REF that it finds.
#
# /etc/tf-sweeps/settings has shell variables, as deploy/vm/README.md lists them; no key is among them.
set -euo pipefail

SETTINGS=/etc/tf-sweeps/settings
SWEEP_FILE=/etc/tf-sweeps/sweep.yaml
CHECKOUT=/opt/tf-sweeps

say() { echo "tf-sweeps: $*"; }
die() { echo "Error: $*" >&2; exit 2; }

# A new VM may still be busy with its own updates, which hold the lock.
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=600 "$@"; }
install_packages() { say "installs $*"; apt install -y --no-install-recommends "$@" > /dev/null; }
update_lists() {  # their lock is another, for which apt-get does not wait
    local try
    for try in 1 2 3 4 5; do apt update && return; sleep $((try * 5)); done
    die "apt-get update does not work; see its own words above."
}

candidate() { apt-cache policy "$1" | awk '$1 == "Candidate:" && $2 != "(none)" {print $2}'; }
new_enough() { [ -n "$1" ] && dpkg --compare-versions "${1#v}" ge "$2"; }  # new_enough VERSION LEAST

docker_serves() {  # images for GPUs often bring one
    new_enough "$(docker version --format '{{.Server.Version}}' 2> /dev/null)" 25 &&
        new_enough "$(docker compose version --short 2> /dev/null)" 2.24
}

# The distribution's own packages where they are new enough (Debian 13, Ubuntu 24.04): no foreign key is trusted then.
distributions_docker() {  # prints their names
    local compose name
    new_enough "$(candidate docker.io)" 25 || return 0
    for compose in docker-compose-v2 docker-compose; do  # Ubuntu's name, Debian's
        new_enough "$(candidate "$compose")" 2.24 || continue
        for name in docker.io docker-cli docker-buildx "$compose"; do
            [ -z "$(candidate "$name")" ] || echo "$name"
        done
        return
    done
}

add_repository() {  # add_repository NAME KEY_ADDRESS LINE_AFTER_THE_KEY...
    local name=$1 key=/etc/apt/keyrings/$1.asc
    install -d /etc/apt/keyrings
    curl -fsSL --retry 5 -o "$key" "$2" || die "the key of $name's packages cannot be had from $2."
    echo "deb [signed-by=$key] ${*:3}" > "/etc/apt/sources.list.d/$name.list"
    update_lists
}

vendors_docker() {  # as https://docs.docker.com/engine/install has it
    # shellcheck source=/dev/null
    . /etc/os-release
    local site=https://download.docker.com/linux/$ID
    add_repository docker "$site/gpg" "$site" "$VERSION_CODENAME" stable
    install_packages docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin
}

install_docker() {
    local packages
    mapfile -t packages < <(distributions_docker)
    if [ ${#packages[@]} -gt 0 ]; then install_packages "${packages[@]}"; else vendors_docker; fi
}

has_gpu() { grep -qs 0x10de /sys/bus/pci/devices/*/vendor; }  # NVIDIA's number among makers

install_toolkit() {  # as https://docs.nvidia.com/datacenter/cloud-native/container-toolkit has it
    nvidia-smi > /dev/null 2>&1 || die "this VM has an NVIDIA GPU but no working driver. Launch an image that brings" \
        "the driver (deploy/vm/README.md names them), or install it and run tf-sweeps-install again."
    local site=https://nvidia.github.io/libnvidia-container
    command -v nvidia-ctk > /dev/null || {
        add_repository nvidia "$site/gpgkey" "$site/stable/deb/$(dpkg --print-architecture)" /
        install_packages nvidia-container-toolkit
    }
    docker info --format '{{json .Runtimes}}' | grep -q nvidia && return
    nvidia-ctk runtime configure --runtime=docker
    systemctl restart docker
}

fetch_project() {
    local said
    [ -d "$CHECKOUT/.git" ] || git init --quiet "$CHECKOUT"
    said=$(GIT_TERMINAL_PROMPT=0 git -C "$CHECKOUT" fetch --quiet --depth 1 "$REPO" "$REF" 2>&1) ||
        die "REF=$REF cannot be fetched from REPO=$REPO: ${said//$'\n'/ }"
    git -C "$CHECKOUT" checkout --quiet --force --detach FETCH_HEAD
    say "is at $(git -C "$CHECKOUT" rev-parse HEAD)"
}

take_sweep() {
    [ ! -s "$SWEEP_FILE" ] || install -D -m 0644 "$SWEEP_FILE" "$CHECKOUT/$SWEEP"
    [ -n "${SWEEP_ID:-}" ] || [ -f "$CHECKOUT/$SWEEP" ] || die "SWEEP=$SWEEP: there is no such file in the project."
}

take_env() {  # never printed, and readable for root alone
    [ -n "${ENV_FROM:-}" ] || return 0
    (umask 077 && bash -c "$ENV_FROM" > "$CHECKOUT/.env.new") || die "ENV_FROM ended with $?: see its own words above."
    [ -s "$CHECKOUT/.env.new" ] || die "ENV_FROM printed nothing; its output is the .env."
    mv "$CHECKOUT/.env.new" "$CHECKOUT/.env"
}

start_service() {
    install -m 0644 "$CHECKOUT"/deploy/vm/*.service /etc/systemd/system
    systemctl daemon-reload
    systemctl enable --quiet tf-sweeps tf-sweeps-spot
    systemctl restart tf-sweeps tf-sweeps-spot
    say "runs: journalctl -fu tf-sweeps"
}

[ "$(id -u)" = 0 ] || die "only root can do this: sudo $0"
[ -r "$SETTINGS" ] || die "there is no $SETTINGS; make vm writes one, deploy/vm/README.md says what it holds."
# shellcheck source=/dev/null
. "$SETTINGS"
[ -n "${REPO:-}" ] && [ -n "${REF:-}" ] || die "REPO and REF are not both set in $SETTINGS."
: "${SWEEP:=sweeps/layer_size.yaml}"
update_lists
install_packages ca-certificates curl git
docker_serves || install_docker
! has_gpu || install_toolkit
before=$(git -C "$CHECKOUT" rev-parse --quiet --verify HEAD 2> /dev/null || true)
fetch_project
take_sweep
take_env
# The service builds images that are missing; those of another commit would be taken for this one's.
[ -z "$before" ] || [ "$before" = "$(git -C "$CHECKOUT" rev-parse HEAD)" ] || "$CHECKOUT/deploy/vm/run.sh" compose build
start_service
