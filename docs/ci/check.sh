#!/usr/bin/env bash
# The gate as a plain script: GitHub's action, GitLab's job and any other CI run this.
# Every input comes through the environment, so that nothing a pull request writes is ever parsed as shell.
#   BREAKEVEN_PROFILES   profile files, separated by spaces (required)
#   BREAKEVEN_POLICY     policy file, read from the base revision (default breakeven.policy.yaml)
#   BREAKEVEN_BASE_REF   revision to compare with (default origin/main)
#   BREAKEVEN_CATALOG    catalogue overlay (optional)
#   BREAKEVEN_SUMMARY    Markdown report (optional)      BREAKEVEN_SARIF  SARIF report (optional)
#   BREAKEVEN_JUNIT      JUnit report (optional)         BREAKEVEN_CODEQUALITY  code quality report (optional)
#   BREAKEVEN            the command (default: breakeven on the path, else installed from BREAKEVEN_SOURCE)
set -euo pipefail

: "${BREAKEVEN_PROFILES:?name the profiles to check}"
policy=${BREAKEVEN_POLICY:-breakeven.policy.yaml}
base=${BREAKEVEN_BASE_REF:-origin/main}
today=$(date -u +%F)

if [ -n "${BREAKEVEN:-}" ]; then
  read -r -a command <<<"$BREAKEVEN"
elif command -v breakeven >/dev/null 2>&1; then
  command=(breakeven)
else
  venv=$(mktemp -d)/venv
  "${BREAKEVEN_PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip --quiet --disable-pip-version-check install "${BREAKEVEN_SOURCE:?breakeven is not installed}"
  command=("$venv/bin/breakeven")
fi

read -r -a profiles <<<"$BREAKEVEN_PROFILES"
arguments=(check "${profiles[@]}" --policy "$policy" "--base-ref=$base" --on "$today")
[ -z "${BREAKEVEN_CATALOG:-}" ] || arguments+=(--catalog "$BREAKEVEN_CATALOG")

# The verdict's own exit code decides; the other surfaces are written from the same inputs and may not hide it.
code=0
"${command[@]}" "${arguments[@]}" || code=$?
write() { [ -z "$2" ] || "${command[@]}" "${arguments[@]}" --format "$1" --output "$2" >/dev/null 2>&1 || true; }
if [ "$code" -le 1 ]; then
  write md "${BREAKEVEN_SUMMARY:-}"
  write sarif "${BREAKEVEN_SARIF:-}"
  write junit "${BREAKEVEN_JUNIT:-}"
  write codequality "${BREAKEVEN_CODEQUALITY:-}"
  if [ -n "${GITHUB_ACTIONS:-}" ]; then
    "${command[@]}" "${arguments[@]}" --format github || true
    if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then "${command[@]}" "${arguments[@]}" --format md >>"$GITHUB_STEP_SUMMARY" || true; fi
  fi
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  if [ "$code" -eq 0 ]; then echo "failed=false" >>"$GITHUB_OUTPUT"; else echo "failed=true" >>"$GITHUB_OUTPUT"; fi
fi
exit "$code"
