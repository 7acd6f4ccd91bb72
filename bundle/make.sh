#!/bin/sh
# Makes dist/tf-sweeps.tar: images with the data inside, Compose files, sweeps; make.sh [trainer-cpu | trainer-gpu].
set -eu
cd "$(dirname "$0")/.."
trainer=${1:-trainer-cpu}
case $trainer in
    trainer-cpu) files=docker-compose.yml ;;
    trainer-gpu) files=docker-compose.yml:compose.gpu.yml ;;
    -h | --help) sed -n '2s/^# //p' bundle/make.sh; exit ;;
    *) echo "Error: '$trainer' is no trainer: trainer-cpu or trainer-gpu." >&2; exit 2 ;;
esac

COMPOSE_FILE=$files docker compose build --quiet
rm -rf dist/tf-sweeps
mkdir -p dist/tf-sweeps
# The program comes along to be read; the one that runs is in the image.
cp -R docker-compose.yml compose.gpu.yml .env.example LICENSE app sweeps bundle/README.md dist/tf-sweeps
find dist/tf-sweeps -name __pycache__ -prune -exec rm -rf {} +
echo "COMPOSE_FILE=$files" > dist/tf-sweeps/.env
docker save --output dist/images.tar tf-sweeps-server "tf-sweeps-$trainer"
# -1: half the time of the default, and a tenth larger. `docker load` unpacks it by itself.
gzip -1 < dist/images.tar > dist/tf-sweeps/images.tar.gz
tar -C dist -cf dist/tf-sweeps.tar tf-sweeps
rm -rf dist/tf-sweeps dist/images.tar
ls -lh dist/tf-sweeps.tar
