#!/usr/bin/env bash
# What tf-sweeps.service runs: the sweep in containers, to its end. A sweep that is done keeps its dashboard, no more.
#
#   run.sh start             runs the sweep; takes the report where REPORT_TO says; then SHUTDOWN=1 turns the VM off
#   run.sh compose WORD...   `docker compose` with the settings of this VM; `stop` ends trials with a checkpoint
set -euo pipefail
cd "$(dirname "$0")/../.."
STATE=/var/lib/tf-sweeps
BEGUN_S=$(date +%s)

read_settings() {
    set -a
    # shellcheck source=/dev/null
    . /etc/tf-sweeps/settings
    set +a
    default AGENTS "$(agents)"
    ! nvidia-smi -L > /dev/null 2>&1 || default COMPOSE_FILE docker-compose.yml:compose.gpu.yml
}

default() {  # default NAME VALUE: what neither the settings nor .env say
    [ -n "${!1:-}" ] || grep -qs "^$1=" .env || export "$1=$2"
}

agents() {  # cores + 1, which hides their waiting; slots + 1 on GPUs; a GiB of memory for each
    local gpus wanted fit
    gpus=$({ nvidia-smi -L 2> /dev/null || true; } | wc -l)
    wanted=$(($(nproc) + 1))
    [ "$gpus" = 0 ] || wanted=$((gpus * ${GPU_SLOTS:-2} + 1))
    fit=$(awk '/^MemTotal:/ {print int($2 / 1048576)}' /proc/meminfo)
    echo $((fit < 1 ? 1 : wanted < fit ? wanted : fit))
}

compose() { docker compose --ansi never "$@"; }
container() { compose ps --all --quiet "$1"; }
asked() { cat /etc/tf-sweeps/settings "${SWEEP:-/dev/null}"; }

start() {
    mkdir -p "$STATE"
    if cmp --silent <(asked) "$STATE/done"; then
        echo "The sweep is done. Its report is in $STATE/reports; other settings or a changed sweep file begin another."
        compose up --detach server
        return
    fi
    compose up --detach || no_start
    follow
    take_report
    asked > "$STATE/done"
    [ "${SHUTDOWN:-}" != 1 ] || systemctl poweroff
}

no_start() {  # with 2 for a mistake in a setting or the sweep file, which no second try would mend
    local register code=1
    register=$(container register)
    if [ -n "$register" ]; then
        docker logs --since "$BEGUN_S" "$register"
        code=$(docker inspect --format '{{.State.ExitCode}}' "$register")
    fi
    exit $((code == 2 ? 2 : 1))
}

follow() {  # until the report ends, which waits for the sweep's end; 1 says that not every run gave a result
    local report code
    report=$(container report)
    docker logs --follow --since "$BEGUN_S" "$report"
    code=$(docker wait "$report")
    [ "$code" -le 1 ] || exit "$code"
}

take_report() {  # it is written when the sweep is over, and then only
    compose run --rm --no-deps -T report tar -C /data -c reports | tar -x --no-same-owner -C "$STATE"
    # tar cuts a file's time to whole seconds
    [ -n "$(find "$STATE/reports" -name results.json -newermt "@$((BEGUN_S - 1))")" ] || exit 1
    [ -z "${REPORT_TO:-}" ] || bash -c "$REPORT_TO" REPORT_TO "$STATE/reports" || {
        echo "Error: REPORT_TO ended with $?: the report stays in $STATE/reports, and the sweep does not count as done." >&2
        exit 1
    }
}

case ${1:-} in -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;; esac
read_settings
case ${1:-} in
    start) start ;;
    compose) "$@" ;;
    *) echo "Error: run.sh start, or run.sh compose WORD..." >&2; exit 2 ;;
esac
