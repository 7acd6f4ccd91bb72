#!/usr/bin/env bash
# A Slurm cluster on one machine: a login node, which is its controller too, and nodes n1 to n3 with no way out. All are
# namespaces, so no address, port, mount or process of them meets any other's, and nothing is left when the first ends.
#
#   cluster.sh login DIR   as the first process of new namespaces: serves until its stdin ends
#   cluster.sh node DIR N  in those: boots node N, which lives as long as this process
#
# DIR is on the disk that all share; slurm/ in it holds slurm.conf and what Slurm writes.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DIR=$2
SLURM=$DIR/slurm
NET=10.184.0
export SLURM_CONF=$SLURM/slurm.conf

login() {
    hostname login
    mount -t tmpfs tmpfs /run
    ip link set lo up
    ip link add nodes type bridge
    ip address add "$NET.254/24" dev nodes
    ip link set nodes up
    local n
    for n in 1 2 3; do
        ip netns add "n$n"
        ip link add "n$n" type veth peer name eth0 netns "n$n"
        ip link set "n$n" master nodes up
        ip -n "n$n" address add "$NET.$n/24" dev eth0
        ip -n "n$n" link set eth0 up
        ip -n "n$n" link set lo up
    done
    mkdir -p /run/cgroup/freezer
    mount -t cgroup -o freezer freezer /run/cgroup/freezer || true # proctrack/linuxproc does without
    munged --key-file="$SLURM/munge.key" --socket=/run/munge --pid-file=/run/munge.pid --seed-file=/run/munge.seed \
        --log-file="$SLURM/munge.log" --origin=127.0.0.1
    slurmctld -c
    echo ready
    cat > /dev/null
}

node() {  # exec all the way: who kills the first process switches the node off
    exec nsenter --net="/run/netns/n$1" \
        unshare --uts --mount --pid --fork --kill-child --mount-proc "$0" slurmd "$DIR" "$1"
}

# Its /tmp is its own, and the data set is on no disk but the shared one.
slurmd_of() {
    hostname "n$1"
    mkdir -p /run/disk
    mount --rbind / /run/disk
    mount -t tmpfs tmpfs /tmp
    local shared
    for shared in "$ROOT" "$DIR"; do
        mkdir -p "$shared"
        mount --rbind "/run/disk$shared" "$shared"
    done
    exec slurmd -D -N "n$1"
}

case $1 in
    login) login ;;
    node) node "$3" ;;
    slurmd) slurmd_of "$3" ;;
esac
