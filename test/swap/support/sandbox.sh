#!/bin/bash
# A machine of its own for a container engine: own mounts, network, pids, cgroups, host name and
# System V objects. Whatever an engine makes (bridges, firewall rules, cgroups, mounts, daemons,
# files in /etc, /run and /var/lib) is made in here, and is gone when this ends.
#
#   sandbox.sh FOLDER NAME     prints `ready`, lives until its standard input ends
#
# FOLDER is where the engine's files may lie; NAME names the cgroups, which the caller removes.
set -eu
folder=$1 name=$2

# Mount point, type and options of each cgroup hierarchy. With MINIRUN_SWAP_CGROUPS=v1, a hybrid
# machine shows version 1 alone: crun 1.8 refuses hybrid ones.
hierarchies() {
  awk -v types="${MINIRUN_SWAP_CGROUPS-v1 v2}" '
    { for (i = 7; $i != "-"; i++); type = $(i + 1); options = $(i + 3) }
    type == "cgroup" || (type == "cgroup2" && types ~ /v2/) { print $5, type, options }' /proc/self/mountinfo
}

if [ "${3-}" != inside ]; then
  hierarchies > "$folder/hierarchies"
  while read -r top _ _; do
    # On a pure version 2 machine, controllers are handed to children one level at a time.
    if [ "$top" = /sys/fs/cgroup ]; then
      for c in $(cat "$top/cgroup.controllers"); do echo "+$c" > "$top/cgroup.subtree_control" 2>/dev/null || true; done
    fi
    mkdir -p "$top/$name"
    # Version 1's cpuset begins empty, and takes no process before it is filled.
    for file in cpuset.cpus cpuset.mems; do
      if [ -f "$top/$file" ]; then cat "$top/$file" > "$top/$name/$file"; fi
    done
    echo $$ > "$top/$name/cgroup.procs"
  done < "$folder/hierarchies"
  exec unshare --mount --net --pid --cgroup --ipc --uts --propagation private --fork --kill-child \
    bash "$0" "$folder" "$name" inside
fi

hostname engine-host
mount -t proc proc /proc
umount -l /sys/fs/cgroup
mount -t sysfs sysfs /sys
if [ "$(cut -d' ' -f1 "$folder/hierarchies")" = /sys/fs/cgroup ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # A cgroup with processes hands no controllers on (version 2), so nobody stays at the top.
  mkdir /sys/fs/cgroup/init
  echo 0 > /sys/fs/cgroup/init/cgroup.procs
  while read -r pid; do echo "$pid" > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true; done < /sys/fs/cgroup/cgroup.procs
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while read -r top type options; do
    mkdir "$top"
    mount -t "$type" -o "$options" "$type" "$top"
  done < "$folder/hierarchies"
fi

# Written to by engines, and by tests; on the host nothing of it changes.
mkdir "$folder/private"
mount -t tmpfs -o mode=755 tmpfs "$folder/private"
mkdir "$folder/private/etc" "$folder/private/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$folder/private/etc,workdir=$folder/private/work" overlay /etc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -m 1777 /run/lock

ip link set lo up
# Otherwise dockerd sets the policy of FORWARD to DROP.
echo 1 > /proc/sys/net/ipv4/ip_forward
echo ready
# As pid 1, bash reaps the orphans while it waits. The end of the input, even by the caller's
# death, ends this process, and with it everything in the pid namespace.
read -r _ || true
