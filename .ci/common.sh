# Sourced by the scripts beside it.

# Waits until a command succeeds, for at most $1 seconds, and while the process $program runs.
within() {
  local most=$1 began=$SECONDS
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS - began > most)); then return 1; fi
    if [[ ${program:-0} -ne 0 ]] && ! kill -0 "$program" 2>/dev/null; then return 1; fi
    sleep 0.05
  done
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# Ends with a message, after the ends of the logs in $temp.
fail() {
  echo "${0##*/}: $*" >&2
  local log
  for log in "$temp"/*.out "$temp"/*.err "$temp"/log "$temp"/data/redis.log; do
    if [[ -s $log ]]; then
      echo "--- $log" >&2
      tail -n 40 "$log" >&2
    fi
  done
  exit 1
}

# Starts ./task-runner dev with a directory of its own; sets $program and $url.
start_dev() {
  local port
  port=$(free_port)
  url=http://127.0.0.1:$port
  PORT=$port DATA_DIR=$temp/data ./task-runner dev >"$temp/program.out" 2>&1 </dev/null &
  program=$!
  within 400 curl -sf "$url/health/ready" || fail 'dev is not ready in time'
}

# Ends it, with its Redis, and deletes $temp.
stop_dev() {
  if [[ -n ${program:-} ]]; then
    kill "$program" 2>/dev/null || true
    wait "$program" 2>/dev/null || true
  fi
  rm -rf "$temp"
}
