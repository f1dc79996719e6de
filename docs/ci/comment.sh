#!/usr/bin/env bash
# One comment on a pull request, kept up to date: the report starts with a hidden marker by which it is found again.
#   GITHUB_REPOSITORY    owner/name (the runner sets it)      GH_TOKEN  a token that may write to pull requests
#   BREAKEVEN_PR         number of the pull request           BREAKEVEN_SUMMARY  the report (default breakeven-comment.md)
set -euo pipefail

: "${GITHUB_REPOSITORY:?}" "${BREAKEVEN_PR:?}"
report=${BREAKEVEN_SUMMARY:-breakeven-comment.md}
[ -f "$report" ] || { echo "error: there is no $report; run docs/ci/check.sh first" >&2; exit 2; }
# A file of the change, or a link of it to one of the runner's, is no report of the gate's.
if [ -L "$report" ] || [ "$(head -n 1 -- "$report" | tr -d '\0')" != '<!-- breakeven-gate -->' ]; then
  echo "error: $report is no report of the gate; run docs/ci/check.sh first" >&2
  exit 2
fi
case $BREAKEVEN_PR in *[!0-9]*) echo "error: BREAKEVEN_PR is no number" >&2; exit 2 ;; esac

# Only a comment of a bot is taken over: anyone may write one that starts with the marker.
mine='.[] | select(.user.type == "Bot" and (.body | startswith("<!-- breakeven-gate -->"))) | .id'
ids=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$BREAKEVEN_PR/comments" --jq "$mine")
id=${ids%%$'\n'*}
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$report"
else
  gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$BREAKEVEN_PR/comments" -F "body=@$report"
fi
