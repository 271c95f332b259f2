#!/bin/sh
# crun's tests give options that only crun has. This turns them into runc's, for $RUNTIME_UNDER_TEST:
# --cgroup-manager is --systemd-cgroup or nothing, --config FILE is a bundle's config.json.
set -e
manager= root=
while :; do
  case $1 in
    --cgroup-manager)
      [ "$2" != systemd ] || manager=--systemd-cgroup
      shift 2
      ;;
    --root)
      root=$2
      shift 2
      ;;
    *) break ;;
  esac
done
if [ "$1" = --version ]; then
  # The tests look here for what crun was built with: this one stands for sd_notify(3), which runc has as well.
  "$RUNTIME_UNDER_TEST" --version
  echo +SYSTEMD
  exit
fi
if [ $# -gt 0 ]; then
  command=$1
  shift
  if [ "$1" = --config ]; then
    [ "$2" = config.json ] || cp "$2" config.json
    shift 2
  fi
  set -- "$command" "$@"
fi
exec "$RUNTIME_UNDER_TEST" ${manager:+"$manager"} ${root:+--root "$root"} "$@"
