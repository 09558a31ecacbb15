#!/bin/sh
# Starts a node or a Sentinel: sh start.sh redis|sentinel. Needs SELF and FIRST (names of this pod and
# of the first, which always resolve), REDIS_PASSWORD, SENTINEL_PASSWORD, MAXMEMORY.
#
# The configuration is written anew at each start, so that settings can change. What
# Redis itself wrote into the last one is kept, for it says who the master is: after the whole set was
# down, that must not be guessed.
set -eu
umask 077
config=${CONFIG:-/config}
state=${DATA:-/data}/$1.conf

kept() { if [ -s "$state" ]; then grep -E "$1" "$state" || true; fi; }

write_redis() {
  cat "$config/redis.conf"
  echo "maxmemory $MAXMEMORY"
  echo "requirepass \"$REDIS_PASSWORD\""
  echo "masterauth \"$REDIS_PASSWORD\""
  echo "replica-announce-ip $SELF"
  if [ -s "$state" ]; then
    kept '^replicaof '
  elif [ "$SELF" != "$FIRST" ]; then
    echo "replicaof $FIRST 6379"
  fi
}

write_sentinel() {
  cat "$config/sentinel.conf"
  echo "requirepass \"$SENTINEL_PASSWORD\""
  echo "sentinel sentinel-pass \"$SENTINEL_PASSWORD\""
  echo "sentinel announce-ip $SELF"
  kept '^sentinel myid '
  master=$(kept '^sentinel monitor ')
  echo "${master:-sentinel monitor mymaster $FIRST 6379 2}"
  echo "sentinel auth-pass mymaster \"$REDIS_PASSWORD\""
  echo 'sentinel down-after-milliseconds mymaster 2000'
  echo 'sentinel failover-timeout mymaster 10000'
  kept '^sentinel (config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) '
}

"write_$1" >"$state.new"
mv "$state.new" "$state"
case $1 in
  redis) exec redis-server "$state" ;;
  sentinel) exec redis-server "$state" --sentinel ;;
esac
