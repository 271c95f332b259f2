#!/bin/sh
# A hook that gives the container an address: docs/hooks.md.
pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/')
nsenter --target "$pid" --net ip address add 192.0.2.7/32 dev lo
