#!/bin/sh
# Says which lock the trainer takes here: trainer-gpu where NVIDIA's driver is, else trainer-cpu.
if [ "$(uname -s)" = Linux ] && { [ -e /proc/driver/nvidia/version ] || command -v nvidia-smi > /dev/null 2>&1; }; then
    echo trainer-gpu
else
    echo trainer-cpu
fi
