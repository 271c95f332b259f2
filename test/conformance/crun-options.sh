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
