# A Debian as a cloud has it: systemd, cloud-init, and nothing else that the sweep wants.
ARG BASE_IMAGE=python:3.13-slim-trixie
FROM ${BASE_IMAGE}
# Nothing here outlives the tests: dpkg need not wait for the disk.
RUN echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/here && apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends systemd systemd-sysv dbus cloud-init && \
    mkdir -p /var/log/journal && \
    printf '%s\n' 'datasource_list: [NoCloud]' 'network: {config: disabled}' 'apt: {preserve_sources_list: true}' \
        > /etc/cloud/cloud.cfg.d/90-here.cfg
# No registry is asked: as soon as the engine that install.sh brings answers, it has the images.
RUN mkdir -p /etc/systemd/system/docker.service.d && \
    printf '%s\n' '[Service]' 'ExecStartPost=/images/load.sh' > /etc/systemd/system/docker.service.d/images.conf
STOPSIGNAL SIGRTMIN+3
CMD ["/lib/systemd/systemd", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]
