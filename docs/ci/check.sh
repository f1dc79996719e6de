#!/usr/bin/env bash
# The gate as a plain script: GitHub's action, GitLab's job and any other CI run this.
# Every input comes through the environment, so that nothing a pull request writes is ever parsed as shell.
#   BREAKEVEN_PROFILES   profile files, separated by spaces or lines; * matches files (required)
#   BREAKEVEN_POLICY     policy file, read from the base revision (default breakeven.policy.yaml)
#   BREAKEVEN_BASE_REF   revision to compare with (default origin/main)
#   BREAKEVEN_CATALOG    catalogue overlay (optional)
#   BREAKEVEN_SUMMARY    Markdown report (optional)      BREAKEVEN_SARIF  SARIF report (optional)
#   BREAKEVEN_JUNIT      JUnit report (optional)         BREAKEVEN_CODEQUALITY  code quality report (optional)
#   BREAKEVEN            the command (default: breakeven on the path, else installed from BREAKEVEN_SOURCE)
set -euo pipefail

scratch=$(mktemp -d)
judged=
# However it ends: what cannot be judged is no verdict, so its exit code is none of a verdict's (0 or 1).
finish() {
  local code=$?
  set +e # what fails in here must not cut it short: the last line decides the exit code
  rm -rf "$scratch"
  if [ -z "$judged" ] && [ "$code" -lt 2 ]; then code=2; fi
  if [ "$code" -gt 1 ]; then
    [ -z "${GITHUB_ACTIONS:-}" ] || echo "::error title=breakeven::the gate could not judge this change (exit code $code); see the log"
    # A comment of an older run would go on saying what no longer holds.
    [ -z "${BREAKEVEN_SUMMARY:-}" ] || clear_old "$BREAKEVEN_SUMMARY"
    [ -z "${BREAKEVEN_SUMMARY:-}" ] || printf '%s\n' '<!-- breakeven-gate -->' '### breakeven: not judged' '' \
      "The gate could not judge this change (exit code $code), so it does not pass. The job's log says what to do." >"$BREAKEVEN_SUMMARY"
  fi
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    local failed=true
    [ "$code" -ne 0 ] || failed=false
    echo "failed=$failed" >>"$GITHUB_OUTPUT" || code=2 # a job that reads it would take silence for a pass
  fi
  exit "$code"
}
# A link of the change is replaced, not followed. A device or a pipe (/dev/stdout) holds no older report, and stays.
clear_old() {
  case $1 in /dev/*) return 0 ;; esac
  if [ -L "$1" ] || [ -f "$1" ]; then rm -f -- "$1"; fi
}
trap finish EXIT

: "${BREAKEVEN_PROFILES:?name the profiles to check}"
# A variable that is set to nothing is a mistake of the job: the default is only for one that is not set.
policy=${BREAKEVEN_POLICY-breakeven.policy.yaml}
base=${BREAKEVEN_BASE_REF-origin/main}
today=$(date -u +%F)

# -I: a module that the change adds to the repository is not taken for Python's own.
if [ -n "${BREAKEVEN:-}" ]; then
  read -r -a command <<<"$BREAKEVEN"
elif command -v breakeven >/dev/null 2>&1; then
  command=(breakeven)
else
  venv=$scratch/venv
  "${BREAKEVEN_PYTHON:-python3}" -I -m venv "$venv"
  "$venv/bin/python" -I -m pip --quiet --disable-pip-version-check install "${BREAKEVEN_SOURCE:?breakeven is not installed: name a checkout or a requirement to install it from}"
  command=("$venv/bin/breakeven")
fi

# Names on every line count: a list that is cut at its first line would leave the rest unchecked.
# Patterns are expanded as file names only; one that matches nothing stays as it is, and is then an error.
set -f
# shellcheck disable=SC2206
words=($(printf '%s' "$BREAKEVEN_PROFILES" | tr '\n\t\r' '   '))
set +f
profiles=()
for word in "${words[@]}"; do
  matched=$(compgen -G "$word" | LC_ALL=C sort || true)
  while IFS= read -r name; do profiles+=("$name"); done <<<"${matched:-$word}"
done
arguments=(check --policy "$policy" "--base-ref=$base" --on "$today")
[ -z "${BREAKEVEN_CATALOG:-}" ] || arguments+=(--catalog "$BREAKEVEN_CATALOG")

refuse() {
  echo "error: $1: $2, so no report may be written there; name another file" >&2
  if [ "$1" = "${BREAKEVEN_SUMMARY:-}" ]; then BREAKEVEN_SUMMARY=; fi # nor what the end has to say
  exit 2
}

# One run gives the verdict and every surface, so they cannot differ. Old surfaces go first: if the check
# cannot judge, none is left over from another run.
report() {
  [ -n "$2" ] || return 0
  local input
  for input in "$policy" "${BREAKEVEN_CATALOG:-}" "${profiles[@]}"; do
    if [ -n "$input" ] && [ ! -L "$2" ] && { [ "$2" -ef "$input" ] || [ "$(dirname -- "$2")" -ef "$input" ]; }; then refuse "$2" "is read by this check"; fi
  done
  case "/$2/" in */.[gG][iI][tT]/*) refuse "$2" "belongs to a git repository's own files" ;; esac
  clear_old "$2"
  arguments+=(--report "$1=$2")
}
report md "${BREAKEVEN_SUMMARY:-}"
report sarif "${BREAKEVEN_SARIF:-}"
report junit "${BREAKEVEN_JUNIT:-}"
report codequality "${BREAKEVEN_CODEQUALITY:-}"
report json "$scratch/verdict.json"
[ -z "${GITHUB_ACTIONS:-}" ] || arguments+=(--report "github=$scratch/annotations" --report "md=$scratch/summary")
# Names and values of a change land in the log: there the runner may take none of them for a command.
token=$(basename "$scratch")$RANDOM$RANDOM
[ -z "${GITHUB_ACTIONS:-}" ] || echo "::stop-commands::$token"
code=0
"${command[@]}" "${arguments[@]}" -- "${profiles[@]}" || code=$?
[ -z "${GITHUB_ACTIONS:-}" ] || echo "::$token::"
# A verdict that nothing was judged for is none, whatever the exit code of the command says.
case $code in 0) failed=false ;; 1) failed=true ;; *) failed= ;; esac
if [ -n "$failed" ] && ! grep -q "\"failed\": $failed" "$scratch/verdict.json" 2>/dev/null; then
  echo "error: ${command[*]} ended without a verdict; check that it is breakeven" >&2
  code=2
fi
if [ -n "${GITHUB_ACTIONS:-}" ]; then
  if [ -f "$scratch/annotations" ]; then cat "$scratch/annotations"; fi
  if [ -f "$scratch/summary" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$scratch/summary" >>"$GITHUB_STEP_SUMMARY"; fi
fi
judged=yes # and every report is where it was asked for
exit "$code"
