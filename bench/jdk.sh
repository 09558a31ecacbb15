# Sourced by the scripts beside it: finds a JDK and names its home in $jdk.
# A JDK, 25 or newer: JAVA_HOME, else the one on the PATH, else what the system has installed.
find_jdk() {
  local home version
  for home in "${JAVA_HOME:-}" "$(command -v java >/dev/null && dirname "$(dirname "$(readlink -f "$(command -v java)")")")" \
    /usr/lib/jvm/*; do
    [[ -n $home && -x $home/bin/java && -x $home/bin/javac ]] || continue
    version=$("$home/bin/java" --version 2>/dev/null | sed -nE '1s/^[a-zA-Z]+ ([0-9]+).*/\1/p')
    if [[ ${version:-0} -ge 25 ]]; then
      printf '%s\n' "$home"
      return
    fi
  done
  return 1
}

if ! jdk=$(find_jdk); then
  echo "no JDK 25 or newer found; install one (for example Temurin 25) or set JAVA_HOME" >&2
  exit 2
fi
